"""MAGI: backbone and diffusion head, and the loss of teacher forcing, complete or masked."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from magi.backbone import Backbone, Conditions
from magi.config import (
    LATENT_BOUND,
    NOISE_STEP,
    ModelConfig,
    RunConfig,
    TrainConfig,
)
from magi.head import CosineDdpm, DiffusionHead, flow_loss, flow_sample
from magi.masks import random_masks, revealed_per_step

_GUESS_DECODE_STEPS, _GUESS_HEAD_STEPS = 2, 4


class Magi(nn.Module):
    """One frame after another, each filled in by masked autoregression."""

    def __init__(self, config: ModelConfig, tokens: int, channels: int):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config, tokens, channels)
        self.head = DiffusionHead(channels, config.width, config.head_width, config.head_blocks)

    @classmethod
    def of(cls, run: RunConfig) -> Magi:
        return cls(run.model, run.tokenizer.tokens, run.tokenizer.latent_channels)

    def loss(
        self,
        latents: Tensor,
        conditions: Conditions,
        settings: TrainConfig,
        history: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Teacher forcing on clean latents [B, T, S, C]; `history`, of the same shape, is what the
        complete frames show instead of them, such as frames of the model's own.

        Only hidden tokens count, each `batch_repeat` times with its own noise and time, and those
        that changed since the previous frame weigh more, so that a model does not settle for
        copying. Returns the weighted loss and the plain mean error, both scalars.
        """
        hidden = random_masks(latents[..., 0, 0].numel(), latents.shape[2]).to(latents.device)
        hidden = hidden.view(latents.shape[:3])
        if self.config.paradigm == "mtf":
            noised, levels = with_noise(latents, settings.noise_levels)
            z = self.backbone.masked_stream(noised, levels, hidden, conditions)
        else:
            shown = (latents if history is None else history)[:, :-1]
            noised, levels = with_noise(shown, settings.noise_levels)
            z = self.backbone(noised, levels, latents, hidden, conditions)
        weight = token_weights(latents, settings.change_weight)[hidden]
        tokens = latents[hidden], z[hidden], settings.batch_repeat
        if self.config.diffusion == "ddpm":
            errors = CosineDdpm().loss(self.head, *tokens)
        else:
            errors = flow_loss(self.head, *tokens, settings.time_shift)
        weight = weight.repeat(settings.batch_repeat)
        return (errors * weight).sum() / weight.sum(), errors.detach().mean()

    def sample(self, z: Tensor, noise: Tensor, steps: int) -> Tensor:
        """Latents [n, C] from condition vectors [n, width] and starting noise [n, C]."""
        if self.config.diffusion == "ddpm":
            return CosineDdpm().sample(self.head, z, noise, steps)
        return flow_sample(self.head, z, noise, steps)

    @torch.no_grad()
    def own_history(self, latents: Tensor, conditions: Conditions) -> Tensor:
        """Clean latents [B, T, S, C] with every later frame, by the toss of a coin, replaced by the
        model's own guess at it. Frame 0, mostly given, stays.

        A guess takes the true frames before it and few steps, so all frames are made at once.
        """
        clips, frames, tokens, channels = latents.shape
        levels = torch.zeros(clips, frames - 1, dtype=torch.long, device=latents.device)
        rank = torch.rand(clips, frames, tokens, device=latents.device).argsort(-1).argsort(-1)
        made, left = torch.zeros_like(latents), tokens
        for count in revealed_per_step(tokens, _GUESS_DECODE_STEPS):
            z = self.backbone(latents[:, :-1], levels, made, rank < left, conditions)
            new = (rank < left) & (rank >= left - count)
            noise = torch.randn(int(new.sum()), channels, device=latents.device)
            guess = self.sample(z[new], noise, _GUESS_HEAD_STEPS).float()
            made[new] = guess.clamp(-LATENT_BOUND, LATENT_BOUND)
            left -= count
        own = torch.rand(clips, frames, device=latents.device) < 0.5
        own[:, 0] = False
        return torch.where(own[..., None, None], made, latents)


def with_noise(latents: Tensor, levels: int) -> tuple[Tensor, Tensor]:
    """Latents [B, T, S, C] with noise of a random level for every frame, and the levels [B, T]."""
    drawn = torch.randint(0, levels, latents.shape[:2], device=latents.device)
    return latents + torch.randn_like(latents) * (NOISE_STEP * drawn)[..., None, None], drawn


def token_weights(latents: Tensor, change_weight: float) -> Tensor:
    """1 + change_weight * min(1, change of the token since the previous frame), [B, T, S]."""
    change = (latents[:, 1:] - latents[:, :-1]).square().mean(-1).sqrt().clamp(max=1)
    change = torch.cat([torch.zeros_like(change[:, :1]), change], dim=1)
    return 1 + change_weight * change
