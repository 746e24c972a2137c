"""Intervals: does a model that is asked for interval k move k source frames at a time?

Each clip made at an interval is compared with the true clips at every interval; the largest PSNR
has to be that of the interval that was asked for.
"""

from __future__ import annotations

import numpy as np

from magi.data.sprites import DOWN, Sprites
from magi.data.timeline import standing
from magi.evaluation.actions import ACTIONS, FRAMES
from magi.evaluation.subject import MODEL, Subject, figure, grid, share, watched
from magi.evaluation.videos import Request
from magi.metrics import psnr, summary
from magi.pictures import contact_sheet


def action_for(dataset: Sprites, index: int) -> str:
    """The action of character `index`: they take turns among those that it can do."""
    known = [label for label in ACTIONS if label in dataset.recipe(index).labels]
    return known[index % len(known)]


def measure(subject: Subject) -> dict:
    """PSNR of clips made at each interval against the truth at each, the share of clips nearest to
    their own truth, and contact sheets."""
    dataset = subject.dataset("test-combo")
    intervals = range(1, dataset.max_interval + 1)
    scores = []  # [characters, made at, truth at]
    for index in watched(range(subject.fewer()), "intervals"):
        label = action_for(dataset, index)
        wanted = [label] * FRAMES
        truths = [
            dataset.labelled_clip(dataset.recipe(index), wanted, interval, standing(label), DOWN)
            for interval in intervals
        ]
        ids, first = truths[0].labels.tolist(), truths[0].pixels[:1]
        made = [
            subject.animate(Request(first, ids, subject.seed + index, interval))
            for interval in intervals
        ]
        scores.append([[psnr(truth.pixels, clip) for truth in truths] for clip in made])
        if index < subject.sheets:
            _draw(subject, index, label, [truth.pixels for truth in truths], made)
    return figures_of(np.array(scores))


def figures_of(scores: np.ndarray) -> dict:
    """Summaries of PSNR [characters, made at, truth at]."""
    count = scores.shape[1]
    right = scores.argmax(-1) == np.arange(count)
    return {
        "psnr": {
            str(made + 1): {
                str(truth + 1): summary(scores[:, made, truth]) for truth in range(count)
            }
            for made in range(count)
        },
        "nearest to its own truth": summary(right),
    }


def _draw(subject, index, label, truths, made) -> None:
    rows, names = [], []
    for interval, (truth, clip) in enumerate(zip(truths, made, strict=True), start=1):
        rows += [truth, clip]
        names += [f"{label}, interval {interval}: {what}" for what in ("true", MODEL)]
    contact_sheet(rows, names, subject.out / f"{subject.name}-intervals-{index}.png", 1)


def table(figures: dict) -> str:
    """The figures as text."""
    psnrs = figures["psnr"]
    head = ["PSNR in dB", *(f"truth at {interval}" for interval in psnrs)]
    rows = [
        [f"made at {interval}", *(figure(known) for known in of_truths.values())]
        for interval, of_truths in psnrs.items()
    ]
    right = share(figures["nearest to its own truth"])
    return f"{grid(head, rows)}\n\nNearest to the truth at their own interval: {right} of the clips"
