"""How near made frames come to the true ones. Pure NumPy; clips are uint8 [T, H, W, 3 or 4].

RGBA is composited on grey 128. Frame 0 of a clip is given to the model, so only the later ones
count: frames 1 to 15 of a 16-frame clip. Each function turns one clip into one number; the mean
over clips, with its bootstrap interval, is what is reported.
"""

from __future__ import annotations

import math

import numpy as np

GREY = 128
MSE_FLOOR = 1e-6
"""Smallest mean squared error, so that perfect frames count as 60 dB."""

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


def psnr(truth: np.ndarray, made: np.ndarray, given: int = 1) -> float:
    """Peak signal to noise ratio in dB: 10 log10(1 / mean squared error), over the frames after the
    first `given`."""
    truth, made = _later_frames(truth, made, given)
    error = np.mean((composited(truth) - composited(made)) ** 2)
    return -10 * math.log10(max(float(error), MSE_FLOOR))


def ssim(truth: np.ndarray, made: np.ndarray) -> float:
    """Structural similarity, -1..1, mean over frames 1 on, colour channels and positions.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004:
    Gaussian window of 11 x 11 and sigma 1.5, K1 = 0.01, K2 = 0.03, positions whose window lies
    inside the frame. Raises ValueError for frames smaller than the window.
    """
    truth, made = _later_frames(truth, made)
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


def exact_colour_share(truth: np.ndarray, made: np.ndarray) -> float:
    """Share of pixels whose every byte is right, of those opaque in either, over frames 1 on.

    A pixel of an RGB frame is opaque, one of an RGBA frame from alpha 128. 1 if none is.
    """
    truth, made = _later_frames(truth, made)
    right = (truth == made).all(-1)
    if truth.shape[-1] == 3:
        return float(right.mean())
    opaque = (truth[..., 3] >= GREY) | (made[..., 3] >= GREY)
    return float(right[opaque].mean()) if opaque.any() else 1.0


def bootstrap_interval(
    values: list[float] | np.ndarray, seed: int, resamples: int = 2000
) -> tuple[float, float]:
    """95% interval of the mean of `values`: percentiles of the means of resamples with replacement.

    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3. The same seed
    gives the same interval. Raises ValueError for no values.
    """
    data = np.asarray(values, np.float64)
    if data.ndim != 1 or not len(data):
        raise ValueError(f"values must be a list of at least one number, not {data.shape}")
    rng = np.random.Generator(np.random.PCG64(seed))
    means = [data[rng.integers(len(data), size=len(data))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _later_frames(
    truth: np.ndarray, made: np.ndarray, given: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    if truth.shape != made.shape or truth.dtype != made.dtype:
        raise ValueError(f"truth {truth.dtype} {truth.shape}, made {made.dtype} {made.shape}")
    if len(truth) <= given:
        raise ValueError(f"a clip of {len(truth)} frames has none after the first {given}")
    return truth[given:], made[given:]


def _blurred(frames: np.ndarray) -> np.ndarray:
    """Gaussian means over windows inside the frame: [T, H, W, C] -> [T, H - 10, W - 10, C]."""
    offsets = np.arange(-_WINDOW_RADIUS, _WINDOW_RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * _WINDOW_SIGMA**2))
    weights /= weights.sum()
    for axis in (1, 2):
        length = frames.shape[axis] - 2 * _WINDOW_RADIUS
        frames = sum(
            weight * np.take(frames, range(start, start + length), axis)
            for start, weight in enumerate(weights)
        )
    return frames
