"""What a video encoder is trusted for: right answers on clips held out of its training, and a
distance that grows with every step of the ladder of corruptions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from magi.corruptions import LADDER, climb, on_grey
from magi.data.clip import Clip
from magi.data.sprites import DIRECTIONS, Sprites, random_schedule
from magi.data.timeline import LABELS, standing
from magi.evaluation.subject import grid
from magi.frechet import frechet_distance
from magi.video_encoder import VideoEncoder, action_of
from magi.video_encoder_training import FRAMES, HELD_OUT, physics_states

CHARACTERS = 40
VERIFIED_CLIPS = 200
LEAST_ACCURACY = 0.99
LADDER_CLIPS = 128
"""Of each of the two sets of true clips that are compared."""


@dataclass(frozen=True)
class Verified:
    """Figures of a check, as they are kept; their text; and whether the encoder passed."""

    figures: dict
    text: str
    passed: bool


def verify_sprites(encoder: VideoEncoder, splits: list[Sprites]) -> Verified:
    """Action of true 16-frame clips of unseen characters: every label and direction. Passed if more
    than 99% are right."""
    confusions = np.zeros((len(LABELS), len(LABELS)), int)
    for dataset, character in product(splits, range(CHARACTERS)):
        recipe = dataset.recipe(character)
        wanted = list(product(recipe.labels, range(len(DIRECTIONS))))
        clips = [
            dataset.labelled_clip(recipe, [label] * FRAMES, 1, standing(label), direction).pixels
            for label, direction in wanted
        ]
        shown = action_of(encoder, np.stack(clips))
        truth = np.array([LABELS.index(label) for label, _ in wanted])
        np.add.at(confusions, (truth, shown), 1)
    accuracy = float(confusions.trace() / confusions.sum())
    figures = {"clips": int(confusions.sum()), "actionAccuracy": accuracy}
    rows = [[label, *map(str, row)] for label, row in zip(LABELS, confusions, strict=True)]
    text = grid(["true, told as", *LABELS], rows)
    return Verified(figures, f"{text}\n\nRight: {accuracy:.2%}", accuracy > LEAST_ACCURACY)


def verify_physics(encoder: VideoEncoder, dataset) -> Verified:
    """Presence, places and speeds of the shapes of held-out clips, in pixels of the encoder's frame.
    Passed if it is nearer to the truth than the best constant answer."""
    size = encoder.kind.frame_size
    seeds = range(HELD_OUT, HELD_OUT + VERIFIED_CLIPS)
    clips = [dataset.clip(seed, FRAMES, 1 + seed % 4) for seed in seeds]
    pixels = np.stack([clip.pixels for clip in clips])
    present, place, speed = physics_states(clips, pixels.shape[2])
    there = present > 0
    seen = float(((encoder.told(pixels, "present") > 0) == there).mean())
    figures = {"clips": len(clips), "presenceAccuracy": seen}
    passed = seen > LEAST_ACCURACY
    for name, truth in (("place", place), ("speed", speed)):
        told = encoder.told(pixels, name).reshape(truth.shape)
        error, spread = (told - truth)[there], truth[there] - truth[there].mean(0)
        figures[f"{name}ErrorPixels"] = size * float(np.sqrt((error**2).mean()))
        figures[f"{name}SpreadPixels"] = size * float(np.sqrt((spread**2).mean()))
        passed &= figures[f"{name}ErrorPixels"] < figures[f"{name}SpreadPixels"]
    text = "\n".join(f"{name}: {value:.4g}" for name, value in figures.items())
    return Verified(figures, text, passed)


def verify(name: str, encoder: VideoEncoder, tests: list) -> Verified:
    """The answers of an encoder on clips of the data sets `tests`, which it was not trained on."""
    if name == "sprites":
        return verify_sprites(encoder, tests)
    return verify_physics(encoder, tests[0])


def scheduled_clip(dataset: Sprites, seed: int) -> Clip:
    """A random character with a random schedule at interval 1, from its standing pose."""
    rng = np.random.default_rng([seed, FRAMES])
    recipe = dataset.recipe(int(rng.integers(len(dataset))))
    labels = random_schedule(rng, recipe.labels, FRAMES)
    direction = int(rng.integers(len(DIRECTIONS)))
    return dataset.labelled_clip(recipe, labels, 1, standing(labels[0]), direction)


def ladder_clips(name: str, dataset) -> np.ndarray:
    """True clips for the ladder, uint8 [2 N, T, H, W, C], none of them seen in training."""
    if name == "sprites":
        clips = [scheduled_clip(dataset, index) for index in range(2 * LADDER_CLIPS)]
    else:
        seeds = range(HELD_OUT + VERIFIED_CLIPS, HELD_OUT + VERIFIED_CLIPS + 2 * LADDER_CLIPS)
        clips = [dataset.clip(seed, FRAMES, 1 + seed % 4) for seed in seeds]
    return np.stack([clip.pixels for clip in clips])


def climb_ladder(encoder: VideoEncoder, clips: np.ndarray) -> Verified:
    """FD-V of the second half of true clips uint8 [2 N, T, H, W, C], spoiled ever more, from the first
    half. Passed if every rung is farther away than the one before."""
    pictures = on_grey(clips)
    half = len(pictures) // 2
    climbed = climb(encoder.features, frechet_distance, pictures[:half], pictures[half:])
    head = [f"FD-V, {half} clips against {half}", "unspoiled", "by how much: FD-V"]
    rows = []
    for way in LADDER:
        floor, *steps = climbed[way.name]
        told = [f"{rung:g}: {step:.1f}" for rung, step in zip(way.rungs, steps, strict=True)]
        rows.append([f"{way.name}, {way.unit}", f"{floor:.1f}", ", ".join(told)])
    text = grid(head, rows)
    rising = all(low < high for steps in climbed.values() for low, high in pairwise(steps))
    return Verified({"clips": half, **climbed}, text, rising)
