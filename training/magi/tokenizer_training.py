"""Trains a tokenizer; measures what it reconstructs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset
from tqdm import tqdm

from magi.config import RunConfig, TokenizerTrainConfig
from magi.data.palette import as_colours, fixed_palette, frame_palette, nearest_indices
from magi.schedule import (
    MovingAverage,
    learning_rate_factor,
    load_checkpoint,
    mixed_precision,
    save_checkpoint,
    seed_step,
)
from magi.tokenizer import Plain, Referenced, build_tokenizer
from magi.weights import kept, start_from

CHECKPOINT_SECONDS = 240


class ReferencedBatches(IterableDataset):
    """Endless batches: per character one reference and several other poses of the same character.

    A batch holds `reference` int32 [R, h, w], `palette` float [R, P, 4], `has_reference` [R],
    `frames` float [R, T, 4, h, w] and `targets` int64 [R, T, h, w] (indices into the palette).
    """

    def __init__(self, dataset, null_palette: np.ndarray, settings: TokenizerTrainConfig, start: int):
        self.dataset = dataset
        self.null_palette = null_palette
        self.settings = settings
        self.start = start

    def __iter__(self):
        index = self.start * self.settings.references
        while True:
            rows = []
            for _ in range(self.settings.references):
                rows.append(self._row(index))
                index += 1
            yield tuple(np.stack(column) for column in zip(*rows, strict=True))

    def _row(self, index: int):
        rng = np.random.Generator(np.random.PCG64([self.settings.seed, index, 11]))
        frames = self.dataset.poses(rng, self.settings.targets + 1)
        null = rng.random() < self.settings.null_share
        palette = self.null_palette if null else frame_palette(frames[0])
        indices = nearest_indices(frames, palette)
        reference = np.zeros_like(indices[0]) if null else indices[0]
        targets = frames[1:].transpose(0, 3, 1, 2).astype(np.float32) / 255
        flag = np.float32(0 if null else 1)
        return reference, as_colours(palette), flag, targets, indices[1:].astype(np.int64)


class FrameBatches(IterableDataset):
    """Endless batches of single frames [N, c, h, w] in 0..1, for a plain tokenizer."""

    def __init__(self, dataset, settings: TokenizerTrainConfig, start: int):
        self.dataset = dataset
        self.settings = settings
        self.start = start

    def __iter__(self):
        index = self.start * self.settings.references
        while True:
            frames = []
            for _ in range(self.settings.references):
                frames.append(self.dataset.clip(index, self.settings.targets).pixels)
                index += 1
            pixels = np.concatenate(frames).transpose(0, 3, 1, 2)
            yield pixels.astype(np.float32) / 255


def spread(features: list[Tensor], embeddings: Tensor, palette: Tensor, targets: int):
    """Repeat what belongs to a reference for each of its target frames."""
    repeat = [feature.repeat_interleave(targets, 0) for feature in features]
    return repeat, embeddings.repeat_interleave(targets, 0), palette.repeat_interleave(targets, 0)


def sample_latents(mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """A draw from the posterior and its KL divergence from the unit normal, mean per value."""
    drawn = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    return drawn, divergence.mean()


def with_noise(latents: Tensor, deviation: float) -> Tensor:
    """Latents with noise of a random level up to `deviation`, against colour drift."""
    level = torch.rand(len(latents), 1, 1, device=latents.device) * deviation
    return latents + level * torch.randn_like(latents)


def referenced_loss(model: Referenced, batch: list[Tensor], settings: TokenizerTrainConfig) -> tuple[Tensor, dict]:
    """Cross-entropy on the true palette colour, heavier where the pixel changed, plus KL."""
    reference, palette, flag, frames, targets = batch
    count = frames.shape[1]
    features, embeddings = model.reference(reference, palette, flag)
    features, embeddings, palette = spread(features, embeddings, palette, count)
    mean, log_variance = model.posterior(frames.flatten(0, 1), features)
    latents, divergence = sample_latents(mean.float(), log_variance.float())
    neighbours = model.neighbours(reference).repeat_interleave(count, 0)
    given = flag.repeat_interleave(count, 0)
    noised = with_noise(latents, settings.noise)
    scores = model.logits(noised, features, embeddings, palette, neighbours, given)
    targets = targets.flatten(0, 1)
    before = reference.repeat_interleave(count, 0)
    weight = 1 + settings.change_weight * (targets != before)
    losses = F.cross_entropy(scores.float().flatten(0, 2), targets.flatten(), reduction="none")
    entropy = (losses * weight.flatten()).mean()
    solid = (targets != 0) & given.view(-1, 1, 1).bool()
    exact = (scores.argmax(-1) == targets)[solid].float().mean()
    return entropy + settings.kl * divergence, {
        "ce": entropy.item(),
        "kl": divergence.item(),
        "exact": exact.item(),
    }


def plain_loss(model: Plain, frames: Tensor, settings: TokenizerTrainConfig) -> tuple[Tensor, dict]:
    """Absolute error of the pixels plus KL."""
    latents, divergence = sample_latents(*model.posterior(frames))
    made = model.decode_raw(with_noise(latents, settings.noise))
    error = (made - frames).abs().mean()
    return error + settings.kl * divergence, {"l1": error.item(), "kl": divergence.item()}


def train_tokenizer(
    run: RunConfig,
    dataset,
    folder: Path,
    device: str,
    steps: int | None = None,
    start: Path | None = None,
) -> Path:
    """Train the tokenizer of `run`, going on at its last checkpoint, or beginning with the weights
    kept in `start`; returns the checkpoint."""
    settings = run.tokenizer_training
    total = steps or settings.steps
    torch.manual_seed(settings.seed)
    model = build_tokenizer(run.tokenizer).to(device, memory_format=torch.channels_last)
    path = folder / "tokenizer.pt"
    saved = load_checkpoint(path, device)
    begun = kept(start, "tokenizer") if start and not saved else {}
    if begun:
        start_from(model, begun)
    average = MovingAverage(model, 0.999)
    optimiser = torch.optim.AdamW(model.parameters(), settings.learning_rate, (0.9, 0.99), weight_decay=0.01)
    referenced = isinstance(model, Referenced)
    if saved:
        model.load_state_dict(saved["model"])
        average.module.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
    step = saved["step"] if saved else 0
    if step >= total:
        return path
    known = saved or begun
    palette = np.array(known["palette"], "<u4") if known else _null_palette(dataset, referenced)
    batches = (
        ReferencedBatches(dataset, palette, settings, step)
        if referenced
        else FrameBatches(dataset, settings, step)
    )
    loader = iter(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4))

    def save() -> None:
        save_checkpoint(
            path,
            {
                "model": model.state_dict(),
                "average": average.module.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step,
                "palette": [int(word) for word in palette],
            },
        )

    progress = tqdm(total=total, initial=step, unit="step", mininterval=5)
    last_save = time.monotonic()
    while step < total:
        factor = learning_rate_factor(step, total, settings.warmup, settings.decay)
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * factor
        batch = next(loader)
        seed_step(settings.seed, step)
        with mixed_precision(device, settings.mixed_precision):
            if referenced:
                loss, shown = referenced_loss(model, [part.to(device) for part in batch], settings)
            else:
                loss, shown = plain_loss(model, batch.to(device), settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average.update(model, step)
        step += 1
        progress.update()
        progress.set_postfix({key: f"{value:.4f}" for key, value in shown.items()}, refresh=False)
        if time.monotonic() - last_save > CHECKPOINT_SECONDS:
            save()
            last_save = time.monotonic()
    save()
    return path


def _null_palette(dataset, referenced: bool) -> np.ndarray:
    if not referenced:
        return np.zeros(0, "<u4")
    rng = np.random.default_rng(5)
    return fixed_palette(np.concatenate([dataset.poses(rng, 1) for _ in range(600)]))
