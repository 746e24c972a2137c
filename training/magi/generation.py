"""Generates videos frame by frame on a cache of keys and values.

The reference implementation of docs/model-format.md, "Generation of frame i"; the TypeScript engine
follows it step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from magi.backbone import COMPLETE, MASKED
from magi.config import LATENT_BOUND
from magi.frame_cache import KEPT
from magi.masks import revealed_per_step
from magi.model import Magi
from magi.noise import decode_order, normal

Slots = tuple[Tensor, Tensor, Tensor]
"""past_k, past_v [layers, W + 1, S, width] and filled [W + 1]."""


@dataclass(frozen=True)
class Sampling:
    """How the tokens of a frame are drawn."""

    decode_steps: int
    head_steps: int
    temperature: float

    @classmethod
    def of(cls, told: dict) -> Sampling:
        """As a manifest or a run file tells it."""
        return cls(told["decodeSteps"], told["headSteps"], told["temperature"])

    @classmethod
    def of_first(cls, defaults: dict) -> Sampling:
        """Of a frame 0 that the model draws, by its defaults: `firstFrame`, or as the other frames."""
        return cls.of(defaults.get("firstFrame", defaults))

    def told(self) -> dict:
        """As a manifest tells it."""
        steps = {"decodeSteps": self.decode_steps, "headSteps": self.head_steps}
        return steps | {"temperature": self.temperature}


@dataclass(frozen=True)
class Plan:
    """What a video is made from. `label_at` gives the label id of a frame; `first`: how frame 0 is
    drawn where it is not given, None: as the others."""

    seed: int
    interval: int
    label_at: Callable[[int], int]
    decode_steps: int
    head_steps: int
    temperature: float
    first: Sampling | None = None

    def sampling(self, frame: int) -> Sampling | Plan:
        """How frame `frame` is drawn."""
        return self.first if frame == 0 and self.first else self


class FrameModel(Protocol):
    """What generation needs of a model: PyTorch modules, or exported graphs."""

    window: int | None
    cache_shape: tuple[int, int, int]
    """(layers, tokens, width) of the keys of one frame."""
    channels: int

    def predict(
        self, latents: Tensor, mask: Tensor, role: int, interval: int, label: int, past: Slots
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One pass of the backbone: z [S, width], k and v [layers, S, width]."""
        ...

    def sample(self, z: Tensor, noise: Tensor, steps: int) -> Tensor:
        """Latents [n, C] from condition vectors [n, width] and starting noise [n, C]."""
        ...


class TorchFrames:
    """The modules as they are trained."""

    def __init__(self, model: Magi):
        self.model = model
        config = model.config
        self.window = config.window
        self.cache_shape = (config.layers, model.backbone.tokens, config.width)
        self.channels = model.head.leave.out_features

    def predict(self, latents, mask, role, interval, label, past):
        told = (torch.tensor([value]) for value in (role, 0, interval, label))
        return self.model.backbone.frame(latents, mask, *told, *past)

    def sample(self, z, noise, steps):
        return self.model.sample(z, noise, steps)


class Past:
    """Keys and values of the anchor and of the last W frames."""

    def __init__(self, window: int | None, cache_shape: tuple[int, int, int]):
        self.window = window
        self.shape = cache_shape
        self.frames: list[tuple[int, Tensor, Tensor]] = []

    def append(self, index: int, key: Tensor, value: Tensor) -> None:
        """Add the K and V [layers, S, width] of frame `index`."""
        self.frames.append((index, key, value))
        if self.window is not None:
            self.frames = [
                frame for frame in self.frames if frame[0] == 0 or frame[0] > index - self.window
            ]

    def slots(self) -> Slots:
        """The cache as the backbone takes it: the anchor, then the window, right-aligned."""
        window = self.window if self.window is not None else max(0, len(self.frames) - 1)
        layers, tokens, width = self.shape
        key = torch.zeros(layers, window + 1, tokens, width)
        value = torch.zeros_like(key)
        filled = torch.zeros(window + 1)
        for index, frame_key, frame_value in self.frames:
            slot = 0 if index == 0 else window + 1 - (self.frames[-1][0] + 1 - index)
            key[:, slot], value[:, slot] = frame_key, frame_value
            filled[slot] = 1
        return key, value, filled


@torch.no_grad()
def generate_frame(model: FrameModel, plan: Plan, frame: int, past: Slots) -> Tensor:
    """Latents [S, C] of frame `frame`, filled in over the decode steps."""
    tokens, channels = model.cache_shape[1], model.channels
    label, sampling = plan.label_at(frame), plan.sampling(frame)
    order = decode_order(plan.seed, frame, tokens)
    latents, mask = torch.zeros(tokens, channels), torch.ones(tokens)
    left = tokens
    for step, count in enumerate(revealed_per_step(tokens, sampling.decode_steps), start=1):
        z, _, _ = model.predict(latents, mask, MASKED, plan.interval, label, past)
        new = np.sort(order[left - count : left])
        left -= count
        noise = normal(plan.seed, frame, step, new, channels, sampling.temperature)
        made = model.sample(z[new], torch.from_numpy(noise), sampling.head_steps)
        latents[new] = made.clamp(-LATENT_BOUND, LATENT_BOUND)
        mask[new] = 0
    return latents


@torch.no_grad()
def generate(
    model: FrameModel, plan: Plan, frames: int, given: Tensor | None = None, kv: str = "int8"
) -> Iterator[Tensor]:
    """Latents [S, C] of frames 0, 1, ...; `given` [n, S, C] are committed first and come as they
    are. `kv`: how keys and values are kept, one of `magi.frame_cache.KEPT`."""
    kept = KEPT[kv]
    past = Past(model.window, model.cache_shape)
    clean = torch.zeros(model.cache_shape[1])
    for frame in range(frames):
        slots = past.slots()
        if given is not None and frame < len(given):
            latents = given[frame]
        else:
            latents = generate_frame(model, plan, frame, slots)
        label = plan.label_at(frame)
        _, key, value = model.predict(latents, clean, COMPLETE, plan.interval, label, slots)
        past.append(frame, kept(key), kept(value))
        yield latents
