"""Starts and changes: a first frame in any pose, and a label that changes at any frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from magi.data.sprites import DIRECTIONS, Sprites
from magi.data.timeline import CYCLES, Phase, standing
from magi.evaluation.actions import COPY, FRAMES
from magi.evaluation.subject import CEILING, MODEL, Subject, figure, grid, share, watched
from magi.evaluation.videos import Request
from magi.metrics import exact_colour_share, psnr, ssim, summary
from magi.pictures import contact_sheet

KINDS = ("first frame in any pose", "label changes at any frame")


@dataclass(frozen=True)
class Start:
    """A true clip; `measured_from` is the first frame that counts."""

    name: str
    truth: np.ndarray
    labels: list[int]
    measured_from: int


def any_pose(dataset: Sprites, index: int, rng: np.random.Generator) -> Start:
    """Starts in a random pose of a random action, under the label of another or the same."""
    recipe = dataset.recipe(index)
    before, label = rng.choice(recipe.labels, 2)
    start = Phase(before, int(rng.integers(len(CYCLES[before]))))
    direction = index % len(DIRECTIONS)
    clip = dataset.labelled_clip(recipe, [label] * FRAMES, 1, start, direction)
    sheet, column = start.pose
    return Start(f"from {sheet} {column}, {label}", clip.pixels, clip.labels.tolist(), 1)


def any_change(dataset: Sprites, index: int, rng: np.random.Generator) -> Start:
    """One label from the standing pose, another one from a random frame on."""
    recipe = dataset.recipe(index)
    before, label = rng.choice(recipe.labels, 2, replace=False)
    moment = int(rng.integers(1, FRAMES + 1))
    wanted = [before] * moment + [label] * FRAMES
    direction = index % len(DIRECTIONS)
    clip = dataset.labelled_clip(recipe, wanted, 1, standing(before), direction)
    name = f"{before}, {label} from frame {moment + 1}"
    return Start(name, clip.pixels, clip.labels.tolist(), moment)


def measure(subject: Subject) -> dict:
    """PSNR, SSIM and exact colours of both kinds, by system, and contact sheets."""
    dataset = subject.dataset("test-combo")
    figures = {}
    for kind, draw in zip(KINDS, (any_pose, any_change), strict=True):
        scores: dict[str, list[list[float]]] = {}
        for index in watched(range(subject.fewer()), kind):
            start = draw(dataset, index, np.random.default_rng([subject.seed, index]))
            truth, given = start.truth, start.measured_from
            made = {
                COPY: np.repeat(truth[:1], len(truth), 0),
                CEILING: subject.reconstruct(truth),
                MODEL: subject.animate(Request(truth[:1], start.labels, subject.seed + index)),
            }
            for system, frames in made.items():
                measures = (psnr, ssim, exact_colour_share)
                row = [measured(truth, frames, given) for measured in measures]
                scores.setdefault(system, []).append(row)
            if index < subject.sheets:
                path = subject.out / f"{subject.name}-{draw.__name__}-{index}.png"
                names = [f"{start.name}: {what}" for what in ("true", MODEL)]
                contact_sheet([truth, made[MODEL]], names, path, 1)
        figures[kind] = {
            system: {
                value: summary(np.array(rows)[:, column])
                for column, value in enumerate(("psnr", "ssim", "exactColourShare"))
            }
            for system, rows in scores.items()
        }
    return figures


def table(figures: dict) -> str:
    """The figures as text."""
    rows = []
    for kind, systems in figures.items():
        for system, known in systems.items():
            psnrs, ssims = figure(known["psnr"]), figure(known["ssim"], 4)
            rows.append([kind, system, psnrs, ssims, share(known["exactColourShare"])])
    return grid(["start", "system", "PSNR in dB", "SSIM", "exact colours"], rows)
