"""Sprites, one action at a time: a character from its standing pose against its true animation.

The first frame and the label determine the truth. Every character is measured facing down and
facing one of the other three directions in turn, so that the mean over all four directions comes
from twice the clips of one: a character's value is a quarter of its value facing down and three
quarters of the other one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from magi.data.sprites import DIRECTIONS, DOWN, Sprites
from magi.data.timeline import LABELS, standing
from magi.evaluation.subject import CEILING, MODEL, Subject, figure, grid, share, watched
from magi.evaluation.videos import Request
from magi.frechet import frechet_summary
from magi.metrics import exact_colour_share, psnr, ssim, summary
from magi.pictures import contact_sheet
from magi.video_encoder import action_of

FRAMES = 16
ACTIONS = ("walk", "run", "slash", "jump")
SPLITS = ("test-combo", "test-item")
COPY = "copy of the first frame"
VIEWS = ("down", "all directions")
_OTHERS = tuple(index for index in range(len(DIRECTIONS)) if index != DOWN)


@dataclass(frozen=True)
class ActionClip:
    """The true animation, uint8 [16, 64, 64, 4], of one character under one label."""

    character: int
    label: str
    direction: int
    truth: np.ndarray

    def request(self, labels: tuple[str, ...], seed: int) -> Request:
        """The video that a model is to make of it."""
        ids = [labels.index(self.label) + 1] * len(self.truth)
        return Request(self.truth[:1], ids, seed + self.character)


@dataclass(frozen=True)
class Score:
    """How near one made clip comes to its truth; features of the truth and its own, by distance."""

    character: int
    label: str
    direction: int
    values: dict[str, float]
    features: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


System = Callable[[ActionClip], np.ndarray]
"""Makes the frames of a clip, uint8 [16, 64, 64, 4]."""


def action_clips(dataset: Sprites, characters: int, views: int = len(VIEWS)) -> list[ActionClip]:
    """The clips of the first `characters`, facing down and, for two views, another direction;
    combat only of those that fight."""
    clips = []
    for character, view, label in product(range(characters), range(views), ACTIONS):
        recipe = dataset.recipe(character)
        if label in recipe.labels:
            direction = _OTHERS[character % len(_OTHERS)] if view else DOWN
            start = standing(label)
            clip = dataset.labelled_clip(recipe, [label] * FRAMES, 1, start, direction)
            clips.append(ActionClip(character, label, direction, clip.pixels))
    return clips


def systems_of(subject: Subject, labels: tuple[str, ...]) -> dict[str, System]:
    """The copied first frame, the tokenizer's ceiling and, where there is one, the model."""
    systems: dict[str, System] = {
        COPY: lambda clip: np.repeat(clip.truth[:1], len(clip.truth), 0),
        CEILING: lambda clip: subject.reconstruct(clip.truth),
    }
    if animate := subject.animate:
        systems[MODEL] = lambda clip: animate(clip.request(labels, subject.seed))
    return systems


def scored(
    subject: Subject, clip: ActionClip, made: np.ndarray, true_features: dict[str, np.ndarray]
) -> Score:
    """The score of `made` as the clip's animation; `true_features`: of the truth, by network."""
    values = {
        "psnr": psnr(clip.truth, made),
        "ssim": ssim(clip.truth, made),
        "exactColourShare": exact_colour_share(clip.truth, made),
    }
    if subject.encoder:
        shown = LABELS[action_of(subject.encoder, made[None])[0]]
        values["actionAccuracy"] = float(shown == clip.label)
    features = {
        name: (true_features[name], network(made[None])[0])
        for name, network in subject.features.items()
    }
    return Score(clip.character, clip.label, clip.direction, values, features)


def by_character(scores: list[Score], value: str, view: str) -> np.ndarray:
    """One value as [characters, actions], facing down, in the `other` direction, or over all; NaN
    where a character does not do an action."""
    count = 1 + max(score.character for score in scores)
    table = np.full((2, count, len(ACTIONS)), np.nan)
    for score in scores:
        column = ACTIONS.index(score.label)
        table[int(score.direction != DOWN), score.character, column] = score.values[value]
    down, other = table
    over_all = (down + len(_OTHERS) * other) / len(DIRECTIONS)
    return {"down": down, "other": other}.get(view, over_all)


