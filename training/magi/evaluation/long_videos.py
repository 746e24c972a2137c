"""Sprites in long videos: does the thousandth frame still look like the second?

The action changes every 5 to 20 frames, every time in a way that training never saw, because a walk
alone repeats after 8 frames and could be copied. A window's frames are compared with the true ones
at the same indices, and aligned by phase: within each stretch of one label the truth may be shifted
in its cycle, all frames of the stretch by the same number of source frames, whichever makes the
error smallest. A model that is out of step but moves rightly is right when aligned; one that stands
still is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from magi.data.sprites import DIRECTIONS, Recipe, Sprites, evaluation_schedule
from magi.data.timeline import CYCLES, Phase, Pose, phases, standing
from magi.evaluation.subject import CEILING, MODEL, Subject, figure, grid, watched
from magi.evaluation.videos import Request
from magi.metrics import composited, decibels, summary
from magi.pictures import contact_sheet

Window = tuple[int, int]
"""First index of its frames, and the first after them."""
WINDOWS: tuple[Window, ...] = ((0, 16), (48, 64), (84, 100), (984, 1000))
WAYS = ("at the same frames", "aligned by phase")
SHARE = 5
"""A long video is made of every fifth character."""


@dataclass(frozen=True)
class LongVideo:
    """What a long video of one character has to show: `labels` and `phases` of every frame."""

    recipe: Recipe
    direction: int
    labels: list[str]
    phases: list[Phase]

    def truth(self, dataset: Sprites, window: Window) -> np.ndarray:
        """The true frames of a window: uint8 [T, 64, 64, 4]."""
        poses = [phase.pose for phase in self.phases[slice(*window)]]
        return dataset.compose(self.recipe, poses, self.direction)


def long_video(dataset: Sprites, index: int, frames: int, seed: int) -> LongVideo:
    """The long video of character `index`; directions take turns."""
    recipe = dataset.recipe(index)
    rng = np.random.default_rng([seed, index, frames])
    labels = evaluation_schedule(rng, recipe.labels, frames)
    shown = phases(labels, 1, standing(labels[0]))
    return LongVideo(recipe, index % len(DIRECTIONS), labels, shown)


def shifted(phase: Phase, label: str, shift: int) -> Pose:
    """The pose `shift` source frames later in the cycle of `label`; poses outside of it stay."""
    if phase.label != label or phase.index < 0:
        return phase.pose
    cycle = CYCLES[label]
    return cycle[(phase.index + shift) % len(cycle)]


def errors(
    dataset: Sprites, video: LongVideo, window: Window, made: np.ndarray
) -> dict[str, np.ndarray]:
    """Squared error of each frame of a window, in each way of comparing: float64 [T]."""
    truth = composited(video.truth(dataset, window))
    drawn = composited(made)
    same = ((truth - drawn) ** 2).mean((1, 2, 3))
    aligned = same.copy()
    begin, end = window
    for label, stretch in groupby(range(begin, end), lambda frame: video.labels[frame]):
        frames = list(stretch)
        places = [frame - begin for frame in frames]
        for shift in range(1, len(CYCLES[label])):
            poses = [shifted(video.phases[frame], label, shift) for frame in frames]
            other = composited(dataset.compose(video.recipe, poses, video.direction))
            error = ((other - drawn[places]) ** 2).mean((1, 2, 3))
            if error.sum() < aligned[places].sum():
                aligned[places] = error
    return dict(zip(WAYS, (same, aligned), strict=True))


def psnr_of(error: np.ndarray, window: Window) -> float:
    """PSNR of a window; the given frame 0 does not count."""
    return decibels(error[1:].mean() if window[0] == 0 else error.mean())


def measure(subject: Subject, windows: tuple[Window, ...] = WINDOWS) -> dict:
    """PSNR by system, way of comparing and window; how much the last window lies below the first;
    and contact sheets of the windows."""
    dataset = subject.dataset("test-combo")
    frames = windows[-1][1]
    scores: dict[str, dict[str, list[list[float]]]] = {}
    characters = subject.fewer(SHARE)
    for index in watched(range(characters), f"videos of {frames} frames"):
        video = long_video(dataset, index, frames, subject.seed)
        truths = [video.truth(dataset, window) for window in windows]
        made = {
            CEILING: [_reconstructed(subject, truths[0][:1], truth) for truth in truths],
            MODEL: _animated(subject, dataset, video, index, truths[0][:1], windows),
        }
        for system, parts in made.items():
            known = [
                errors(dataset, video, window, part)
                for window, part in zip(windows, parts, strict=True)
            ]
            for way in WAYS:
                row = [psnr_of(error[way], at) for error, at in zip(known, windows, strict=True)]
                scores.setdefault(system, {}).setdefault(way, []).append(row)
        if index < subject.sheets:
            _draw(subject, index, windows, truths, made[MODEL])
    return {
        "characters": characters,
        "frames": frames,
        **{system: _summaries(ways, windows) for system, ways in scores.items()},
        "difference beyond the tokenizer's": {
            way: summary(_difference(scores[MODEL][way]) - _difference(scores[CEILING][way]))
            for way in WAYS
        },
    }


def _animated(subject, dataset, video, index, first, windows) -> list[np.ndarray]:
    ids = [dataset.labels.index(label) + 1 for label in video.labels]
    shown = tuple(frame for window in windows for frame in range(*window))
    request = Request(first, ids, subject.seed + index, shown=shown)
    ends = np.cumsum([end - begin for begin, end in windows])
    return np.split(subject.animate(request), ends[:-1])


def _reconstructed(subject: Subject, first: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return subject.reconstruct(np.concatenate([first, truth]))[1:]


def _difference(rows: list[list[float]]) -> np.ndarray:
    """Last window less the first, for each video."""
    table = np.array(rows)
    return table[:, -1] - table[:, 0]


def _summaries(ways: dict[str, list[list[float]]], windows: tuple[Window, ...]) -> dict:
    return {
        way: {
            **{
                name(window): summary(np.array(rows)[:, column])
                for column, window in enumerate(windows)
            },
            "difference": summary(_difference(rows)),
        }
        for way, rows in ways.items()
    }


def name(window: Window) -> str:
    """A window as people count: 1-16 for indices 0 to 15."""
    return f"{window[0] + 1}-{window[1]}"


def _draw(subject, index, windows, truths, made) -> None:
    rows, names = [], []
    for window, truth, drawn in zip(windows, truths, made, strict=True):
        rows += [truth, drawn]
        names += [f"{name(window)}: true", f"{name(window)}: {MODEL}"]
    contact_sheet(rows, names, subject.out / f"{subject.name}-long-{index}.png", 1)


def table(figures: dict) -> str:
    """The figures as text."""
    windows = list(figures[MODEL][WAYS[0]])
    head = [f"PSNR in dB, {figures['characters']} videos of {figures['frames']} frames", *windows]
    rows = [
        [f"{system}, {way}", *(figure(figures[system][way][window]) for window in windows)]
        for system in (CEILING, MODEL)
        for way in WAYS
    ]
    beyond = figures["difference beyond the tokenizer's"]
    told = "; ".join(f"{way} {figure(beyond[way])}" for way in WAYS)
    return f"{grid(head, rows)}\n\nDifference beyond the tokenizer's, dB: {told}"
