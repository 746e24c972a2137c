"""MAGI: backbone and diffusion head, and the loss of complete teacher forcing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from magi.backbone import Backbone, Conditions
from magi.config import NOISE_LEVELS, NOISE_STEP, ModelConfig, RunConfig, TrainConfig
from magi.head import CosineDdpm, DiffusionHead, flow_loss
from magi.masks import random_masks


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
        self, latents: Tensor, conditions: Conditions, settings: TrainConfig
    ) -> tuple[Tensor, Tensor]:
        """Complete teacher forcing on clean latents [B, T, S, C].

        Only hidden tokens count, each `batch_repeat` times with its own noise and time, and those
        that changed since the previous frame weigh more, so that a model does not settle for
        copying. Returns the weighted loss and the plain mean error, both scalars.
        """
        clips, frames, tokens, _ = latents.shape
        device = latents.device
        levels = torch.randint(0, NOISE_LEVELS, (clips, frames - 1), device=device)
        noise = torch.randn_like(latents[:, :-1]) * (NOISE_STEP * levels)[..., None, None]
        hidden = random_masks(clips * frames, tokens).to(device).view(clips, frames, tokens)
        z = self.backbone(latents[:, :-1] + noise, levels, latents, hidden, conditions)
        weight = token_weights(latents, settings.change_weight)[hidden]
        clean = latents[hidden].repeat(settings.batch_repeat, 1)
        condition = z[hidden].repeat(settings.batch_repeat, 1)
        if self.config.diffusion == "ddpm":
            errors = CosineDdpm().loss(self.head, clean, condition)
        else:
            errors = flow_loss(self.head, clean, condition)
        weight = weight.repeat(settings.batch_repeat)
        return (errors * weight).sum() / weight.sum(), errors.detach().mean()


def token_weights(latents: Tensor, change_weight: float) -> Tensor:
    """1 + change_weight * min(1, change of the token since the previous frame), [B, T, S]."""
    change = (latents[:, 1:] - latents[:, :-1]).square().mean(-1).sqrt().clamp(max=1)
    change = torch.cat([torch.zeros_like(change[:, :1]), change], dim=1)
    return 1 + change_weight * change
