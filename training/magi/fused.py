"""The backbone as it is exported: `Backbone.frame` in the fewest operators of onnxruntime.

What depends on the past alone is computed once a frame by `TurnedPast`; `FusedFrame` is a pass over
its outputs. Both compute exactly what `Backbone.frame` does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from magi.backbone import Attention, Backbone, rotate, rotation

_ATTENTION = "com.microsoft::MultiHeadAttention"


class TurnedPast(nn.Module):
    """Cached keys and values in the layout that attention reads."""

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.heads = backbone.config.heads
        offsets = [block.temporal.anchor_offset.detach() for block in backbone.blocks]
        self.anchor_offsets = torch.stack(offsets)[:, None, None]  # [L, 1, 1, heads, d]

    def forward(self, past_k: Tensor, past_v: Tensor, filled: Tensor) -> tuple[Tensor, ...]:
        """past_k, past_v [L, W + 1, S, width], filled [W + 1] -> `hidden` [1, 1, 1, W + 2], then
        keys [S, heads, W + 1, d] of every layer, then values of every layer."""
        slots = past_k.unflatten(-1, (self.heads, -1))  # [L, W + 1, S, heads, d]
        window = slots.shape[1] - 1
        cosine, sine = rotation(torch.arange(-window, 0), slots.shape[-1])
        turned = rotate(slots[:, 1:], cosine[:, None, None], sine[:, None, None])
        keys = torch.cat([slots[:, :1] + self.anchor_offsets, turned], dim=1)
        values = past_v.unflatten(-1, slots.shape[-2:])
        hidden = torch.cat([(filled - 1) * 1e9, torch.zeros(1)]).view(1, 1, 1, -1)
        by_layer = [*keys.permute(0, 2, 3, 1, 4), *values.permute(0, 2, 3, 1, 4)]
        return hidden, *by_layer


def past_names(layers: int) -> list[str]:
    """Names of the outputs of `TurnedPast`."""
    return ["hidden"] + [f"{part}_{layer}" for part in ("keys", "values") for layer in range(layers)]


class FusedFrame(nn.Module):
    """One pass of the backbone, each attention in one operator."""

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.backbone = backbone

    def forward(
        self,
        latents: Tensor,
        mask: Tensor,
        role: Tensor,
        noise_level: Tensor,
        interval: Tensor,
        label: Tensor,
        hidden: Tensor,
        *past: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs of `Backbone.frame`, with the outputs of `TurnedPast` for its past; its outputs."""
        backbone = self.backbone
        layers = len(backbone.blocks)
        x = backbone.embed(latents, mask, role, noise_level, interval, label)
        new_keys, new_values = [], []
        for block, keys, values in zip(
            backbone.blocks, past[:layers], past[layers:], strict=True
        ):
            x = _spatial(block.spatial, x)
            x, key, value = _temporal(block.temporal, x, keys, values, hidden)
            x = block.feed_forward(x)
            new_keys.append(key)
            new_values.append(value)
        z = backbone.norm(x) + backbone.head_places
        return z, torch.stack(new_keys), torch.stack(new_values)


def _spatial(attention: Attention, x: Tensor) -> Tensor:
    """[S, width] -> the same: `SpatialAttention.forward` of one frame."""
    parts = [part.flatten(-2).unsqueeze(0) for part in attention.split(x)]
    read = torch.onnx.ops.symbolic(
        _ATTENTION, parts, {"num_heads": attention.heads}, dtype=x.dtype, shape=parts[0].shape,
        version=1,
    )  # fmt: skip
    return x + attention.leave(read.squeeze(0))


def _temporal(
    attention: Attention, x: Tensor, keys: Tensor, values: Tensor, hidden: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`TemporalAttention.cached`: x [S, width], turned past [S, heads, W + 1, d]."""
    query, key, value = (part.flatten(-2) for part in attention.split(x))  # [S, width]
    parts = [part.unsqueeze(1) for part in (query, key, value)]
    joined = (*keys.shape[:2], keys.shape[2] + 1, keys.shape[3])
    read, _, _ = torch.onnx.ops.symbolic_multi_out(
        _ATTENTION,
        [*parts, None, None, hidden, keys, values],
        {"num_heads": attention.heads},
        dtypes=(x.dtype,) * 3,
        shapes=(parts[0].shape, joined, joined),
        version=1,
    )
    return x + attention.leave(read.squeeze(1)), key, value
