"""Which tokens are hidden, and who may attend to whom.

Source: arXiv 2501.12389, complete teacher forcing; mask ratios from MAR, arXiv 2406.11838.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def ctf_mask(complete: int, masked: int, window: int | None) -> Tensor:
    """Temporal attention of complete teacher forcing, bool [complete + masked, 1 + complete + masked].

    Rows are queries: the complete frames 0.., then the masked frames 0... Columns are keys: first
    the anchor (complete frame 0 as every later frame sees it), then the complete frames, then the
    masked ones. A frame sees itself, the `window` complete frames before it and the anchor; a
    masked frame never sees another masked frame. `window` None sees every earlier frame.
    """
    reach = window if window is not None else max(complete, masked)
    query = torch.arange(max(complete, masked)).unsqueeze(1)
    key = torch.arange(complete).unsqueeze(0)
    distance = query - key
    past = (distance > 0) & (distance <= reach) & (key > 0)
    itself = torch.eye(max(complete, masked), dtype=torch.bool)
    anchor = query > 0
    complete_rows = torch.cat(
        [
            anchor[:complete],
            past[:complete] | itself[:complete, :complete],
            torch.zeros(complete, masked, dtype=torch.bool),
        ],
        dim=1,
    )
    masked_rows = torch.cat([anchor[:masked], past[:masked], itself[:masked, :masked]], dim=1)
    return torch.cat([complete_rows, masked_rows])


def mask_ratios(count: int, generator: torch.Generator | None = None) -> Tensor:
    """Shares of hidden tokens, float [count]: 80% from MAR's truncated normal (mean 1, deviation
    0.25, in [0.7, 1]), 20% uniform in (0, 1), because few decode steps spend most of them there."""
    share = torch.rand(count, generator=generator)
    low = math.erf(-0.3 / 0.25 / math.sqrt(2))
    uniform = torch.rand(count, generator=generator)
    quantile = low * (1 - uniform)  # erf of a point between 0.7 and 1
    truncated = 1 + 0.25 * math.sqrt(2) * torch.erfinv(quantile)
    flat = torch.rand(count, generator=generator)
    return torch.where(share < 0.8, truncated, flat)


def random_masks(count: int, tokens: int, generator: torch.Generator | None = None) -> Tensor:
    """Random masks, bool [count, tokens], True where hidden; at least one token each."""
    hidden = (mask_ratios(count, generator) * tokens).ceil().clamp(1, tokens)
    rank = torch.rand(count, tokens, generator=generator).argsort(1).argsort(1)
    return rank < hidden.unsqueeze(1)


def revealed_per_step(tokens: int, decode_steps: int) -> list[int]:
    """How many tokens each decode step reveals: MAR's cosine schedule, at least one a step."""
    steps = min(decode_steps, tokens)
    revealed, left = [], tokens
    for step in range(1, steps + 1):
        keep = math.floor(tokens * math.cos(math.pi / 2 * step / steps) + 1e-9)
        keep = 0 if step == steps else max(0, min(left - 1, keep))
        revealed.append(left - keep)
        left = keep
    return revealed
