"""What is measured, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from tqdm import tqdm

from magi.evaluation.videos import Animate, Reconstruct
from magi.video_encoder import VideoEncoder

Item = TypeVar("Item")

MODEL, CEILING = "model", "tokenizer"
"""The two systems that a subject is, by name."""


@dataclass(frozen=True)
class Subject:
    """One model and the contexts that it is measured in.

    dataset: split -> the clips of a split.
    animate: the model; None where only its tokenizer is there.
    reconstruct: its tokenizer alone.
    float_animate: the same model in float32; None where it is not there.
    encoder: tells the states behind a video; None where none is needed.
    features: networks whose features make Frechet distances, by the distance's name; each takes
    clips uint8 [N, T, H, W, C] to features [N, D].
    characters: how many of a split; `fewer` of them serve where a video is long or many are needed.
    seed: the video of character i is made from seed + i, so comparisons see the same noise.
    out: folder of contact sheets; sheets: how many of each kind.
    """

    name: str
    dataset: Callable[[str], Any]
    animate: Animate | None
    reconstruct: Reconstruct
    characters: int
    seed: int
    out: Path
    sheets: int
    float_animate: Animate | None = None
    encoder: VideoEncoder | None = None
    features: dict[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)

    def fewer(self, share: int = 1) -> int:
        """A `share`-th of the characters, at least 2 and at most 20."""
        return min(self.characters, 20, max(2, self.characters // share))


def watched(items: Iterable[Item], what: str) -> Iterable[Item]:
    """The items, with a progress bar."""
    return tqdm(items, desc=what, mininterval=5)


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def figure(known: dict, digits: int = 2) -> str:
    """A summary as text: mean (low-high)."""
    mean, low, high = (f"{known[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def share(known: dict) -> str:
    """A summary of shares as text, in percent."""
    mean, low, high = (f"{100 * known[key]:.1f}" for key in ("mean", "low", "high"))
    return f"{mean}% ({low} to {high})"
