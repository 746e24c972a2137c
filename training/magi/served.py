"""Runs an exported model folder with onnxruntime: the graphs as they are served."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from magi.data.palette import as_colours, frame_palette, nearest_indices
from magi.generation import Slots
from magi.head import flow_times


_KEPT_LOOKS = 4
"""References whose features are kept, besides that of none."""


def session_options(threads: int = 1) -> onnxruntime.SessionOptions:
    """Options under which 8-bit products are exact on every processor, as they are in WebAssembly:
    without VNNI, x64's fast way saturates in 16 bits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options


class ServedModel:
    """A `FrameModel` over exported graphs, with its tokenizer.

    Raises FileNotFoundError or ValueError, naming the file, for one that is missing or not what the
    manifest says.
    """

    def __init__(self, folder: Path, threads: int = 1):
        self.folder = folder
        self.manifest = json.loads((folder / "manifest.json").read_text())
        for name, known in self.manifest["files"].items():
            digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            if digest != known["sha256"]:
                raise ValueError(f"{folder / name}: SHA-256 {digest}, manifest {known['sha256']}")
        self.sessions = {
            name: onnxruntime.InferenceSession(
                str(folder / graph["file"]), session_options(threads)
            )
            for name, graph in self.manifest["graphs"].items()
        }
        shape = self.manifest["backbone"]
        self.window = shape["window"]
        self.cache_shape = (shape["layers"], self.manifest["tokenizer"]["tokens"], shape["width"])
        self.channels = self.manifest["tokenizer"]["channels"]
        self.referenced = "reference" in self.sessions
        self._past: Slots | None = None
        self._shared: dict[str, np.ndarray] = {}
        self._steps: dict[int, dict[str, np.ndarray]] = {}
        self._looks: dict[bytes | None, tuple[dict[str, np.ndarray], np.ndarray]] = {}

    @property
    def digest(self) -> str:
        """SHA-256 over the SHA-256s of the model's files: which graphs and weights these are."""
        files = {name: known["sha256"] for name, known in self.manifest["files"].items()}
        return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()

    def run(self, graph: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs of a graph by name; inputs that it does not have are left out."""
        session = self.sessions[graph]
        asked = {value.name: inputs[value.name] for value in session.get_inputs()}
        names = [value.name for value in session.get_outputs()]
        return dict(zip(names, session.run(names, asked), strict=True))

    def predict(self, latents, mask, role, interval, label, past):
        made = self.run(
            "backbone",
            {
                "latents": latents.numpy(),
                "mask": mask.numpy(),
                "role": np.array([role], np.int32),
                "noise_level": np.zeros(1, np.int32),
                "interval": np.array([interval], np.int32),
                "label": np.array([label], np.int32),
                **self._turned(past),
            },
        )
        return tuple(torch.from_numpy(made[name]) for name in ("z", "k", "v"))

    def _turned(self, past: Slots) -> dict[str, np.ndarray]:
        """What all passes of a frame share of its past."""
        if self._past is not past:
            names = ("past_k", "past_v", "filled")
            inputs = {name: part.numpy() for name, part in zip(names, past, strict=True)}
            self._past, self._shared = past, self.run("past", inputs)
        return self._shared

    def sample(self, z: Tensor, noise: Tensor, steps: int) -> Tensor:
        if steps not in self._steps:
            self._steps[steps] = self.run("steps", {"times": flow_times(steps).numpy()})
        inputs = {"z": z.numpy(), "noise": noise.numpy(), **self._steps[steps]}
        return torch.from_numpy(self.run("head", inputs)["latents"])

    def _features(self, frame: np.ndarray | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Features and palette (uint32) of a reference; without one, what stands in for it. Those of
        the last few are kept: a character's clips share theirs."""
        if not self.referenced:
            return {}, np.zeros(0, "<u4")
        key = None if frame is None else frame.tobytes()
        if key not in self._looks:
            if len(self._looks) > _KEPT_LOOKS:
                self._looks = {None: self._looks[None]} if None in self._looks else {}
            self._looks[key] = self._made_features(frame)
        return self._looks[key]

    def _made_features(self, frame: np.ndarray | None) -> tuple[dict[str, np.ndarray], np.ndarray]:
        if frame is None:
            known = np.array(self.manifest["tokenizer"]["palette"], np.uint8)
            palette = np.ascontiguousarray(known).view("<u4")[:, 0]
            size = self.manifest["frame"]["height"]
            indices, flag = np.zeros((size, size), np.int32), 0.0
        else:
            palette = frame_palette(frame)
            indices, flag = nearest_indices(frame, palette), 1.0
        inputs = {
            "reference": indices,
            "palette": as_colours(palette),
            "has_reference": np.array([flag], np.float32),
        }
        return inputs | self.run("reference", inputs), palette

    def encode_video(self, frames: np.ndarray) -> Tensor:
        """uint8 [T, h, w, c] -> normalised latents [T, S, C]; frame 0 without a reference, the
        later ones with frame 0 as theirs."""
        features, _ = self._features(None)
        rows = []
        for frame in frames:
            pixels = frame.transpose(2, 0, 1)[None].astype(np.float32) / 255
            rows.append(self.run("encoder", {"frame": pixels, **features})["latents"])
            if len(rows) == 1 < len(frames):
                features, _ = self._features(frame)
        return torch.from_numpy(np.stack(rows))

    def decode_video(self, latents: Tensor, first_frame: np.ndarray | None) -> np.ndarray:
        """Latents [T, S, C] -> uint8 [T, h, w, c]; frame 0 as given, or drawn without reference."""
        frames = [] if first_frame is None else [first_frame]
        features, palette = self._features(first_frame)
        for row in latents[len(frames) :].numpy():
            known = {"latents": row, **features}
            if self.referenced:
                known |= self.run("sketch", known)
            frames.append(self._pixels(self.run("decoder", known), palette))
            if len(frames) == 1:
                features, palette = self._features(frames[0])
        return np.stack(frames)

    def _pixels(self, made: dict[str, np.ndarray], palette: np.ndarray) -> np.ndarray:
        if not self.referenced:
            return (made["frame"][0].transpose(1, 2, 0) * 255).round().astype(np.uint8)
        words = np.ascontiguousarray(palette[made["indices"]]).astype("<u4")
        return words.view(np.uint8).reshape(*words.shape, 4)
