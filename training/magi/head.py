"""The diffusion head: samples the value of a token, given its condition vector.

Source: MAR, arXiv 2406.11838, section 3; here with rectified flow by default (x_t = (1 - t) x +
t eps, target eps - x) and the paper's cosine DDPM as `ddpm`. The modulation is a sum of a part that
depends on the condition alone and one that depends on the time alone, so that a sampler computes the
first once for all its steps and the second once for all tokens.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_TIME_FREQUENCIES = 32
_FLOW_TIMES = 256


def time_features(time: Tensor) -> Tensor:
    """Times in 0..1 [n] -> [n, 64]."""
    frequency = torch.exp(torch.linspace(0, math.log(1000.0), _TIME_FREQUENCIES))
    angle = time.float().unsqueeze(-1) * frequency.to(time.device)
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class DiffusionHead(nn.Module):
    """A residual MLP with adaptive layer normalisation."""

    def __init__(self, channels: int, condition: int, width: int, blocks: int):
        super().__init__()
        self.width = width
        self.enter = nn.Linear(channels, width)
        self.condition = nn.Linear(condition, width)
        modulations = (3 * blocks + 2) * width
        self.condition_modulation = nn.Linear(width, modulations)
        self.time = nn.Sequential(
            nn.Linear(2 * _TIME_FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.time_modulation = nn.Linear(width, modulations, bias=False)
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, channels)
        for layer in (self.condition_modulation, self.time_modulation, self.leave):
            nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.condition_modulation.bias)
        nn.init.zeros_(self.leave.bias)

    def modulate_condition(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """[n, condition] -> start [n, width] and modulation [n, M]."""
        start = F.silu(self.condition(z))
        return start, self.condition_modulation(start)

    def modulate_time(self, time: Tensor) -> Tensor:
        """[k] -> [k, M]."""
        return self.time_modulation(self.time(time_features(time)))

    def velocity(self, x: Tensor, start: Tensor, modulation: Tensor) -> Tensor:
        """Noised tokens [n, C] -> predicted eps - x [n, C]."""
        parts = modulation.split(self.width, dim=-1)
        hidden = self.enter(x) + start
        for index, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            shift, scale, gate = parts[3 * index : 3 * index + 3]
            inner = F.layer_norm(hidden, (self.width,)) * (1 + scale) + shift
            hidden = hidden + gate * second(F.silu(first(inner)))
        shift, scale = parts[-2:]
        return self.leave(F.layer_norm(hidden, (self.width,)) * (1 + scale) + shift)

    def forward(self, x: Tensor, time: Tensor, z: Tensor) -> Tensor:
        """[n, C], [n], [n, condition] -> [n, C]."""
        start, modulation = self.modulate_condition(z)
        return self.velocity(x, start, modulation + self.modulate_time(time))


def flow_loss(
    head: DiffusionHead, clean: Tensor, z: Tensor, draws: int = 1, shift: float = 0.0
) -> Tensor:
    """Rectified flow: the error of every token, [draws * n], each draw with its own noise and time t,
    the sigmoid of a normal deviate plus `shift`.

    What depends on the condition alone is computed once for all draws, and all rows share
    `_FLOW_TIMES` times: modulations are most of the head's arithmetic.
    """
    clean = clean.repeat(draws, 1)
    start, modulation = (part.repeat(draws, 1) for part in head.modulate_condition(z))
    times = (torch.randn(_FLOW_TIMES, device=clean.device) + shift).sigmoid()
    drawn = torch.randint(_FLOW_TIMES, (len(clean),), device=clean.device)
    time = times[drawn].unsqueeze(1)
    noise = torch.randn_like(clean)
    noised = (1 - time) * clean + time * noise
    made = head.velocity(noised, start, modulation + head.modulate_time(times)[drawn])
    return (made.float() - (noise - clean)).square().mean(-1)


def flow_sample(head: DiffusionHead, z: Tensor, noise: Tensor, steps: int) -> Tensor:
    """Euler steps from `noise` [n, C] (already scaled by the temperature) to latents [n, C]."""
    times = flow_times(steps).to(z.device)
    start, modulation = head.modulate_condition(z)
    by_time = head.modulate_time(times[:-1])
    x = noise
    for step in range(steps):
        x = x + (times[step + 1] - times[step]) * head.velocity(x, start, modulation + by_time[step])
    return x


def flow_times(steps: int) -> Tensor:
    """steps + 1 times falling from 1 to 0, float32."""
    return torch.tensor([1 - step / steps for step in range(steps + 1)])


class CosineDdpm:
    """The paper's mode: cosine DDPM with 1,000 training steps, sampled in `steps` (100).

    Source: Nichol and Dhariwal, arXiv 2102.09672; noise prediction as in MAR.
    """

    training_steps = 1000

    def __init__(self) -> None:
        place = torch.arange(self.training_steps + 1, dtype=torch.float64) / self.training_steps
        level = torch.cos((place + 0.008) / 1.008 * math.pi / 2) ** 2
        beta = (1 - level[1:] / level[:-1]).clamp(max=0.999)
        self.signal = torch.cumprod(1 - beta, 0)  # [1000], share of the signal's variance

    def loss(self, head: DiffusionHead, clean: Tensor, z: Tensor, draws: int = 1) -> Tensor:
        """Error of every token, [draws * n], each draw with its own noise and time."""
        clean, z = clean.repeat(draws, 1), z.repeat(draws, 1)
        index = torch.randint(0, self.training_steps, (len(clean),))
        signal = self.signal[index].float().to(clean.device).unsqueeze(1)
        noise = torch.randn_like(clean)
        noised = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        time = (index.float() / self.training_steps).to(clean.device)
        return (head(noised, time, z).float() - noise).square().mean(-1)

    def sample(
        self, head: DiffusionHead, z: Tensor, noise: Tensor, steps: int, generator=None
    ) -> Tensor:
        """Ancestral sampling over `steps` evenly respaced steps, [n, C] -> [n, C]."""
        places = torch.linspace(self.training_steps - 1, 0, steps).round().long()
        x = noise
        for index, place in enumerate(places):
            signal = self.signal[place].float()
            last = index + 1 == len(places)
            before = torch.tensor(1.0) if last else self.signal[places[index + 1]].float()
            time = torch.full((len(x),), float(place) / self.training_steps)
            eps = head(x, time, z)
            clean = ((x - (1 - signal).sqrt() * eps) / signal.sqrt()).clamp(-8, 8)
            kept = signal / before
            mean = before.sqrt() * (1 - kept) / (1 - signal) * clean
            mean = mean + kept.sqrt() * (1 - before) / (1 - signal) * x
            deviation = ((1 - before) / (1 - signal) * (1 - kept)).sqrt()
            x = mean + deviation * torch.randn(x.shape, generator=generator)
        return x
