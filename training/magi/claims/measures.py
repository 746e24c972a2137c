"""What is measured of a system's videos, clip by clip, so that any comparison can be drawn later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from magi.data.clip import Clip
from magi.evaluation.sightings import tracks
from magi.metrics import composited, decibels

Features = Callable[[np.ndarray], np.ndarray]
"""A network's features of videos: uint8 [N, T, H, W, C] -> float64 [N, D]."""

Measured = dict[str, np.ndarray]
"""By name, for N videos of T frames after the given ones: `psnr` in dB, `error` in pixels and `there`
(shares of the shapes) [N, T]; `video`, features of whole videos [N, D]; `frame`, features of single
frames [N, T, D]."""

_STILL_FRAMES = 3
"""The fewest whose motion a network can look at."""


def measured(clips: Sequence[Clip], made: np.ndarray, given: int, features: Features) -> Measured:
    """Measures of videos uint8 [N, T, H, W, 3] beside the true clips whose first frames they were
    given. Features of whole videos include the given frames, as is usual for FVD."""
    known = [
        tracks(clip.pixels[given:], video[given:], clip.state[given:])
        for clip, video in zip(clips, made, strict=True)
    ]
    return features_of(made, given, features) | {
        "psnr": np.array(
            [
                psnr_by_frame(clip.pixels[given:], video[given:])
                for clip, video in zip(clips, made, strict=True)
            ]
        ),
        "error": np.stack([one.error.mean(-1) for one in known]),
        "there": np.stack([one.there.mean(-1) for one in known]),
    }


def features_of(videos: np.ndarray, given: int, features: Features) -> Measured:
    """`video` and `frame` of uint8 [N, T, H, W, 3]. A single frame is looked at as a video
    that stands still."""
    later = videos[:, given:]
    still = np.repeat(later.reshape(-1, 1, *videos.shape[2:]), _STILL_FRAMES, axis=1)
    frames = features(still).reshape(*later.shape[:2], -1)
    return {"video": features(videos), "frame": frames}


def psnr_by_frame(truth: np.ndarray, made: np.ndarray) -> list[float]:
    """PSNR in dB of every frame of uint8 [T, H, W, 3]."""
    errors = ((composited(truth) - composited(made)) ** 2).mean((1, 2, 3))
    return [decibels(error) for error in errors]
