"""Ways to spoil true videos, each by a growing amount: the ladder that a distance has to climb.

Clips are uint8 [N, T, H, W, 3] (`on_grey`); the same seed spoils the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from magi.metrics import composited


def on_grey(clips: np.ndarray) -> np.ndarray:
    """RGB or RGBA uint8 [N, T, H, W, C] as RGB on grey."""
    flat = composited(clips.reshape(-1, *clips.shape[2:]))
    return (flat * 255).round().astype(np.uint8).reshape(*clips.shape[:-1], 3)


def blurred(clips: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """A Gaussian blur of `sigma` pixels in every frame."""
    made = clips.astype(np.float32)
    for axis in (2, 3):
        places = np.arange(clips.shape[axis])
        weights = np.exp(-((places[:, None] - places) ** 2) / (2 * sigma**2)).astype(np.float32)
        weights /= weights.sum(1, keepdims=True)
        made = np.moveaxis(np.tensordot(made, weights, (axis, 1)), -1, axis)
    return made.round().astype(np.uint8)


def frozen(clips: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """The last `share` of the frames stand still."""
    moving = round(clips.shape[1] * (1 - share))
    made = clips.copy()
    made[:, max(1, moving) :] = made[:, max(1, moving) - 1, None]
    return made


def shuffled(clips: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """A random `share` of the frames in random order among themselves."""
    rng = np.random.default_rng(seed)
    made = clips.copy()
    for clip in made:
        places = rng.permutation(len(clip))[: round(len(clip) * share)]
        clip[np.sort(places)] = clip[places]
    return made


def teleported(clips: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """Every fourth frame, on average, all objects jump by `share` of the frame's width in a random
    direction from where they should be, and stay displaced until the next jump."""
    rng = np.random.default_rng(seed)
    made, height, width = clips.copy(), *clips.shape[2:4]
    rows, columns = np.arange(height)[:, None], np.arange(width)
    for clip in made:
        down = right = 0
        for index in range(1, len(clip)):
            if rng.random() < 0.25:
                angle = rng.uniform(0, 2 * np.pi)
                down = round(width * share * np.sin(angle))
                right = round(width * share * np.cos(angle))
            source = (rows - down).clip(0, height - 1), (columns - right).clip(0, width - 1)
            clip[index] = clip[index][source]
    return made


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a video, and by how much at each rung."""

    name: str
    unit: str
    spoil: Callable[[np.ndarray, float, int], np.ndarray]
    rungs: tuple[float, ...]


LADDER = (
    Corruption("blur", "sigma in pixels", blurred, (0.5, 1, 2, 4)),
    Corruption("freeze", "share of the frames", frozen, (0.25, 0.5, 0.75, 1)),
    Corruption("shuffled frames", "share of the frames", shuffled, (0.25, 0.5, 0.75, 1)),
    Corruption("teleported objects", "share of the width", teleported, (0.05, 0.1, 0.2, 0.4)),
)


def climb(
    features: Callable[[np.ndarray], np.ndarray],
    distance: Callable[[np.ndarray, np.ndarray], float],
    truth: np.ndarray,
    others: np.ndarray,
) -> dict[str, list[float]]:
    """Distance of `others` from `truth`, both true clips on grey, spoiled by every rung of the
    ladder; the first entry of each list is that of unspoiled clips."""
    known = features(truth)
    floor = distance(known, features(others))
    return {
        way.name: [floor]
        + [distance(known, features(way.spoil(others, rung, 0))) for rung in way.rungs]
        for way in LADDER
    }
