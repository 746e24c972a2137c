"""Sprites in long videos: does the thousandth frame still look like the second?

The action changes every 5 to 20 frames, because a walk alone repeats after 8 frames and could be
copied, in ways that training never saw (`magi.evaluation.recurring`). All windows show the same true
frames, so they are equally hard; the first frame of each, which the model was given in the first one,
does not count. They are compared at the same frames, where a video that has fallen out of step is
wrong, and aligned by phase, where it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from magi.data.sprites import DIRECTIONS, Recipe, Sprites
from magi.data.timeline import Pose, standing, timeline
from magi.evaluation.alignment import WAYS, Figure, frame_errors
from magi.evaluation.recurring import Window, recurring_schedule
from magi.evaluation.subject import CEILING, MODEL, Subject, figure, grid, watched
from magi.evaluation.videos import Request
from magi.metrics import decibels, summary
from magi.pictures import contact_sheet

WINDOWS: tuple[Window, ...] = ((0, 16), (48, 64), (84, 100), (984, 1000))
SHARE = 5
"""A long video is made of every fifth character."""


@dataclass(frozen=True)
class LongVideo:
    """What a long video of one character has to show; `labels` and `poses` of every frame."""

    recipe: Recipe
    direction: int
    labels: list[str]
    poses: list[Pose]


def long_video(
    dataset: Sprites, index: int, seed: int, windows: tuple[Window, ...] = WINDOWS
) -> LongVideo:
    """The long video of character `index`; directions take turns."""
    recipe = dataset.recipe(index)
    rng = np.random.default_rng([seed, index, windows[-1][1]])
    labels = recurring_schedule(rng, recipe.labels, windows)
    poses = timeline(labels, 1, standing(labels[0]))
    return LongVideo(recipe, index % len(DIRECTIONS), labels, poses)


def measure(subject: Subject, windows: tuple[Window, ...] = WINDOWS) -> dict:
    """PSNR by way of comparing and window, how much the last window lies below the first, the
    tokenizer's own PSNR, the same in all windows; and contact sheets of the windows."""
    dataset = subject.dataset("test-combo")
    scores: dict[str, list[list[float]]] = {}
    ceilings = []
    characters = subject.fewer(SHARE)
    for index in watched(range(characters), f"videos of {windows[-1][1]} frames"):
        video = long_video(dataset, index, subject.seed, windows)
        figures = Figure(dataset, video.recipe, video.direction)
        opening = slice(*windows[0])
        truth = dataset.compose(video.recipe, video.poses[opening], video.direction)
        shown = video.poses[opening], video.labels[opening]
        parts = _animated(subject, dataset, video, index, truth[:1], windows)
        known = [frame_errors(figures.errors(part), *shown) for part in parts]
        for way in WAYS:
            scores.setdefault(way, []).append([decibels(errors[way].mean()) for errors in known])
        reached = frame_errors(figures.errors(subject.reconstruct(truth)), *shown)
        ceilings.append(decibels(reached[WAYS[0]].mean()))
        if index < subject.sheets:
            _draw(subject, index, windows, truth, parts)
    return {
        "characters": characters,
        "frames": windows[-1][1],
        CEILING: summary(ceilings),
        MODEL: {way: _summaries(rows, windows) for way, rows in scores.items()},
    }


def _animated(subject, dataset, video, index, first, windows) -> list[np.ndarray]:
    ids = [dataset.labels.index(label) + 1 for label in video.labels]
    shown = tuple(frame for window in windows for frame in range(*window))
    request = Request(first, ids, subject.seed + index, shown=shown)
    ends = np.cumsum([end - begin for begin, end in windows])
    return np.split(subject.animate(request), ends[:-1])


def _summaries(rows: list[list[float]], windows: tuple[Window, ...]) -> dict:
    """Of PSNR [videos, windows]; `difference`: the last window less the first, for each video."""
    table = np.array(rows)
    each = {name(window): summary(table[:, column]) for column, window in enumerate(windows)}
    return each | {"difference": summary(table[:, -1] - table[:, 0])}


def name(window: Window) -> str:
    """A window as people count: 1-16 for indices 0 to 15."""
    return f"{window[0] + 1}-{window[1]}"


def _draw(subject, index, windows, truth, parts) -> None:
    names = ["true, in every window", *(f"{name(window)}: {MODEL}" for window in windows)]
    path = subject.out / f"{subject.name}-long-{index}.png"
    contact_sheet([truth, *parts], names, path, 1)


def table(figures: dict) -> str:
    """The figures as text."""
    windows = list(figures[MODEL][WAYS[0]])
    head = [f"PSNR in dB, {figures['characters']} videos of {figures['frames']} frames", *windows]
    rows = [[way, *map(figure, known.values())] for way, known in figures[MODEL].items()]
    ceiling = figure(figures[CEILING])
    return f"{grid(head, rows)}\n\nThe tokenizer's own, the same in every window: {ceiling}"
