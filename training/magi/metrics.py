"""How near made frames come to the true ones. Pure NumPy; clips are uint8 [T, H, W, 3 or 4].

RGBA is composited on grey 128. The first `given` frames of a clip were given to the model and do
not count: with one given frame, frames 1 to 15 of a 16-frame clip do. Each function turns one clip
into one number; the mean over clips, with its bootstrap interval, is what is reported.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

GREY = 128
MSE_FLOOR = 1e-6
"""Smallest mean squared error, so that perfect frames count as 60 dB."""

RESAMPLES = 2000
"""Of a bootstrap."""

_WINDOW_SIGMA = 1.5
_WINDOW_RADIUS = 5
_C1, _C2 = 0.01**2, 0.03**2


def composited(frames: np.ndarray) -> np.ndarray:
    """Frames on grey: float64 [T, H, W, 3] in 0..1. Raises ValueError unless RGB or RGBA."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (3, 4):
        raise ValueError(
            f"frames must be uint8 [T, H, W, 3 or 4], not {frames.dtype} {frames.shape}"
        )
    colour = frames[..., :3] / 255
    if frames.shape[-1] == 3:
        return colour
    alpha = frames[..., 3:] / 255
    return colour * alpha + GREY / 255 * (1 - alpha)


def decibels(error: float) -> float:
    """10 log10(1 / mean squared error), the error floored at MSE_FLOOR."""
    return -10 * math.log10(max(float(error), MSE_FLOOR))


def psnr(truth: np.ndarray, made: np.ndarray, given: int = 1) -> float:
    """Peak signal to noise ratio in dB over the frames that were not given."""
    truth, made = _counted(truth, made, given)
    return decibels(np.mean((composited(truth) - composited(made)) ** 2))


def ssim(truth: np.ndarray, made: np.ndarray, given: int = 1) -> float:
    """Structural similarity, -1..1, mean over the frames that were not given, colour channels and
    positions.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004:
    Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01, K2 = 0.03, positions whose window lies
    inside the frame. Raises ValueError for frames smaller than the window.
    """
    truth, made = _counted(truth, made, given)
    if min(truth.shape[1:3]) <= 2 * _WINDOW_RADIUS:
        raise ValueError(f"frames {truth.shape[1:3]} are smaller than the window of 11 x 11")
    x, y = composited(truth), composited(made)
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x = _blurred(x * x) - mean_x**2
    variance_y = _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    below = (mean_x**2 + mean_y**2 + _C1) * (variance_x + variance_y + _C2)
    return float(np.mean(above / below))


def exact_colour_share(truth: np.ndarray, made: np.ndarray, given: int = 1) -> float:
    """Share of pixels whose every byte is right, of those opaque in either, over the frames that
    were not given.

    A pixel of an RGB frame is opaque, one of an RGBA frame from alpha 128. 1 if none is.
    """
    truth, made = _counted(truth, made, given)
    right = (truth == made).all(-1)
    if truth.shape[-1] == 3:
        return float(right.mean())
    opaque = (truth[..., 3] >= GREY) | (made[..., 3] >= GREY)
    return float(right[opaque].mean()) if opaque.any() else 1.0


def mean_of_columns(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the columns of the weighted mean of each column: values [N, columns], weights
    [..., N] -> [...].

    NaN stands for a value that there is not, so that every column weighs the same however many
    values it holds; a column that no weight reaches does not count.
    """
    there = ~np.isnan(values)
    weight = weights @ there.astype(np.float64)  # [..., columns]
    total = weights @ np.where(there, values, 0)
    reached = weight > 0
    means = np.divide(total, weight, out=np.zeros_like(total), where=reached)
    return means.sum(-1) / np.maximum(reached.sum(-1), 1)


@lru_cache(maxsize=64)
def resampled(count: int, seed: int, resamples: int = RESAMPLES) -> np.ndarray:
    """How often each of `count` rows is drawn in each of the bootstrap's resamples: float64
    [resamples, count]. Efron and Tibshirani, "An Introduction to the Bootstrap", 1993."""
    rng = np.random.Generator(np.random.PCG64(seed))
    draws = (rng.integers(count, size=count) for _ in range(resamples))
    return np.stack([np.bincount(rows, minlength=count) for rows in draws]).astype(np.float64)


def bootstrap_interval(
    values: list[float] | np.ndarray, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95% interval of the mean of `values`: percentiles of the means of resamples with replacement.

    values [N] of independent draws, or [N, columns] where a row holds what belongs together, such as
    all clips of one character: rows are drawn whole, the figure is `mean_of_columns`. Efron and
    Tibshirani, section 13.3. The same seed gives the same interval. Raises ValueError for no
    values.
    """
    data = _rows(values)
    low, high = np.percentile(
        mean_of_columns(data, resampled(len(data), seed, resamples)), [2.5, 97.5]
    )
    return float(low), float(high)


def summary(values: list[float] | np.ndarray, seed: int = 0) -> dict:
    """`mean`, the `low` and `high` end of its 95% interval, and the `count` of values; as
    `bootstrap_interval`."""
    data = _rows(values)
    low, high = bootstrap_interval(data, seed)
    mean = float(mean_of_columns(data, np.ones(len(data))))
    return {"mean": mean, "low": low, "high": high, "count": int((~np.isnan(data)).sum())}


def _rows(values: list[float] | np.ndarray) -> np.ndarray:
    data = np.asarray(values, np.float64)
    data = data[:, None] if data.ndim == 1 else data
    if data.ndim != 2 or np.isnan(data).all():
        raise ValueError(f"values must be a list of at least one number, not {data.shape}")
    return data[~np.isnan(data).all(1)]


def _counted(truth: np.ndarray, made: np.ndarray, given: int) -> tuple[np.ndarray, np.ndarray]:
    if truth.shape != made.shape or truth.dtype != made.dtype:
        raise ValueError(f"truth {truth.dtype} {truth.shape}, made {made.dtype} {made.shape}")
    if len(truth) <= given:
        raise ValueError(f"a clip of {len(truth)} frames has none after the first {given}")
    return truth[given:], made[given:]


def _blurred(frames: np.ndarray) -> np.ndarray:
    """Gaussian means over windows inside the frame: [T, H, W, C] -> [T, C, H - 10, W - 10]."""
    height, width = (_window_means(size) for size in frames.shape[1:3])
    rows = np.tensordot(frames, height, (1, 1))  # [T, W, C, H - 10]
    return np.tensordot(rows, width, (1, 1))


def _window_means(size: int) -> np.ndarray:
    """The matrix [size - 10, size] that takes Gaussian means along one axis."""
    offsets = np.arange(-_WINDOW_RADIUS, _WINDOW_RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * _WINDOW_SIGMA**2))
    means = np.zeros((size - 2 * _WINDOW_RADIUS, size))
    for row in range(len(means)):
        means[row, row : row + len(offsets)] = weights / weights.sum()
    return means
