"""Physics intervals: does a model that is asked for interval k move shapes as far as k source frames do?

One frame is given, which says nothing of any speed, so that how far shapes move to the next frame is
told by the interval alone. Where each of them goes nobody can know; how far on the average is known.
"""

from __future__ import annotations

import numpy as np

from magi.evaluation.physics import FIRST_SEED
from magi.evaluation.sightings import tracks
from magi.evaluation.subject import MODEL, Subject, figure, grid, share, watched
from magi.evaluation.videos import Request
from magi.metrics import summary

INTERVALS = (1, 2, 4, 8, 16, 25)
TRUE = "true"


def moved(first: np.ndarray, later: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each shape of frame 0 is from its place there in a later frame, in pixels [S] (NaN where
    it is lost), and whether it is there [S]. Frames uint8 [H, W, 3], state of frame 0."""
    known = tracks(first[None], later[None], state[None])
    return np.where(known.there[0], known.error[0], np.nan), known.there[0]


def measure(subject: Subject) -> dict:
    """By interval: how far shapes move to the next frame, truly and as the model has it, and the share
    of them that are still there; `moved` is None where none is in any clip."""
    dataset = subject.dataset("test")
    figures = {}
    for interval in INTERVALS:
        systems = {TRUE: [], MODEL: []}
        for index in watched(range(subject.fewer()), f"interval {interval}"):
            clip = dataset.clip(FIRST_SEED + index, 2, interval)
            request = Request(clip.pixels[:1], [0, 0], subject.seed + index, interval)
            made = {TRUE: clip.pixels, MODEL: subject.animate(request)}
            for name, video in made.items():
                systems[name].append(moved(clip.pixels[0], video[1], clip.state[0]))
        figures[str(interval)] = {name: _summed(known) for name, known in systems.items()}
    return figures


def _summed(known: list[tuple[np.ndarray, np.ndarray]]) -> dict:
    ways = [float(np.nanmean(way)) for way, there in known if there.any()]
    return {
        "moved": summary(ways) if ways else None,
        "there": summary([float(there.mean()) for _, there in known]),
    }


def table(figures: dict) -> str:
    """The figures as text."""
    rows = [
        [
            interval,
            figure(known[TRUE]["moved"]),
            "nothing is left" if known[MODEL]["moved"] is None else figure(known[MODEL]["moved"]),
            share(known[MODEL]["there"]),
        ]
        for interval, known in figures.items()
    ]
    return "From one given frame to the next:\n\n" + grid(
        ["interval", "shapes move, pixels", "the model's", "the model's that are there"], rows
    )
