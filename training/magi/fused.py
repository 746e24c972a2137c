"""The backbone as it is exported: `Backbone.frame` in the fewest operators of onnxruntime.

What depends on the past alone is computed once a frame by `TurnedPast`; `FusedFrame` is a pass over
its outputs. Both compute exactly what `Backbone.frame` does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
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
        """past_k, past_v [L, W + 1, S, width], filled [W + 1] -> `hidden` [W + 1], then keys
        [S * heads, d, W + 1] of every layer, then values [S * heads, W + 1, d] of every layer."""
        slots = past_k.unflatten(-1, (self.heads, -1))  # [L, W + 1, S, heads, d]
        window, dimensions = slots.shape[1] - 1, slots.shape[-1]
        cosine, sine = rotation(torch.arange(-window, 0), dimensions)
        turned = rotate(slots[:, 1:], cosine[:, None, None], sine[:, None, None])
        keys = torch.cat([slots[:, :1] + self.anchor_offsets, turned], dim=1) * dimensions**-0.5
        values = past_v.unflatten(-1, (self.heads, -1))
        keys = keys.permute(0, 2, 3, 4, 1).flatten(1, 2)
        values = values.permute(0, 2, 3, 1, 4).flatten(1, 2)
        return (filled - 1) * 1e9, *keys, *values


def past_names(layers: int) -> list[str]:
    """Names of the outputs of `TurnedPast`."""
    return ["hidden"] + [f"{part}_{layer}" for part in ("keys", "values") for layer in range(layers)]


class FusedFrame(nn.Module):
    """One pass of the backbone. Hidden states are [1, S, width].

    Norms before a linear layer leave their scale and shift to it, which makes them instance norms:
    one row, one instance.
    """

    def __init__(self, backbone: Backbone):
        """`backbone` with linear layers as `Product`s; it is changed."""
        super().__init__()
        self.backbone = backbone
        for block in backbone.blocks:
            for norm, product in (
                (block.spatial.norm, block.spatial.project),
                (block.temporal.norm, block.temporal.project),
                (block.norm, block.widen),
            ):
                product.bias = nn.Parameter(norm.bias @ product.weight + product.bias)
                product.weight = nn.Parameter(norm.weight.unsqueeze(1) * product.weight)

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
        x = backbone.embed(latents, mask, role, noise_level, interval, label).unsqueeze(0)
        new_keys, new_values = [], []
        for block, keys, values in zip(
            backbone.blocks, past[:layers], past[layers:], strict=True
        ):
            x = x + _spatial(block.spatial, _normed(block.spatial.norm, x))
            read, key, value = temporal_read(
                block.temporal, _normed(block.temporal.norm, x), keys, values, hidden
            )
            x = x + read
            x = x + block.narrow(F.gelu(block.widen(_normed(block.norm, x))))
            new_keys.append(key)
            new_values.append(value)
        z = backbone.norm(x[0]) + backbone.head_places
        return z, torch.cat(new_keys), torch.cat(new_values)


def _normed(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """`norm` without scale and shift: [1, S, width] -> the same."""
    return F.instance_norm(x, eps=norm.eps)


def _spatial(attention: Attention, normed: Tensor) -> Tensor:
    """What `SpatialAttention` adds to [1, S, width]."""
    heads = (*normed.shape[1:-1], attention.heads, attention.dimensions)
    query, key, value = attention.project(normed).chunk(3, dim=-1)
    query = attention.query_norm(query.reshape(heads)).reshape(normed.shape)
    key = attention.key_norm(key.reshape(heads)).reshape(normed.shape)
    read = torch.onnx.ops.symbolic(
        _ATTENTION,
        [query, key, value],
        {"num_heads": attention.heads},
        dtype=normed.dtype,
        shape=normed.shape,
        version=1,
    )
    return attention.leave(read)


def temporal_read(
    attention: Attention, normed: Tensor, keys: Tensor, values: Tensor, hidden: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What `TemporalAttention` adds to [1, S, width], and this frame's k and v, on one layer's keys
    and values of `TurnedPast`; `normed` has been through the attention's norm. The frame itself is
    apart from its past, so that nothing of the past is copied."""
    query, key, value = attention.project(normed).chunk(3, dim=-1)
    rows = (-1, 1, attention.dimensions)  # [S * heads, 1, d]
    own_query = attention.query_norm(query.reshape(rows))
    own_key = attention.key_norm(key.reshape(rows))
    own = (own_query * own_key).sum(-1, keepdim=True) * attention.dimensions**-0.5
    weights = torch.cat([own_query @ keys + hidden, own], dim=-1).softmax(-1)  # [S * heads, 1, W + 2]
    past, present = weights.split([keys.shape[-1], 1], dim=-1)
    read = past @ values + present * value.reshape(rows)
    return attention.leave(read.reshape(normed.shape)), own_key.reshape(normed.shape), value
