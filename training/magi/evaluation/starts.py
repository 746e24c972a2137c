"""Starts and changes: a first frame in any pose, and a label that changes at any frame.

Both are compared at the same frames and aligned by phase: a pose does not always tell where in its
action it stands, and a change that comes a frame early or late is not a fault that anyone sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from magi.data.sprites import DIRECTIONS, Recipe, Sprites
from magi.data.timeline import CYCLES, Phase, Pose, standing, timeline
from magi.evaluation.actions import COPY, FRAMES
from magi.evaluation.alignment import WAYS, Figure, frame_errors
from magi.evaluation.subject import CEILING, MODEL, Subject, figure, grid, share, watched
from magi.evaluation.videos import Request
from magi.metrics import decibels, exact_colour_share, psnr, ssim, summary
from magi.pictures import contact_sheet

KINDS = ("first frame in any pose", "label changes at any frame")


PSNR, ALIGNED, SSIM, COLOURS = "psnr", "psnrAligned", "ssim", "exactColourShare"


@dataclass(frozen=True)
class Start:
    """A true clip; `measured_from` is the first frame that counts, `stretches` the label that each
    frame shows, which before the first change need not be the wanted one."""

    name: str
    recipe: Recipe
    direction: int
    poses: list[Pose]
    truth: np.ndarray
    labels: list[int]
    stretches: list[str]
    measured_from: int


def _start(
    dataset: Sprites, index: int, name: str, wanted: list[str], first: Phase, measured_from: int
) -> Start:
    recipe, direction = dataset.recipe(index), index % len(DIRECTIONS)
    clip = dataset.labelled_clip(recipe, wanted, 1, first, direction)
    poses = timeline(wanted, 1, first)
    stretches = [first.label, *wanted[1:]]
    labels = clip.labels.tolist()
    return Start(name, recipe, direction, poses, clip.pixels, labels, stretches, measured_from)


def any_pose(dataset: Sprites, index: int, rng: np.random.Generator) -> Start:
    """Starts in a random pose of a random action, under the label of another or the same."""
    before, label = rng.choice(dataset.recipe(index).labels, 2)
    first = Phase(str(before), int(rng.integers(len(CYCLES[before]))))
    sheet, column = first.pose
    return _start(dataset, index, f"from {sheet} {column}, {label}", [label] * FRAMES, first, 1)


def any_change(dataset: Sprites, index: int, rng: np.random.Generator) -> Start:
    """One label from the standing pose, another one from a random frame on."""
    before, label = rng.choice(dataset.recipe(index).labels, 2, replace=False)
    moment = int(rng.integers(1, FRAMES + 1))
    wanted = [before] * moment + [label] * FRAMES
    name = f"{before}, {label} from frame {moment + 1}"
    return _start(dataset, index, name, wanted, standing(before), moment)


def scored(start: Start, figures: Figure, made: np.ndarray) -> dict[str, float]:
    """How near a made clip comes to the true one."""
    truth, given = start.truth, start.measured_from
    errors = frame_errors(figures.errors(made), start.poses, start.stretches, given)
    return {
        PSNR: psnr(truth, made, given),
        ALIGNED: decibels(errors[WAYS[1]].mean()),
        SSIM: ssim(truth, made, given),
        COLOURS: exact_colour_share(truth, made, given),
    }


def measure(subject: Subject) -> dict:
    """PSNR in both ways, SSIM and exact colours of both kinds, by system, and contact sheets."""
    dataset = subject.dataset("test-combo")
    figures = {}
    for kind, draw in zip(KINDS, (any_pose, any_change), strict=True):
        scores: dict[str, list[dict[str, float]]] = {}
        for index in watched(range(subject.fewer()), kind):
            start = draw(dataset, index, np.random.default_rng([subject.seed, index]))
            truth = start.truth
            poses = Figure(dataset, start.recipe, start.direction)
            made = {
                COPY: np.repeat(truth[:1], len(truth), 0),
                CEILING: subject.reconstruct(truth),
                MODEL: subject.animate(Request(truth[:1], start.labels, subject.seed + index)),
            }
            for system, frames in made.items():
                scores.setdefault(system, []).append(scored(start, poses, frames))
            if index < subject.sheets:
                path = subject.out / f"{subject.name}-{draw.__name__}-{index}.png"
                names = [f"{start.name}: {what}" for what in ("true", MODEL)]
                contact_sheet([truth, made[MODEL]], names, path, 1)
        figures[kind] = {
            system: {value: summary([row[value] for row in rows]) for value in rows[0]}
            for system, rows in scores.items()
        }
    return figures


def table(figures: dict) -> str:
    """The figures as text."""
    rows = [
        [
            *(kind, system),
            *(figure(known[value]) for value in (PSNR, ALIGNED)),
            figure(known[SSIM], 4),
            share(known[COLOURS]),
        ]
        for kind, systems in figures.items()
        for system, known in systems.items()
    ]
    ways = (f"PSNR {way}, dB" for way in WAYS)
    return grid(["start", "system", *ways, "SSIM", "exact colours"], rows)
