"""Line charts as SVG, for the documentation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

HEIGHT = 400
_PLOT, _LEFT, _TOP, _BOTTOM = 392, 64, 36, 48
"""Width of what the axes enclose, and the room beside it."""
_KEY, _LETTER = 46, 6.6
"""Width of what stands before a line's name, and of a letter of it."""
_COLOURS = ("#1b6ca8", "#d1495b", "#2e933c", "#8d6a9f", "#e39b1f", "#3aa6a6", "#5f5f5f")
_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """One axis; `logarithmic` takes values above 0."""

    name: str
    logarithmic: bool = False

    def places(self, values: Sequence[float], ticks: Sequence[float]) -> list[float]:
        """Values as shares of the axis, which reaches from the first tick to the last."""
        bend = math.log if self.logarithmic else float
        low, high = bend(ticks[0]), bend(ticks[-1])
        return [(bend(value) - low) / (high - low) for value in values]

    def ticks(self, values: Sequence[float]) -> list[float]:
        """Round numbers around all values, at least two."""
        low, high = min(values), max(values)
        if self.logarithmic:
            first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
            return [10.0**power for power in range(first, max(last, first + 1) + 1)]
        low, high = min(0.0, low), high if high > min(0.0, low) else low + 1
        size = 10 ** math.floor(math.log10((high - low) / _TICKS))
        step = next(size * by for by in (1, 2, 5, 10) if size * by * _TICKS >= high - low)
        first = math.floor(low / step)
        return [step * index for index in range(first, math.ceil(high / step) + 1)]


def line_chart(
    series: Mapping[str, Sequence[tuple[float, float]]], title: str, across: Axis, up: Axis
) -> str:
    """An SVG with one line for each series of (x, y). Raises ValueError where there is no point."""
    points = [point for line in series.values() for point in line]
    if not points:
        raise ValueError(f"{title}: no points")
    right = _LEFT + _PLOT
    width = right + _KEY + _LETTER * max(map(len, series))
    x_ticks, y_ticks = across.ticks([x for x, _ in points]), up.ticks([y for _, y in points])

    def at(line: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        shares_x = across.places([x for x, _ in line], x_ticks)
        shares_y = up.places([y for _, y in line], y_ticks)
        high = HEIGHT - _TOP - _BOTTOM
        return [
            (_LEFT + x * _PLOT, HEIGHT - _BOTTOM - y * high)
            for x, y in zip(shares_x, shares_y, strict=True)
        ]

    parts = [_text(width / 2, 20, title, "middle", 14)]
    for tick, (x, _) in zip(x_ticks, at([(tick, y_ticks[0]) for tick in x_ticks]), strict=True):
        parts += [_rule(x, _TOP, x, HEIGHT - _BOTTOM), _text(x, HEIGHT - 30, f"{tick:g}", "middle")]
    for tick, (_, y) in zip(y_ticks, at([(x_ticks[0], tick) for tick in y_ticks]), strict=True):
        parts += [_rule(_LEFT, y, right, y), _text(_LEFT - 6, y + 4, f"{tick:g}", "end")]
    parts.append(_text((_LEFT + right) / 2, HEIGHT - 10, across.name, "middle"))
    parts.append(_text(8, _TOP - 10, up.name))
    for index, (name, line) in enumerate(series.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at(line))
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        y = _TOP + 10 + 20 * index
        parts.append(_rule(right + 10, y, right + 30, y, colour, 3))
        parts.append(_text(right + 36, y + 4, name))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {HEIGHT}" '
    style = 'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head + style, *parts, "</svg>", ""])


def _rule(
    x: float, y: float, to_x: float, to_y: float, colour: str = "#ddd", width: int = 1
) -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place}>{escape(words)}</text>"
