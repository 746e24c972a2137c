"""Keys and values of a finished frame as they are kept: 8 bits with one scale a channel.

The twin of src/engine/frame-cache.ts, bit for bit; the layout is in docs/model-format.md, "K and V
of a frame".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

LARGEST = 127


def eight_bit(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float32 [L, S, D] -> scales float32 [L, D] and int8 [L, S, D], one scale for all S tokens."""
    scales = np.abs(values).max(1) / np.float32(LARGEST)
    divisors = np.where(scales == 0, 1, scales).astype(np.float64)[:, None]
    steps = np.floor(values.astype(np.float64) / divisors + 0.5)
    steps[np.broadcast_to(scales[:, None] == 0, steps.shape)] = 0
    return scales, steps.clip(-LARGEST, LARGEST).astype(np.int8)


def packed(key: np.ndarray, value: np.ndarray) -> bytes:
    """K and V, float32 [L, S, D] each, as the bytes that a service stores."""
    (key_scales, key_steps), (value_scales, value_steps) = eight_bit(key), eight_bit(value)
    scales = (part.astype("<f4").tobytes() for part in (key_scales, value_scales))
    return b"".join([*scales, key_steps.tobytes(), value_steps.tobytes()])


def through_int8(values: Tensor) -> Tensor:
    """K or V [L, S, D] as they come back from 8 bits."""
    scales, steps = eight_bit(values.numpy())
    return torch.from_numpy(steps.astype(np.float32) * scales[:, None])


def through_float16(values: Tensor) -> Tensor:
    """K or V [L, S, D] as they come back from half precision."""
    return values.half().float()


def as_computed(values: Tensor) -> Tensor:
    """K or V [L, S, D] without any rounding."""
    return values


KEPT: dict[str, Callable[[Tensor], Tensor]] = {
    "int8": through_int8,
    "float16": through_float16,
    "float32": as_computed,
}
"""How K and V may be kept: what a service does, and what to compare it with."""
