"""Physics: do shapes go where the laws of motion take them, and do they stay what they are?

Five frames are given, from which every speed can be seen, and the rest is generated; the true
motion is known for any length of time.
"""

from __future__ import annotations

import numpy as np

from magi.data.clip import Clip
from magi.evaluation.sightings import frames_within_radius, tracks
from magi.evaluation.subject import MODEL, Subject, figure, grid, share, watched
from magi.evaluation.videos import Request
from magi.frechet import frechet_summary
from magi.metrics import summary
from magi.pictures import contact_sheet

GIVEN = 5
AFTER = (1, 4, 16, 64, 100)
"""Frames after the given ones at which errors are told."""
CLIP_FRAMES = 16
"""Of the clips whose distance is measured: the first after the given ones, and the last."""
FIRST_SEED = 2_000_000
"""Training and the video encoder draw lower ones."""
COPY = "copy of the last given frame"


def contexts(dataset, count: int, frames: int) -> list[Clip]:
    """True clips at interval 1, the first frames of which are given."""
    return [dataset.clip(FIRST_SEED + index, frames, 1) for index in range(count)]


def measure(subject: Subject, after: tuple[int, ...] = AFTER) -> dict:
    """Position errors, permanence and Frechet distances of the model and of a copy, and contact
    sheets."""
    clips = contexts(subject.dataset("test"), subject.characters, GIVEN + after[-1])
    systems = {
        COPY: lambda clip, _: np.repeat(clip.pixels[GIVEN - 1 : GIVEN], after[-1], 0),
        MODEL: lambda clip, index: subject.animate(
            Request(clip.pixels[:GIVEN], [0] * len(clip.pixels), subject.seed + index)
        )[GIVEN:],
    }
    made = {
        name: np.stack(
            [system(clip, index) for index, clip in enumerate(watched(clips, f"physics, {name}"))]
        )
        for name, system in systems.items()
    }
    for index in range(min(subject.sheets, len(clips))):
        _draw(subject, index, clips[index].pixels, made[MODEL][index])
    truth = np.stack([clip.pixels[GIVEN:] for clip in clips])
    states = np.stack([clip.state[GIVEN:] for clip in clips])
    return {
        name: tracked(truth, videos, states, after)
        | {"distances": distances(subject, truth, videos)}
        for name, videos in made.items()
    }


def tracked(
    truth: np.ndarray, made: np.ndarray, states: np.ndarray, after: tuple[int, ...]
) -> dict:
    """Position error in pixels and permanence at each of the frames `after`, and for how many
    frames a shape stays within its radius of its true place, over all frames.

    truth and made uint8 [N, T, H, W, 3], states [N, T, shapes, STATE_COLUMNS], without the given
    frames. The shapes of a clip are drawn together in the bootstrap.
    """
    known = [tracks(*parts) for parts in zip(truth, made, states, strict=True)]

    def at(frame: int, values) -> dict:
        return summary([float(np.mean(values(one)[frame - 1])) for one in known])

    return {
        "positionErrorPixels": {str(frame): at(frame, lambda one: one.error) for frame in after},
        "objectPermanence": {str(frame): at(frame, lambda one: one.there) for frame in after},
        "framesWithinRadius": summary([float(frames_within_radius(one).mean()) for one in known]),
    }


def distances(subject: Subject, truth: np.ndarray, made: np.ndarray) -> dict:
    """Frechet distances of the first and of the last frames, by every network: uint8
    [N, T, H, W, 3]."""
    length = min(CLIP_FRAMES, truth.shape[1])
    windows = {f"first {length}": slice(None, length), f"last {length}": slice(-length, None)}
    return {
        name: {
            which: frechet_summary(features(truth[:, part]), features(made[:, part]))
            for which, part in windows.items()
        }
        for name, features in subject.features.items()
    }


def _draw(subject: Subject, index: int, truth: np.ndarray, made: np.ndarray) -> None:
    shown = [frame for frame in range(0, len(made), 4)]
    rows = [truth[GIVEN:][shown], made[shown]]
    names = ["true, every fourth frame", f"{MODEL}, every fourth frame"]
    contact_sheet(rows, names, subject.out / f"{subject.name}-physics-{index}.png", 2)


def table(figures: dict) -> str:
    """The figures as text."""
    after = list(figures[MODEL]["positionErrorPixels"])
    errors = [
        [name, *(figure(known["positionErrorPixels"][frame]) for frame in after)]
        for name, known in figures.items()
    ]
    there = [
        [name, *(share(known["objectPermanence"][frame]) for frame in after)]
        for name, known in figures.items()
    ]
    frames = [f"frame {frame}" for frame in after]
    texts = [
        grid(["position error in pixels", *frames], errors),
        grid(["objects that are there", *frames], there),
    ]
    for name, known in figures.items():
        texts.append(f"{name}: within its radius for {figure(known['framesWithinRadius'])} frames")
        for network, windows in known["distances"].items():
            for which, distance in windows.items():
                texts.append(f"{name}: {network}, {which} frames: {figure(distance)}")
    return "\n\n".join(texts)
