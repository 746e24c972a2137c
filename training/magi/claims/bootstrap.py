"""Intervals over seeds and clips at once, for figures of systems that were given the same clips.

A figure is an array [1 + DRAWS]: the estimate, then one value for every draw of the bootstrap. Every
draw takes clips with replacement, the same ones for all systems, and seeds of training with
replacement, each system's apart. So figures subtract and divide draw by draw, and what clips have in
common cancels.

The interval is 1.96 deviations of the draws around the estimate, because resampling itself raises a
Frechet distance, so that percentiles lie too high. Efron and Tibshirani, "An Introduction to the
Bootstrap", 1993, section 12.2. Three seeds tell little about the spread of seeds: an interval is
rather too narrow than too wide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from magi.claims.measures import Measured
from magi.frechet import frechet_distance
from magi.metrics import resampled

DRAWS = 100
_NORMAL_95 = 1.96

Statistic = Callable[[Measured, np.ndarray], float]
"""A figure of one system's measures under weights [N] that say how often each clip counts."""


def at_frame(name: str, frame: int) -> Statistic:
    """Mean over clips of a measure at a frame after the given ones, counted from 1."""
    return lambda known, weights: float(np.average(known[name][:, frame - 1], weights=weights))


def distance_from(truth: Measured) -> Statistic:
    """Frechet distance of whole videos from the true ones."""
    return lambda known, weights: frechet_distance(
        truth["video"], known["video"], weights, weights
    )


def frame_distance_from(truth: Measured) -> Statistic:
    """Frechet distance of single frames from the true ones."""

    def distance(known: Measured, weights: np.ndarray) -> float:
        repeated = np.repeat(weights, known["frame"].shape[1])
        rows = (each["frame"].reshape(len(repeated), -1) for each in (truth, known))
        return frechet_distance(*rows, repeated, repeated)

    return distance


def figure(seeds: Sequence[Measured], statistic: Statistic, name: str) -> np.ndarray:
    """The mean over seeds of a statistic, [1 + DRAWS]; `name` tells one system's draws of seeds from
    another's."""
    clips = len(seeds[0]["video"])
    weights = np.concatenate([np.ones((1, clips)), resampled(clips, 0, DRAWS)])
    values = np.array([[statistic(known, row) for row in weights] for known in seeds])
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    drawn = np.random.default_rng(digest).integers(len(seeds), size=(DRAWS, len(seeds)))
    later = values[:, 1:][drawn.T, np.arange(DRAWS)].mean(0)
    return np.concatenate([[values[:, 0].mean()], later])


def interval(draws: np.ndarray) -> dict[str, float]:
    """A figure as `mean`, `low` and `high`."""
    mean, reach = float(draws[0]), _NORMAL_95 * float(np.std(draws[1:]))
    return {"mean": mean, "low": mean - reach, "high": mean + reach}
