"""Tokenizers: a frame to S latent tokens and back, each frame by itself.

`patches` is a fixed rearrangement of pixels, `plain` a small KL autoencoder, `referenced` an
autoencoder whose encoder and decoder also see frame 0 of the video, and whose decoder picks, for
every pixel, one colour of that frame's palette.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from magi.config import TokenizerConfig

PALETTE_SIZE = 64
UNUSED_ALPHA = -1.0
"""Alpha of palette entries beyond the last colour."""


def to_tokens(grid: Tensor) -> Tensor:
    """[N, C, h, w] -> [N, h * w, C]."""
    return grid.flatten(2).transpose(1, 2)


def to_grid(tokens: Tensor, size: int) -> Tensor:
    """[N, S, C] -> [N, C, size, size]."""
    return tokens.transpose(1, 2).unflatten(2, (size, size))


class ResidualBlock(nn.Module):
    """GroupNorm, SiLU, 3x3 convolution, twice, beside an identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


def _down(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(inputs * 4, outputs, 1))


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs * 4, 1), nn.PixelShuffle(2))


def _moments(inputs: int, channels: int) -> nn.Conv2d:
    """Mean and log-variance of the latents; the posterior starts narrow, so that the decoder has
    something to read from the first step."""
    layer = nn.Conv2d(inputs, 2 * channels, 1)
    nn.init.constant_(layer.bias[channels:], -4.0)
    return layer


class Patches(nn.Module):
    """Every patch of pixels is a token; decoding is exact. 32x32 RGB in 4x4 patches: 64 x 48."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config

    def encode(self, frame: Tensor) -> Tensor:
        """Pixels 0..1 [N, c, h, w] -> latents [N, S, C]."""
        return to_tokens(F.pixel_unshuffle(frame, self.config.downscale))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [N, S, C] -> pixels 0..1 [N, c, h, w]."""
        grid = to_grid(latents, self.config.grid)
        return F.pixel_shuffle(grid, self.config.downscale).clamp(0, 1)


