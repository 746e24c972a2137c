"""The backbone: spatial and temporal attention over frames, causal in time.

Source: arXiv 2501.12389 ("the paper"), sections on complete teacher forcing, dynamic interval and
dynamic noise injection. One set of weights, two ways through it that give the same hidden states:
`forward` runs a whole training clip in parallel, `frame` runs one frame on cached keys and values.
`masked_stream` is the training pass of masked teacher forcing, which complete teacher forcing is
compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from magi.config import NOISE_LEVELS, ModelConfig
from magi.masks import ctf_mask

MASKED, COMPLETE = 0, 1
_ROPE_BASE = 100.0


def rotation(positions: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of RoPE at integer positions [n]: two tensors [n, dimensions / 2]."""
    half = dimensions // 2
    frequency = _ROPE_BASE ** (-torch.arange(half, dtype=torch.float32) / half)
    angle = positions.float().unsqueeze(-1) * frequency.to(positions.device)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the pairs (i, i + d / 2) of the last axis [..., d]."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


class Attention(nn.Module):
    """Queries, keys and values of one attention; queries and keys are normalised per head."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.dimensions = width // heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.query_norm = nn.LayerNorm(self.dimensions)
        self.key_norm = nn.LayerNorm(self.dimensions)
        self.leave = nn.Linear(width, width)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[..., width] -> query, key, value, each [..., heads, dimensions]."""
        query, key, value = (
            part.unflatten(-1, (self.heads, self.dimensions))
            for part in self.project(self.norm(x)).chunk(3, dim=-1)
        )
        return self.query_norm(query), self.key_norm(key), value


class SpatialAttention(Attention):
    """Within one frame, bidirectional."""

    def forward(self, x: Tensor) -> Tensor:
        """[frames, S, width] -> the same."""
        query, key, value = (part.transpose(-3, -2) for part in self.split(x))
        # Written out, because PyTorch's fused kernel is 11 times slower backwards on short rows in
        # bfloat16 on a CPU.
        scores = (query * self.dimensions**-0.5) @ key.transpose(-1, -2)
        read = scores.float().softmax(-1).to(value.dtype) @ value
        return x + self.leave(read.transpose(-3, -2).flatten(-2))


