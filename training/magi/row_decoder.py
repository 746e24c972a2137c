"""The decoder of a referenced tokenizer as it is exported: `Referenced.logits` on rows of pixels.

Feature maps are matrices [pixels, channels], so that every convolution is a product with a constant
matrix. Whatever depends on the reference alone is computed once a video by `ReferenceRows`. Two
linear layers without anything between them are one. Same function, same weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from magi.tokenizer import PALETTE_SIZE, ReferenceAttention, Referenced, ResidualBlock


class Rows(nn.Module):
    """A linear layer on rows; `weight` is stored as the plain product needs it: [in, out]."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None):
        super().__init__()
        self.register_buffer("weight", weight.detach().contiguous())
        self.register_buffer("bias", None if bias is None else bias.detach().contiguous())

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


def _pointwise(layer: nn.Conv2d) -> Tensor:
    """The weight [in, out] of a 1x1 convolution."""
    return layer.weight[:, :, 0, 0].t()


class Convolution(nn.Module):
    """A 3x3 convolution over a square map, as one product of every pixel's neighbourhood."""

    def __init__(self, weight: Tensor, bias: Tensor | None, size: int):
        super().__init__()
        self.product = Rows(weight.permute(2, 3, 1, 0).flatten(0, 2), bias)
        self.register_buffer("neighbours", _neighbourhood(size, 1).flatten())

    def forward(self, x: Tensor) -> Tensor:
        """[size^2, in] -> [size^2, out]."""
        around = F.embedding(self.neighbours, _with_zeros(x))
        return self.product(around.view(len(x), -1))


def _neighbourhood(size: int, reach: int) -> Tensor:
    """Rows of the pixels at most `reach` away from every pixel, int32 [size^2, (2 reach + 1)^2];
    size^2 is beyond the border."""
    pixels = torch.arange(size**2, dtype=torch.int32).view(size, size)
    padded = F.pad(pixels, (reach,) * 4, value=size**2)
    side = range(2 * reach + 1)
    around = [padded[y : y + size, x : x + size].flatten() for y in side for x in side]
    return torch.stack(around, dim=1)


def _with_zeros(rows: Tensor) -> Tensor:
    """[n, ...] -> [n + 1, ...]: beyond the border lies a row of zeros."""
    return torch.cat([rows, rows.new_zeros(1, *rows.shape[1:])])


class Norm(nn.Module):
    """GroupNorm of a map whose pixels are rows."""

    def __init__(self, groups: int, weight: Tensor, bias: Tensor, eps: float):
        super().__init__()
        self.groups, self.eps = groups, eps
        self.register_buffer("weight", weight.detach())
        self.register_buffer("bias", bias.detach())

    @classmethod
    def of(cls, norm: nn.GroupNorm) -> Norm:
        return cls(norm.num_groups, norm.weight, norm.bias, norm.eps)

    def forward(self, x: Tensor) -> Tensor:
        moments = torch.stack([x.mean(0), x.square().mean(0)]).view(2, self.groups, -1)
        mean, square = moments.mean(-1, keepdim=True)  # [groups, 1]
        scale = self.weight.view(self.groups, -1) * (square - mean * mean + self.eps).rsqrt()
        shift = self.bias.view(self.groups, -1) - mean * scale
        return x * scale.flatten() + shift.flatten()


class Residual(nn.Module):
    """`ResidualBlock` on rows."""

    def __init__(self, block: ResidualBlock, size: int):
        super().__init__()
        self.norm = Norm.of(block.norm)
        self.first = Convolution(block.first.weight, block.first.bias, size)
        self.second = Convolution(block.second.weight, block.second.bias, size)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


