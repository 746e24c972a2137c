"""What every dataset yields, and the interface of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True, eq=False)
class Clip:
    """T frames of one video with what is known about them.

    pixels: uint8 [T, H, W, C], C = 3 (RGB) or 4 (RGBA).
    interval: source frames between two frames of the clip, from 1.
    labels: integer [T], label id of each frame: 0 is "no label", i + 1 is `Dataset.labels[i]`.
    state: [T, ...], the true state behind each frame; what it holds is the dataset's to say.
    """

    pixels: np.ndarray
    interval: int
    labels: np.ndarray
    state: np.ndarray

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4:
            raise ValueError(
                f"pixels must be uint8 [T, H, W, C], not {self.pixels.dtype} {self.pixels.shape}"
            )
        frames = len(self.pixels)
        if self.labels.shape != (frames,) or len(self.state) != frames:
            raise ValueError(
                f"{frames} frames, labels {self.labels.shape}, state {self.state.shape}"
            )
        if self.interval < 1:
            raise ValueError(f"interval {self.interval}: must be at least 1")


class Dataset(Protocol):
    """A function from a seed to a clip, and the shapes that a model for it needs.

    labels: names of the labels; the id of `labels[i]` is i + 1.
    max_interval: largest interval of a clip.
    frame_shape: (height, width, channels) of a frame.
    source: tells what clips are cut from, where that can change; clips of another are other clips.
    """

    labels: tuple[str, ...]
    max_interval: int
    frame_shape: tuple[int, int, int]
    source: str

    def clip(self, seed: int, frames: int) -> Clip:
        """The clip of `seed`, of `frames` frames; the same seed gives the same clip."""
        ...