class TemporalAttention(Attention):
    """One position through time: the anchor, the window's complete frames, the frame itself."""

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads)
        self.anchor_offset = nn.Parameter(torch.zeros(heads, self.dimensions))

    def forward(self, x: Tensor, times: Tensor, allowed: Tensor) -> Tensor:
        """A clip in parallel: [B, F, S, width]; `times` [F] are frame indices, `allowed`
        [F, 1 + F] is `ctf_mask`. Frame 0 of the stream that is remembered is row 0."""
        query, key, value = (part.permute(0, 2, 3, 1, 4) for part in self.split(x))  # [B,S,h,F,d]
        cosine, sine = rotation(times, self.dimensions)
        anchor = key[..., :1, :] + self.anchor_offset.unsqueeze(1)
        near = rotate(query, cosine, sine) @ rotate(key, cosine, sine).transpose(-1, -2)
        far = query @ anchor.to(query.dtype).transpose(-1, -2)
        scores = torch.cat([far, near], dim=-1) * self.dimensions**-0.5
        weights = scores.float().masked_fill(~allowed, float("-inf")).softmax(-1).to(value.dtype)
        read = weights @ torch.cat([value[..., :1, :], value], dim=-2)
        return x + self.leave(read.permute(0, 3, 1, 2, 4).flatten(-2))

    def cached(
        self, x: Tensor, past_k: Tensor, past_v: Tensor, filled: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One frame on its past: x [S, width], past [W + 1, S, width] (slot 0 the anchor, then
        the window, right-aligned), `filled` [W + 1] -> x, and this frame's k and v [S, width].

        The query stays unrotated and keys turn back by their distance, which is the same product.
        """
        query, key, value = self.split(x)  # [S, heads, d]
        window = past_k.shape[0] - 1
        slots = past_k.unflatten(-1, (self.heads, self.dimensions))
        cosine, sine = rotation(torch.arange(-window, 0), self.dimensions)
        turned = rotate(slots[1:], cosine[:, None, None], sine[:, None, None])
        keys = torch.cat([slots[:1] + self.anchor_offset, turned, key.unsqueeze(0)])
        values = torch.cat([past_v.unflatten(-1, slots.shape[-2:]), value.unsqueeze(0)])
        scores = (query * keys).sum(-1) * self.dimensions**-0.5  # [W + 2, S, heads]
        hidden = F.pad((filled - 1) * 1e9, (0, 1)).view(-1, 1, 1)
        weights = (scores + hidden).softmax(0).unsqueeze(-1)
        read = (weights * values).sum(0)  # [S, heads, d]
        return x + self.leave(read.flatten(1)), key.flatten(1), value.flatten(1)


class Block(nn.Module):
    """Spatial attention, temporal attention, feed-forward; pre-norm, residual."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.spatial = SpatialAttention(width, heads)
        self.temporal = TemporalAttention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def feed_forward(self, x: Tensor) -> Tensor:
        return x + self.narrow(F.gelu(self.widen(self.norm(x))))


@dataclass
class Conditions:
    """What a clip is told besides its latents: interval [B], labels [B, T]."""

    interval: Tensor
    labels: Tensor


class Backbone(nn.Module):
    """Latents of a frame, partly hidden, and its past -> a condition vector for every token."""

    def __init__(self, config: ModelConfig, tokens: int, channels: int):
        super().__init__()
        width = config.width
        self.config = config
        self.tokens = tokens
        self.enter = nn.Linear(channels, width)

        def table(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, width) * 0.02)

        self.mask_token = table()
        self.roles = table(2)
        self.noise_levels = table(NOISE_LEVELS)
        self.places = table(tokens)
        self.intervals = table(config.max_interval)
        self.labels = table(len(config.labels) + 1)
        self.head_places = table(tokens)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        complete: Tensor,
        levels: Tensor,
        masked: Tensor,
        hidden: Tensor,
        conditions: Conditions,
    ) -> Tensor:
        """Complete teacher forcing, the whole clip at once.

        complete: latents [B, Tc, S, C] of the history, noise already added; Tc = T or T - 1.
        levels: their noise levels, int [B, Tc]. masked: latents [B, T, S, C] of the same clip.
        hidden: bool [B, T, S]. Returns the condition vectors of the masked frames [B, T, S, width].
        """
        history, frames = complete.shape[1], masked.shape[1]
        told = self._told(conditions)
        seen = self.enter(complete) + self._complete(levels) + told[:, :history]
        x = torch.cat([seen, self._blank(masked, hidden) + self.roles[MASKED] + told], dim=1)
        times = torch.cat([torch.arange(history), torch.arange(frames)])
        x = self._through(x, times, ctf_mask(history, frames, self.config.window))
        return self.norm(x[:, history:]) + self.head_places

    def masked_stream(
        self, latents: Tensor, levels: Tensor, hidden: Tensor, conditions: Conditions
    ) -> Tensor:
        """Masked teacher forcing, the whole clip at once: every frame sees the earlier ones as they
        are masked themselves, so that the clip is run once and not twice.

        latents [B, T, S, C], noise already added to what is visible; levels, int [B, T], of that
        noise; hidden bool [B, T, S]. Returns the condition vectors [B, T, S, width].
        """
        frames = latents.shape[1]
        x = self._blank(latents, hidden) + self._complete(levels) + self._told(conditions)
        x = self._through(x, torch.arange(frames), ctf_mask(frames, 0, self.config.window))
        return self.norm(x) + self.head_places

    def _told(self, conditions: Conditions) -> Tensor:
        """What every token of a clip is told: [B, T, S, width]."""
        told = self.intervals[conditions.interval - 1][:, None] + self.labels[conditions.labels]
        return told.unsqueeze(2) + self.places

    def _complete(self, levels: Tensor) -> Tensor:
        """The complete role at noise levels [B, T]: [B, T, 1, width]."""
        return self.roles[COMPLETE] + self.noise_levels[levels].unsqueeze(2)

    def _blank(self, latents: Tensor, hidden: Tensor) -> Tensor:
        """Latents [B, T, S, C], the hidden ones replaced by the mask token: [B, T, S, width]."""
        entered = self.enter(latents)
        return torch.where(hidden.unsqueeze(-1), self.mask_token.to(entered.dtype), entered)

    def _through(self, x: Tensor, times: Tensor, allowed: Tensor) -> Tensor:
        """All blocks over [B, F, S, width]; as `TemporalAttention.forward`."""
        times, allowed = times.to(x.device), allowed.to(x.device)
        for block in self.blocks:
            x = block.spatial(x.flatten(0, 1)).unflatten(0, x.shape[:2])
            x = block.temporal(x, times, allowed)
            x = block.feed_forward(x)
        return x

    def embed(
        self,
        latents: Tensor,
        mask: Tensor,
        role: Tensor,
        noise_level: Tensor,
        interval: Tensor,
        label: Tensor,
    ) -> Tensor:
        """What the first block of `frame` reads: [S, width]; for B frames at once [B, S, width], all
        other shapes with a leading B. Masked teacher forcing has one stream,
        and so one role: the complete one, in which frames may be partly hidden."""
        if self.config.paradigm == "mtf":
            role = torch.full_like(role, COMPLETE)
        hidden = mask.unsqueeze(-1)
        x = self.enter(latents) * (1 - hidden) + self.mask_token * hidden
        is_complete = F.embedding(role, torch.arange(2, dtype=x.dtype, device=x.device).unsqueeze(-1))
        level = F.embedding(noise_level, self.noise_levels) * is_complete
        told = F.embedding(interval - 1, self.intervals) + F.embedding(label, self.labels)
        return x + self.places + (F.embedding(role, self.roles) + level + told)

    def frame(
        self,
        latents: Tensor,
        mask: Tensor,
        role: Tensor,
        noise_level: Tensor,
        interval: Tensor,
        label: Tensor,
        past_k: Tensor,
        past_v: Tensor,
        filled: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One frame on cached keys and values; shapes as docs/model-format.md says.

        latents [S, C], mask [S] (1 = hidden), role, noise_level, interval, label int [1],
        past_k and past_v [layers, W + 1, S, width], filled [W + 1] ->
        z [S, width], k and v [layers, S, width].
        """
        x = self.embed(latents, mask, role, noise_level, interval, label)
        keys, values = [], []
        for index, block in enumerate(self.blocks):
            x = block.spatial(x.unsqueeze(0)).squeeze(0)
            x, key, value = block.temporal.cached(x, past_k[index], past_v[index], filled)
            x = block.feed_forward(x)
            keys.append(key)
            values.append(value)
        return self.norm(x) + self.head_places, torch.stack(keys), torch.stack(values)