class Up(nn.Module):
    """A 1x1 convolution and `PixelShuffle(2)` on rows, then a linear layer `after`."""

    def __init__(self, layer: nn.Conv2d, after: Tensor, size: int):
        super().__init__()
        self.size = size
        # PixelShuffle's channels are [out, 2, 2]; rows of one subpixel should lie together.
        weight = _pointwise(layer).unflatten(1, (-1, 4)).transpose(1, 2)  # [in, 4, out]
        bias = layer.bias.unflatten(0, (-1, 4)).t()  # [4, out]
        self.product = Rows((weight @ after).flatten(1), (bias @ after).flatten())

    def forward(self, x: Tensor) -> Tensor:
        """[size^2, in] -> [4 size^2, out]."""
        parts = self.product(x).view(self.size, self.size, 2, -1)  # [y, x, below, right and out]
        return parts.transpose(1, 2).reshape(4 * self.size**2, -1)


class Reading(nn.Module):
    """`ReferenceAttention` on rows, given the reference's keys and values."""

    def __init__(self, attention: ReferenceAttention):
        super().__init__()
        self.heads = attention.heads
        self.norm = Norm.of(attention.norm)
        scale = (attention.query.out_features // attention.heads) ** -0.5
        query = attention.query
        self.query = Rows(query.weight.t() * scale, query.bias * scale)
        place = attention.query_place.detach().unflatten(1, (self.heads, -1))
        self.register_buffer("place", place.transpose(0, 1) * scale)
        self.leave = Rows(attention.leave.weight.t(), attention.leave.bias)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """x [pixels, channels]; keys [heads, d, positions], values [heads, positions, d]."""
        query = self.query(self.norm(x)).unflatten(1, (self.heads, -1)).transpose(0, 1)
        read = ((query + self.place) @ keys).softmax(-1) @ values
        return x + self.leave(read.transpose(0, 1).flatten(1))


class ReferenceRows(nn.Module):
    """What decoder and encoder know of a reference: every part by its name in `forward`'s result."""

    def __init__(self, tokenizer: Referenced):
        super().__init__()
        self.tokenizer = tokenizer
        self.register_buffer("scale", tokenizer.match[1].weight * tokenizer.embedding**-0.5)
        self.register_buffer("shift", tokenizer.match[1].bias * tokenizer.embedding**-0.5)
        size = tokenizer.config.frame_size
        self.register_buffer("around", _neighbourhood(size, tokenizer.reach))

    def forward(
        self, reference: Tensor, palette: Tensor, has_reference: Tensor
    ) -> dict[str, Tensor]:
        """Indices [h, w], palette [P, 4], flag [1]."""
        tokenizer = self.tokenizer
        maps, embeddings = tokenizer.reference(reference[None], palette[None], has_reference)
        worn = reference.flatten()
        parts = {f"map_{index}": part for index, part in enumerate(maps) if index >= 2}
        for index, recall in enumerate(tokenizer.recall):
            half = recall.weight[:, maps[index + 1].shape[1] :]
            parts[f"recall_{index}"] = _rows(F.conv2d(maps[index + 1], half, recall.bias))
        parts["finish"] = _rows(self._finish(maps[0]))
        parts |= self._attention(_rows(maps[1]))
        colours = palette.clamp(min=0)
        names = embeddings[0]
        nearness = 2 * tokenizer.nearness * colours.t()  # [4, P]
        constant = names @ self.shift - tokenizer.nearness * colours.square().sum(-1)
        unused = torch.where(palette[:, 3] < 0, -1e4, 0.0)
        parts["scores"] = F.embedding(worn, colours) @ nearness + constant + unused
        parts["names"] = (names * self.scale).t()
        parts["nearness"] = nearness
        parts["votes"] = self._votes(worn)
        parts["given"] = has_reference * 1.0
        return parts

    def _votes(self, worn: Tensor) -> Tensor:
        """Where in the scores [h * w, P] every pixel's votes count: [h * w * (2 reach + 1)^2]."""
        neighbours = F.embedding(self.around, _with_zeros(worn).unsqueeze(1)).squeeze(2)
        rows = torch.arange(0, len(worn) * PALETTE_SIZE, PALETTE_SIZE).unsqueeze(1)
        colours = torch.arange(PALETTE_SIZE).unsqueeze(1)
        return (F.embedding(neighbours, colours).squeeze(2) + rows).flatten()

    def _finish(self, full: Tensor) -> Tensor:
        """The reference's share of `Referenced.finish` up to its first convolution: [1, c, h, w].
        The norm's groups do not cross from the decoder's half of the channels to this one."""
        norm, convolution = self.tokenizer.finish[:2]
        half = full.shape[1]
        normed = F.group_norm(
            full, norm.num_groups // 2, norm.weight[half:], norm.bias[half:], norm.eps
        )
        return F.conv2d(normed, convolution.weight[:, half:], convolution.bias, padding=1)

    def _attention(self, source: Tensor) -> dict[str, Tensor]:
        attention = self.tokenizer.attention
        keys = attention.key(source) + attention.key_place
        keys, values = (
            part.unflatten(1, (attention.heads, -1)) for part in (keys, attention.value(source))
        )
        return {"keys": keys.permute(1, 2, 0), "values": values.transpose(0, 1)}


def _rows(map_: Tensor) -> Tensor:
    """[1, c, h, w] -> [h * w, c]."""
    return map_[0].flatten(1).t()


class RowDecoder(nn.Module):
    """Latents and a reference's parts -> scores of the palette's colours, in two steps: a sketch of
    half the resolution, then its pixels."""

    def __init__(self, tokenizer: Referenced):
        super().__init__()
        config = tokenizer.config
        levels = len(tokenizer.draw)
        sizes = [config.grid * 2 ** (levels - 1 - index) for index in range(levels)]
        enter = [
            _pointwise(recall)[: recall.out_channels] for recall in tokenizer.recall
        ]  # the decoder's share of every `recall`, [width, width]
        expand = tokenizer.expand
        self.expand = Rows(_pointwise(expand) @ enter[-1], expand.bias @ enter[-1])
        self.draw = nn.ModuleList(map(Residual, tokenizer.draw, sizes))
        self.up = nn.ModuleList(
            Up(up[0], after, size)
            for up, after, size in zip(tokenizer.up, enter, sizes[1:], strict=False)
        )
        self.attention = Reading(tokenizer.attention)
        full = config.widths[0]
        self.spread = Up(tokenizer.spread[0], torch.eye(full), sizes[0])
        norm, first, _, second = tokenizer.finish
        groups = norm.num_groups // 2
        self.norm = Norm(groups, norm.weight[:full], norm.bias[:full], norm.eps)
        self.first = Convolution(first.weight[:, :full], None, config.frame_size)
        self.second = Rows(_pointwise(second), second.bias)
        match, guess, vote = tokenizer.match[0], tokenizer.guess, tokenizer.vote
        self.match = Rows(match.weight.t(), match.bias)
        self.match_eps = tokenizer.match[1].eps
        self.guess = Rows(guess.weight.t(), guess.bias)
        self.vote = Rows(vote.weight.t(), vote.bias)

    def sketch(self, raw: Tensor, known: dict[str, Tensor]) -> Tensor:
        """Raw latents [S, C] -> sketch [h * w / 4, channels]."""
        x = self.expand(raw)
        for index in reversed(range(len(self.draw))):
            x = x + known[f"recall_{index}"]
            if index == 1:
                x = self.attention(x, known["keys"], known["values"])
            x = self.draw[index](x)
            if index:
                x = self.up[index - 1](x)
        return x

    def scores(self, sketch: Tensor, known: dict[str, Tensor]) -> Tensor:
        """-> scores [h * w, P]."""
        x = self.norm(self.spread(F.silu(sketch)))
        pixels = F.silu(self.second(F.silu(self.first(x) + known["finish"])))
        # The norm's own scale and shift are in `names` and `scores`.
        match = F.instance_norm(self.match(pixels)[None], eps=self.match_eps)[0]
        scores = match @ known["names"] + self.guess(pixels) @ known["nearness"] + known["scores"]
        votes = (self.vote(pixels) * known["given"]).flatten()
        places = (known["votes"],)
        return scores.flatten().index_put(places, votes, accumulate=True).view(scores.shape)