class Plain(nn.Module):
    """KL autoencoder: convolutions down to the grid of latents and up again."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config
        widths = config.widths
        stages = list(zip(widths, widths[1:], strict=False))
        self.enter = nn.Conv2d(config.frame_channels, widths[0], 3, padding=1)
        self.down = nn.Sequential(
            *(nn.Sequential(_down(a, b), ResidualBlock(b)) for a, b in stages)
        )
        self.moments = _moments(widths[-1], config.latent_channels)
        self.expand = nn.Conv2d(config.latent_channels, widths[-1], 1)
        self.up = nn.Sequential(
            *(nn.Sequential(ResidualBlock(b), _up(b, a)) for a, b in reversed(stages))
        )
        self.leave = nn.Conv2d(widths[0], config.frame_channels, 3, padding=1)

    def posterior(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels 0..1 [N, c, h, w] -> mean and log-variance, each [N, S, C]."""
        moments = to_tokens(self.moments(self.down(self.enter(frame * 2 - 1))))
        mean, log_variance = moments.chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 4)

    def encode(self, frame: Tensor) -> Tensor:
        """Pixels 0..1 [N, c, h, w] -> latents [N, S, C], the posterior's mean."""
        return self.posterior(frame)[0]

    def decode_raw(self, latents: Tensor) -> Tensor:
        grid = to_grid(latents, self.config.grid)
        return self.leave(F.silu(self.up(self.expand(grid)))) * 0.5 + 0.5

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [N, S, C] -> pixels 0..1 [N, c, h, w]."""
        return self.decode_raw(latents).clamp(0, 1)


class ReferenceEncoder(nn.Module):
    """Features of the reference at every resolution below full, and its palette's embedding."""

    def __init__(self, widths: tuple[int, ...], embedding: int):
        super().__init__()
        full = widths[0]
        self.colour = nn.Sequential(nn.Linear(4, 48), nn.SiLU(), nn.Linear(48, full))
        self.surface = nn.Sequential(
            nn.Conv2d(full, full, 3, padding=1), nn.GroupNorm(8, full), nn.SiLU()
        )
        stages = list(zip(widths, widths[1:], strict=False))
        self.down = nn.ModuleList(
            nn.Sequential(_down(a, b), ResidualBlock(b)) for a, b in stages
        )
        self.null = nn.ParameterList(
            nn.Parameter(torch.randn(width) * 0.02) for width in widths
        )
        self.name = nn.Sequential(
            nn.Linear(2 * full + 4, 96), nn.SiLU(), nn.Linear(96, embedding), nn.LayerNorm(embedding)
        )

    def forward(
        self, reference: Tensor, palette: Tensor, has_reference: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Indices [N, h, w], palette [N, P, 4], flag [N] -> feature maps (full resolution first)
        and embeddings of the palette's colours [N, P, E].

        A colour's embedding also knows where the reference wears it: the mean of the surface
        features over its pixels. That tells hair from shoes of the same brown.
        """
        flag = has_reference.view(-1, 1, 1, 1)
        colours = self.colour(palette)  # [N, P, full]
        one_hot = torch.eye(PALETTE_SIZE, dtype=colours.dtype, device=colours.device)
        worn = F.embedding(reference.int().flatten(1), one_hot)
        image = (worn @ colours).transpose(1, 2).unflatten(2, reference.shape[1:])
        level = self.surface(image)
        surface = level.flatten(2).transpose(1, 2)  # [N, h * w, full]
        pixels = worn.sum(1).unsqueeze(-1)  # [N, P, 1]
        seen = worn.transpose(1, 2) @ surface / pixels.clamp(min=1)
        seen = seen * has_reference.view(-1, 1, 1)
        embeddings = self.name(torch.cat([palette, colours, seen], dim=-1))
        features = []
        for index, null in enumerate(self.null):
            if index:
                level = self.down[index - 1](level)
            features.append(level * flag + null.view(1, -1, 1, 1) * (1 - flag))
        return features, embeddings


class ReferenceAttention(nn.Module):
    """Every position of a feature map reads the whole reference at twice its resolution."""

    heads = 4

    def __init__(self, channels: int, reference_channels: int, size: int, inner: int = 64):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.query = nn.Linear(channels, inner)
        self.key = nn.Linear(reference_channels, inner)
        self.value = nn.Linear(reference_channels, inner)
        self.leave = nn.Linear(inner, channels)
        self.query_place = nn.Parameter(torch.randn(size**2, inner) * 0.02)
        self.key_place = nn.Parameter(torch.randn((size * 2) ** 2, inner) * 0.02)

    def _split(self, x: Tensor) -> Tensor:
        """[N, h * w, inner] -> [N, heads, h * w, inner / heads]."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, reference: Tensor) -> Tensor:
        source = to_tokens(reference)
        query = self._split(self.query(to_tokens(self.norm(x))) + self.query_place)
        key = self._split(self.key(source) + self.key_place)
        value = self._split(self.value(source))
        read = F.scaled_dot_product_attention(query, key.to(query.dtype), value.to(query.dtype))
        return x + to_grid(self.leave(read.transpose(1, 2).flatten(2)), x.shape[-1])


class Referenced(nn.Module):
    """Latents carry pose and change, looks come from the reference.

    The score of a palette colour at a pixel is a sum of three guesses: how near it is to the colour
    that the pixel's feature predicts, how well that feature matches the colour's embedding (which
    also knows where the reference wears it), and votes for the colours that the reference wears at
    and around that pixel, because most of a sprite's pixels move by a few places at most.
    """

    embedding = 32
    reach = 4
    """Votes come from the (2 * reach + 1)^2 reference pixels around."""

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config
        widths = config.widths
        full, half, *rest = widths
        self.reference = ReferenceEncoder(widths, self.embedding)
        # Encoder: starts at a quarter of the resolution from 4x4 pixels, because pose is coarse.
        self.enter = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(config.frame_channels * 16, rest[0], 3, padding=1)
        )
        self.look = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for width in rest)
        self.down = nn.ModuleList(_down(a, b) for a, b in zip(rest, rest[1:], strict=False))
        self.read = nn.ModuleList(ResidualBlock(width) for width in rest)
        self.moments = _moments(widths[-1], config.latent_channels)
        # Decoder: from the grid of latents back to half resolution, then pixels.
        self.expand = nn.Conv2d(config.latent_channels, widths[-1], 1)
        self.recall = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for width in widths[1:])
        self.draw = nn.ModuleList(ResidualBlock(width) for width in widths[1:])
        self.up = nn.ModuleList(_up(b, a) for a, b in zip(widths[1:], rest, strict=False))
        quarter = config.frame_size // 4
        self.attention = ReferenceAttention(rest[0], half, quarter)
        self.spread = _up(half, full)
        self.finish = nn.Sequential(
            nn.GroupNorm(8, 2 * full),
            nn.Conv2d(2 * full, 3 * full, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(3 * full, 3 * full, 1),
        )
        self.match = nn.Sequential(
            nn.Linear(3 * full, self.embedding), nn.LayerNorm(self.embedding)
        )
        self.guess = nn.Linear(3 * full, 4)
        nn.init.zeros_(self.guess.weight)
        nn.init.zeros_(self.guess.bias)
        self.nearness = nn.Parameter(torch.tensor(4.0))
        self.vote = nn.Linear(3 * full, (2 * self.reach + 1) ** 2)
        nn.init.zeros_(self.vote.weight)
        nn.init.zeros_(self.vote.bias)
        self.vote.bias.data[self.vote.out_features // 2] = 2.0

    def posterior(self, frame: Tensor, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """RGBA 0..1 [N, 4, h, w] and the reference's features -> mean, log-variance [N, S, C]."""
        x = self.enter(frame * 2 - 1)
        for index, (look, read) in enumerate(zip(self.look, self.read, strict=True)):
            if index:
                x = self.down[index - 1](x)
            x = read(look(torch.cat([x, features[index + 2]], dim=1)))
        mean, log_variance = to_tokens(self.moments(F.silu(x))).chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 4)

    def encode(self, frame: Tensor, features: list[Tensor]) -> Tensor:
        """RGBA 0..1 [N, 4, h, w] -> latents [N, S, C], the posterior's mean."""
        return self.posterior(frame, features)[0]

    def neighbours(self, reference: Tensor) -> Tensor:
        """Palette indices int [N, h, w] -> those around every pixel [N, h * w, (2 reach + 1)^2];
        beyond the border lies colour 0."""
        side, reach = reference.shape[-1], self.reach
        padded = F.pad(reference.long(), (reach,) * 4)
        shifted = [
            padded[:, y : y + side, x : x + side].flatten(1)
            for y in range(2 * reach + 1)
            for x in range(2 * reach + 1)
        ]
        return torch.stack(shifted, dim=-1)

    def logits(
        self,
        latents: Tensor,
        features: list[Tensor],
        embeddings: Tensor,
        palette: Tensor,
        neighbours: Tensor,
        has_reference: Tensor,
    ) -> Tensor:
        """Latents [N, S, C] -> scores of the palette's colours [N, h, w, P]; unused ones -1e4."""
        x = self.expand(to_grid(latents, self.config.grid))
        for index in reversed(range(len(self.draw))):
            x = self.recall[index](torch.cat([x, features[index + 1]], dim=1))
            if index == 1:
                x = self.attention(x, features[1])
            x = self.draw[index](x)
            if index:
                x = self.up[index - 1](x)
        x = F.silu(self.finish(torch.cat([self.spread(F.silu(x)), features[0]], dim=1)))
        pixels = to_tokens(x)  # [N, h * w, 3 full]
        unused = torch.where(palette[..., 3:].transpose(1, 2) < 0, -1e4, 0.0)
        names = embeddings.transpose(1, 2).to(pixels.dtype) * self.embedding**-0.5
        scores = self.match(pixels) @ names  # [N, h * w, P]
        colours = palette.clamp(min=0)
        centre = neighbours[..., neighbours.shape[-1] // 2].unsqueeze(-1).expand(-1, -1, 4)
        guess = colours.gather(1, centre) + self.guess(pixels).float()
        # -|guess - colour|^2 without the part that all colours share:
        nearness = 2 * guess @ colours.transpose(1, 2) - colours.square().sum(-1).unsqueeze(1)
        votes = self.vote(pixels) * has_reference.view(-1, 1, 1).to(pixels.dtype)
        scores = scores.float() + self.nearness * nearness + unused
        scores = torch.scatter_add(scores, 2, neighbours, votes.float())
        return scores.unflatten(1, x.shape[2:])


def build_tokenizer(config: TokenizerConfig) -> nn.Module:
    """The tokenizer of a configuration, with fresh weights."""
    kinds = {"patches": Patches, "plain": Plain, "referenced": Referenced}
    if config.kind not in kinds:
        raise ValueError(f"tokenizer.kind {config.kind!r}: one of {', '.join(kinds)}")
    tokenizer = kinds[config.kind](config)
    for module in tokenizer.modules():
        # PyTorch's default shrinks a signal by three at every layer without a norm.
        if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.abs().max() > 0:
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    return tokenizer
