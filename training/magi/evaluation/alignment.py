"""Comparing by phase: a video that is out of step but moves rightly is right.

Frames are compared with every pose of their character. Each stretch of one label may stand anywhere
in its cycle, may pass through the standing pose first, and may begin a frame earlier or later; what
makes the error smallest counts. A video that stands still is right in no such way.
"""

from __future__ import annotations

from itertools import groupby, pairwise, product

import numpy as np

from magi.data.sprites import Recipe, Sprites
from magi.data.timeline import CYCLES, STANDING, Pose
from magi.metrics import composited

WAYS = ("at the same frames", "aligned by phase")
PoseErrors = dict[Pose, np.ndarray]
"""Squared error of each frame against each pose, float64 [T]."""


class Figure:
    """All poses of one character facing one way."""

    def __init__(self, dataset: Sprites, recipe: Recipe, direction: int):
        self.poses: tuple[Pose, ...] = tuple(
            dict.fromkeys((STANDING, *(pose for label in recipe.labels for pose in CYCLES[label])))
        )
        shown = composited(dataset.compose(recipe, list(self.poses), direction))
        self._flat = shown.reshape(len(shown), -1)

    def errors(self, made: np.ndarray) -> PoseErrors:
        """Of frames uint8 [T, 64, 64, 4]."""
        drawn = composited(made).reshape(len(made), -1)
        squares = [(frames**2).mean(1) for frames in (self._flat, drawn)]
        products = self._flat @ drawn.T / drawn.shape[1]
        table = (squares[0][:, None] + squares[1] - 2 * products).clip(0)
        return dict(zip(self.poses, table, strict=True))


def frame_errors(
    errors: PoseErrors, poses: list[Pose], labels: list[str], counted_from: int = 1
) -> dict[str, np.ndarray]:
    """Squared error of every counted frame, in each way of comparing: float64 [T - counted_from].

    poses: the true ones; labels: of every frame, a change of label begins a stretch."""
    same = np.array([errors[pose][frame] for frame, pose in enumerate(poses)])
    aligned = _aligned(errors, labels, counted_from)
    return dict(zip(WAYS, (same[counted_from:], aligned[counted_from:]), strict=True))


def _aligned(errors: PoseErrors, labels: list[str], counted_from: int) -> np.ndarray:
    """Errors [T] where all stretches stand as they fit best; frames that do not count are 0."""
    counted = {pose: error * (np.arange(len(error)) >= counted_from) for pose, error in errors.items()}
    runs = [(label, len(list(run))) for label, run in groupby(labels)]
    ends = np.cumsum([0, *(lasting for _, lasting in runs)]).tolist()
    # By the frame that a stretch begins at: the errors up to there, at their best.
    best: dict[int, np.ndarray] = {0: np.zeros(0)}
    for (label, _), (_, end) in zip(runs, pairwise(ends), strict=True):
        reached: dict[int, np.ndarray] = {}
        moved = (end,) if end == len(labels) else (end - 1, end, end + 1)
        for (begin, before), until in product(best.items(), moved):
            if begin < until <= len(labels):
                errors_there = np.concatenate([before, _stretch(counted, label, begin, until)])
                if until not in reached or errors_there.sum() < reached[until].sum():
                    reached[until] = errors_there
        best = reached
    return best[len(labels)]


def _stretch(errors: PoseErrors, label: str, begin: int, end: int) -> np.ndarray:
    """Errors of the frames from `begin` to `end` under one label, wherever in its cycle they fit."""
    cycle, frames = CYCLES[label], range(begin, end)

    def of(start: int) -> np.ndarray:
        shown = (STANDING if start + t < 0 else cycle[(start + t) % len(cycle)] for t in range(len(frames)))
        return np.array([errors[pose][frame] for pose, frame in zip(shown, frames, strict=True)])

    return min(map(of, range(-1, len(cycle))), key=np.sum)
