"""Time over frames: with a cache of keys and values it grows linearly, without one by the square."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from magi.claims.videos import Sampling
from magi.generation import Plan
from magi.many_videos import generate_many
from magi.model import Magi

WINDOWED, FULL, NONE = "cache, window", "cache, all frames", "no cache"
_FIT_FROM = 1 / 4
"""Share of the frames before which a growth is not fitted: fixed costs still count there."""


def seconds_by_frame(model: Magi, sampling: Sampling, frames: int) -> dict[str, list[float]]:
    """Processor seconds of one thread that each frame of one video takes, in three ways: on a
    cache of the window's frames, on a cache of all frames, and computing the keys and values of the
    whole past again for every frame."""
    plan = sampling.plan(0)
    windowed, latents = _timed(generate_many(model, [plan], frames))
    full, _ = _timed(generate_many(with_full_attention(model), [plan], frames))
    recomputed = [_without_cache(model, plan, latents[:, :index]) for index in range(frames)]
    return {WINDOWED: windowed, FULL: full, NONE: recomputed}


def with_full_attention(model: Magi) -> Magi:
    """The same weights, without a window."""
    backbone = model.backbone
    full = Magi(
        replace(model.config, window=None), backbone.tokens, model.head.leave.out_features
    )
    full.load_state_dict(model.state_dict())
    return full.eval().requires_grad_(False)


def growth(seconds: list[float]) -> float:
    """The power of the number of frames with which the time of a whole video grows: 1 is linear, 2
    quadratic."""
    total = np.cumsum(seconds)
    count = np.arange(1, len(total) + 1)
    late = count >= _FIT_FROM * len(total)
    return float(np.polyfit(np.log(count[late]), np.log(total[late]), 1)[0])


def _timed(frames: Iterator[Tensor]) -> tuple[list[float], Tensor]:
    """Processor seconds of every frame, and the latents of all of them [1, T, S, C]."""
    seconds, made, last = [], [], time.process_time()
    for latents in frames:
        now = time.process_time()
        seconds.append(now - last)
        made.append(latents)
        last = now
    return seconds, torch.stack(made, dim=1)


def _without_cache(model: Magi, plan: Plan, past: Tensor) -> float:
    """Processor seconds of the frame after `past` [1, n, S, C], that past computed again."""
    return sum(_timed(generate_many(model, [plan], past.shape[1] + 1, past))[0])