def figures_of(scores: list[Score]) -> dict:
    """Summaries of every value, by view: of all actions, and of each."""
    figures = {}
    for view, value in product(VIEWS, scores[0].values):
        table = by_character(scores, value, view)
        done = ~np.isnan(table).all(0)
        each = {ACTIONS[column]: summary(table[:, column]) for column in np.flatnonzero(done)}
        figures.setdefault(view, {})[value] = {"all": summary(table), **each}
    return figures


def psnr_by_direction(scores: list[Score]) -> dict:
    """PSNR of all actions for every direction that was measured."""
    known = {}
    for index, name in enumerate(DIRECTIONS):
        facing = [score for score in scores if score.direction == index]
        if facing:
            own = by_character(facing, "psnr", "down" if index == DOWN else "other")
            known[name] = summary(own)
    return known


def distances_of(scores: list[Score]) -> dict:
    """Frechet distances of all clips of one system, by network."""
    characters = np.array([score.character for score in scores])
    distances = {}
    for name in scores[0].features:
        truth, made = zip(*(score.features[name] for score in scores), strict=True)
        distances[name] = frechet_summary(np.stack(truth), np.stack(made), characters)
    return distances


def measure(subject: Subject) -> dict:
    """Figures of every split, system and view, and contact sheets of the first characters."""
    figures = {}
    for split in SPLITS:
        dataset = subject.dataset(split)
        systems = systems_of(subject, dataset.labels)
        scores: dict[str, list[Score]] = {name: [] for name in systems}
        sheet = Sheet(subject, split)
        for clip in watched(action_clips(dataset, subject.characters), f"actions, {split}"):
            made = {name: system(clip) for name, system in systems.items()}
            true = {name: network(clip.truth[None])[0] for name, network in subject.features.items()}
            for name, frames in made.items():
                scores[name].append(scored(subject, clip, frames, true))
            sheet.add(clip, made)
        figures[split] = {
            name: figures_of(known)
            | {"by direction": psnr_by_direction(known), "distances": distances_of(known)}
            for name, known in scores.items()
        }
    return figures


class Sheet:
    """Contact sheets of the first characters facing down: truth, ceiling, model."""

    def __init__(self, subject: Subject, split: str):
        self.subject = subject
        self.split = split
        self.rows: dict[int, list[tuple[str, np.ndarray]]] = {}

    def add(self, clip: ActionClip, made: dict[str, np.ndarray]) -> None:
        """Draws the sheet of the clip's character anew."""
        if clip.character >= self.subject.sheets or clip.direction != DOWN:
            return
        rows = self.rows.setdefault(clip.character, [])
        rows.append((f"{clip.label}: true", clip.truth))
        rows += [(f"{clip.label}: {name}", made[name]) for name in (CEILING, MODEL) if name in made]
        names, frames = zip(*rows, strict=True)
        path = self.subject.out / f"{self.subject.name}-{self.split}-{clip.character}.png"
        contact_sheet(frames, names, path, 1)


def table(figures: dict) -> str:
    """The figures as text."""
    texts = []
    for (split, systems), view in product(figures.items(), VIEWS):
        rows = [[system, *cells(known[view])] for system, known in systems.items()]
        psnrs = [f"{label}, dB" for label in (*ACTIONS, "mean")]
        others = ["SSIM", "exact colours", "right action"]
        texts.append(grid([f"{split}, {view}", *psnrs, *others], rows))
    for split, systems in figures.items():
        rows = [
            [name, *map(figure, known["by direction"].values())] for name, known in systems.items()
        ]
        texts.append(grid([f"{split}, mean PSNR in dB", *systems[COPY]["by direction"]], rows))
        for system, known in systems.items():
            for network, distance in known["distances"].items():
                texts.append(f"{split}, {system}: {network} {figure(distance)}")
    return "\n\n".join(texts)


def cells(known: dict) -> list[str]:
    """One row of the table: the figures of one system facing one way."""
    psnrs = (known["psnr"].get(label) for label in (*ACTIONS, "all"))
    shares = (known.get(value) for value in ("exactColourShare", "actionAccuracy"))
    return [
        *(figure(one) if one else "-" for one in psnrs),
        figure(known["ssim"]["all"], 4),
        *(share(one["all"]) if one else "-" for one in shares),
    ]
