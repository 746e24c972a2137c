"""Generates many videos at once with the modules as they are trained, for measuring.

What `magi.generation.generate` makes one by one, to float rounding. Only spatial attention tells the
tokens of one video from those of another: to everything else they are one large frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from magi.backbone import COMPLETE, MASKED
from magi.config import LATENT_BOUND
from magi.fused import TurnedPast, temporal_read
from magi.generation import Past, Plan
from magi.masks import revealed_per_step
from magi.model import Magi
from magi.noise import decode_order, normal


class ManyFrames:
    """Passes over the same frame of B videos."""

    def __init__(self, model: Magi, plans: Sequence[Plan]):
        self.model = model
        self.plans = plans
        self.turn = TurnedPast(model.backbone)
        self.tokens = model.backbone.tokens
        self.channels = model.head.leave.out_features
        self.interval = torch.tensor([[plan.interval] for plan in plans])
        layers, width = model.config.layers, model.config.width
        self.cache_shape = (layers, len(plans) * self.tokens, width)

    def predict(
        self, latents: Tensor, mask: Tensor, role: int, frame: int, turned: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """latents [B, S, C], mask [B, S], outputs of `TurnedPast` -> z [B, S, width], k and v
        [layers, B * S, width]."""
        backbone, layers = self.model.backbone, self.model.config.layers
        roles = torch.full_like(self.interval, role)
        labels = torch.tensor([[plan.label_at(frame)] for plan in self.plans])
        x = backbone.embed(latents, mask, roles, torch.zeros_like(roles), self.interval, labels)
        hidden, keys, values = turned[0], turned[1 : 1 + layers], turned[1 + layers :]
        new_keys, new_values = [], []
        for block, past_k, past_v in zip(backbone.blocks, keys, values, strict=True):
            x = block.spatial(x)
            normed = block.temporal.norm(x).view(1, -1, x.shape[-1])
            read, key, value = temporal_read(block.temporal, normed, past_k, past_v, hidden)
            x = block.feed_forward(x + read.view_as(x))
            new_keys.append(key)
            new_values.append(value)
        z = backbone.norm(x) + backbone.head_places
        return z, torch.cat(new_keys), torch.cat(new_values)

    def fill(self, frame: int, turned: tuple[Tensor, ...]) -> Tensor:
        """Latents [B, S, C] of a frame, filled in over the decode steps."""
        plan, count = self.plans[0].sampling(frame), len(self.plans)
        orders = np.stack([decode_order(each.seed, frame, self.tokens) for each in self.plans])
        latents = torch.zeros(count, self.tokens, self.channels)
        mask, left = torch.ones(count, self.tokens), self.tokens
        for step, new in enumerate(revealed_per_step(self.tokens, plan.decode_steps), start=1):
            z, _, _ = self.predict(latents, mask, MASKED, frame, turned)
            places = np.sort(orders[:, left - new : left], axis=1)
            left -= new
            noise = [
                normal(each.seed, frame, step, own, self.channels, plan.temperature)
                for each, own in zip(self.plans, places, strict=True)
            ]
            at = torch.arange(count).unsqueeze(1), torch.from_numpy(places)
            start = torch.from_numpy(np.concatenate(noise))
            made = self.model.sample(z[at].flatten(0, 1), start, plan.head_steps)
            latents[at] = made.clamp(-LATENT_BOUND, LATENT_BOUND).view(count, new, -1)
            mask[at] = 0
        return latents


@torch.no_grad()
def generate_many(
    model: Magi, plans: Sequence[Plan], frames: int, given: Tensor | None = None
) -> Iterator[Tensor]:
    """Latents [B, S, C] of frames 0, 1, ... of B videos; `given` [B, n, S, C] are committed first and
    come as they are. Keys and values are kept as computed.

    Decode steps, head steps and temperature are those of the first plan. Raises ValueError where
    another plan has others.
    """
    samplings = {(p.decode_steps, p.head_steps, p.temperature, p.first) for p in plans}
    if len(samplings) != 1:
        raise ValueError("plans of one batch must have the same steps and temperature")
    many = ManyFrames(model, plans)
    past = Past(model.config.window, many.cache_shape)
    clean = torch.zeros(len(plans), many.tokens)
    for frame in range(frames):
        turned = many.turn(*past.slots())
        known = given is not None and frame < given.shape[1]
        latents = given[:, frame] if known else many.fill(frame, turned)
        _, key, value = many.predict(latents, clean, COMPLETE, frame, turned)
        past.append(frame, key, value)
        yield latents
