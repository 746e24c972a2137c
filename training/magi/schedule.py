"""What every training loop shares: precision, learning rate, moving average, checkpoints."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import torch
from torch import nn


def learning_rate_factor(step: int, steps: int, warmup: int, decay: float) -> float:
    """Warm up linearly, stay constant, fall linearly to 2% over the last `decay` of the run."""
    rising = min(1.0, (step + 1) / max(1, warmup))
    falling = min(1.0, max(0.02, (steps - step) / max(1, decay * steps)))
    return rising * falling


def seed_step(seed: int, step: int) -> None:
    """Seed torch for one step, so that a run that goes on draws what one in one go would draw."""
    torch.manual_seed((seed << 32) + step)


def mixed_precision(device: str, wanted: bool = True) -> torch.autocast:
    """Products in bfloat16 where they are wanted and the hardware multiplies it; elsewhere it is
    emulated, and many times slower than float32."""
    kind = device.split(":")[0]
    fast = kind != "cpu" or torch.backends.cpu.get_cpu_capability() == "AVX512"
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=wanted and fast)


class MovingAverage:
    """Exponential moving average of a module's parameters: min(limit, (1 + s) / (10 + s))."""

    def __init__(self, module: nn.Module, limit: float):
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.limit = limit

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        keep = min(self.limit, (1 + step) / (10 + step))
        averages, values = list(self.module.parameters()), list(module.parameters())
        torch._foreach_lerp_(averages, values, 1 - keep)


def save_checkpoint(path: Path, content: dict) -> None:
    """Write a checkpoint in one rename, so that a kill never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path, device: str) -> dict | None:
    """The checkpoint at `path`, or None when there is none yet."""
    return torch.load(path, map_location=device, weights_only=True) if path.is_file() else None
