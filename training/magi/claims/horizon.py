"""Trained on 16 frames, made to draw 128: a sliding window against full causal attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from magi.claims.bootstrap import Statistic, at_frame, distance_from, figure, interval
from magi.claims.grid import HORIZON, run_of
from magi.claims.measures import Features, Measured, measured
from magi.claims.runs import FINAL, OTHERS, Setting, pool_of, trained
from magi.claims.videos import animated, copied, pixels_of, true_clips
from magi.data.clip import Clip
from magi.evaluation.physics import COPY, GIVEN

FRAMES = 128
WINDOWS = ((0, 16), (48, 64), (112, 128))
"""First frame of the videos whose distance is measured, and the first after them."""
AFTER = (1, 11, 43, 123)
"""Frames after the given ones at which errors are told; 11 is the last of the training length."""


def windows(known: Measured, made: np.ndarray, features: Features) -> Measured:
    """`known` with the features of every window of videos uint8 [N, 128, H, W, 3]."""
    parts = {name_of(window): features(made[:, slice(*window)]) for window in WINDOWS}
    return known | {f"video {name}": rows for name, rows in parts.items()}


def name_of(window: tuple[int, int]) -> str:
    return f"frames {window[0] + 1} to {window[1]}"


def long_measures(clips: list[Clip], made: np.ndarray, features: Features) -> Measured:
    """Measures of long videos; of single frames no features are kept."""
    known = measured(clips, made, GIVEN, features)
    del known["frame"]
    return windows(known, made, features)


def statistics(truth: Measured) -> dict[str, Statistic]:
    """The figures of a long video, by name."""
    known: dict[str, Statistic] = {}
    for name in map(name_of, WINDOWS):
        real = {"video": truth[f"video {name}"]}

        def distance(made: Measured, weights: np.ndarray, name=name, real=real) -> float:
            return distance_from(real)({"video": made[f"video {name}"]}, weights)

        known[f"FD-V, {name}"] = distance
    for frame in AFTER:
        known[f"position error at {frame}"] = at_frame("error", frame)
        known[f"shapes there at {frame}"] = at_frame("there", frame)
    return known


def long_videos(setting: Setting, seeds: Sequence[int], clips: int) -> dict:
    """Figures of windowed and full attention on `clips` long videos, trained where they are not yet;
    `differences`: windowed minus full."""
    real, others = true_clips(setting.size, clips, FRAMES)
    pixels = pixels_of(real)
    measures = {
        system.name: [
            _of_run(setting, run_of(setting.base, system, seed), real) for seed in seeds
        ]
        for system in HORIZON
    }
    for name, made in {
        COPY: copied(pixels, GIVEN),
        OTHERS: pixels_of(others),
    }.items():
        measures[name] = [long_measures(real, made, setting.features)]
    figures = {
        name: {
            label: figure(known, statistic, name)
            for label, statistic in statistics(long_measures(real, pixels, setting.features)).items()
        }
        for name, known in measures.items()
    }
    windowed, full = (figures[system.name] for system in HORIZON)
    return {
        "about": setting.about() | {"clips": clips, "seeds": list(seeds), "frames": FRAMES},
        "systems": {name: _intervals(draws) for name, draws in figures.items()},
        "differences": _intervals({label: windowed[label] - full[label] for label in windowed}),
        "positionErrorByFrame": {
            name: np.mean([seed["error"] for seed in known], axis=(0, 1)).tolist()
            for name, known in measures.items()
        },
        "trainedAs": [asdict(system) for system in HORIZON],
    }


def _of_run(setting: Setting, run, real: list[Clip]) -> Measured:
    model, codec = trained(setting, run)[FINAL], pool_of(setting, run)[1]
    made = animated(model, codec, pixels_of(real), GIVEN, setting.sampling)
    return long_measures(real, made, setting.features)


def _intervals(draws: dict[str, np.ndarray]) -> dict:
    return {name: interval(values) for name, values in draws.items()}
