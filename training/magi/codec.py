"""A trained tokenizer with its normalisation: whole videos to normalised latents and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from magi.config import LATENT_BOUND, TokenizerConfig
from magi.data.palette import as_colours, frame_palette, nearest_indices
from magi.schedule import load_checkpoint
from magi.tokenizer import Patches, Referenced, build_tokenizer


@dataclass
class Reference:
    """What a referenced tokenizer knows of a video's frame 0."""

    features: list[Tensor]
    embeddings: Tensor
    colours: Tensor
    neighbours: Tensor
    given: Tensor
    palette: np.ndarray


class Codec:
    """Encodes and decodes videos; latents have unit deviation per channel and are clipped."""

    def __init__(self, tokenizer: nn.Module, mean: Tensor, deviation: Tensor, palette: np.ndarray):
        self.tokenizer = tokenizer.eval().requires_grad_(False)
        self.mean = mean
        self.deviation = deviation
        self.palette = palette

    @property
    def config(self) -> TokenizerConfig:
        return self.tokenizer.config

    @property
    def referenced(self) -> bool:
        return isinstance(self.tokenizer, Referenced)

    @property
    def device(self) -> torch.device:
        return self.mean.device

    @classmethod
    def load(cls, config: TokenizerConfig, folder: Path, device: str = "cpu") -> Codec:
        """The codec of a run's folder; measured statistics lie beside the tokenizer."""
        tokenizer = build_tokenizer(config).to(device)
        palette = np.zeros(0, "<u4")
        if not isinstance(tokenizer, Patches):
            saved = load_checkpoint(folder / "tokenizer.pt", device)
            if saved is None:
                raise FileNotFoundError(f"{folder}/tokenizer.pt: train it with `magi tokenizer`")
            tokenizer.load_state_dict(saved["average"])
            palette = np.array(saved["palette"], "<u4")
        channels = config.latent_channels
        codec = cls(
            tokenizer,
            torch.zeros(channels, device=device),
            torch.ones(channels, device=device),
            palette,
        )
        statistics = load_checkpoint(folder / "latents.pt", device)
        if statistics:
            codec.mean, codec.deviation = statistics["mean"], statistics["deviation"]
        return codec

    def null_reference(self) -> Reference:
        """What stands in for the reference of frame 0 itself."""
        blank = np.zeros((self.config.frame_size,) * 2, np.int32)
        return self._reference(blank, self.palette, 0.0)

    def reference(self, frame: np.ndarray) -> Reference:
        """The reference that a displayed frame 0, uint8 [h, w, 4], makes."""
        palette = frame_palette(frame)
        return self._reference(nearest_indices(frame, palette), palette, 1.0)

    @torch.no_grad()
    def _reference(self, indices: np.ndarray, palette: np.ndarray, flag: float) -> Reference:
        colours = torch.from_numpy(as_colours(palette)).to(self.device)[None]
        pixels = torch.from_numpy(indices).to(self.device)[None]
        given = torch.tensor([flag], device=self.device)
        features, embeddings = self.tokenizer.reference(pixels, colours, given)
        neighbours = self.tokenizer.neighbours(pixels)
        return Reference(features, embeddings, colours, neighbours, given, palette)

    def _normalised(self, latents: Tensor) -> Tensor:
        return ((latents.float() - self.mean) / self.deviation).clamp(-LATENT_BOUND, LATENT_BOUND)

    @torch.no_grad()
    def encode(self, frames: np.ndarray, reference: Reference | None = None) -> Tensor:
        """uint8 [T, h, w, c] -> normalised latents [T, S, C] under one reference."""
        pixels = torch.from_numpy(frames).to(self.device).permute(0, 3, 1, 2).float() / 255
        if not self.referenced:
            return self._normalised(self.tokenizer.encode(pixels))
        features = [part.expand(len(frames), -1, -1, -1) for part in reference.features]
        return self._normalised(self.tokenizer.encode(pixels, features))

    def encode_video(self, frames: np.ndarray) -> Tensor:
        """uint8 [T, h, w, c] -> normalised latents [T, S, C]; frame 0 without a reference, the
        later ones with frame 0 as theirs."""
        if not self.referenced:
            return self.encode(frames)
        first = self.encode(frames[:1], self.null_reference())
        if len(frames) == 1:
            return first
        return torch.cat([first, self.encode(frames[1:], self.reference(frames[0]))])

    @torch.no_grad()
    def decode(self, latents: Tensor, reference: Reference | None = None) -> np.ndarray:
        """Normalised latents [T, S, C] -> uint8 [T, h, w, c]."""
        raw = latents * self.deviation + self.mean
        if not self.referenced:
            pixels = self.tokenizer.decode(raw)
            return (pixels * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        features = [part.expand(len(raw), -1, -1, -1) for part in reference.features]
        scores = self.tokenizer.logits(
            raw,
            features,
            reference.embeddings.expand(len(raw), -1, -1),
            reference.colours.expand(len(raw), -1, -1),
            reference.neighbours.expand(len(raw), -1, -1),
            reference.given.expand(len(raw)),
        )
        words = reference.palette[scores.argmax(-1).cpu().numpy()]
        return np.ascontiguousarray(words).astype("<u4").view(np.uint8).reshape(*words.shape, 4)

    def decode_video(self, latents: Tensor, first_frame: np.ndarray | None) -> np.ndarray:
        """Normalised latents [T, S, C] -> uint8 [T, h, w, c]; `first_frame`, when given, is shown
        as it is and is the reference of the others."""
        if not self.referenced:
            made = self.decode(latents)
            if first_frame is not None:
                made[0] = first_frame
            return made
        if first_frame is None:
            first_frame = self.decode(latents[:1], self.null_reference())[0]
        if len(latents) == 1:
            return first_frame[None]
        later = self.decode(latents[1:], self.reference(first_frame))
        return np.concatenate([first_frame[None], later])
