"""Counts arithmetic as PyTorch executes it, so that systems can be compared at equal cost."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from magi.backbone import Conditions
from magi.config import RunConfig
from magi.generation import Plan
from magi.many_videos import generate_many
from magi.model import Magi
from magi.train import clip_length


_DRAWS = 8
"""Of the masks of a training step."""


def multiply_adds(work: Callable[[], object]) -> int:
    """Multiply-adds of the matrix products that `work` executes, products with masked-out
    positions and the backward pass included; everything else is small beside them."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() // 2


def of_training_step(run: RunConfig) -> int:
    """Multiply-adds of a run's last training step, forward and backward: the mean over some draws of
    how many tokens are hidden, the same draws for every paradigm."""
    frames = clip_length(run.training, run.training.steps)
    clips = max(1, run.training.frames_per_batch // frames)
    torch.manual_seed(0)
    model = Magi.of(run)
    latents = torch.randn(clips, frames, run.tokenizer.tokens, run.tokenizer.latent_channels)
    none = torch.zeros(clips, frames, dtype=torch.long)
    conditions = Conditions(torch.ones(clips, dtype=torch.long), none)

    def step(seed: int) -> int:
        torch.manual_seed(seed)
        return multiply_adds(lambda: model.loss(latents, conditions, run.training)[0].backward())

    return sum(map(step, range(_DRAWS))) // _DRAWS


def of_generated_frame(model: Magi, plan: Plan, index: int) -> int:
    """Multiply-adds of frame `index` of a video, its commit pass included, on a cached past."""
    given = torch.zeros(1, index, model.backbone.tokens, model.head.leave.out_features)

    def frames(count: int) -> int:
        return multiply_adds(lambda: list(generate_many(model, [plan], count, given)))

    return frames(index + 1) - frames(index)
