"""Diversity: first frames that nobody gave, at growing temperatures."""

from __future__ import annotations

import numpy as np

from magi.evaluation.subject import Subject, figure, grid, watched
from magi.evaluation.videos import Request
from magi.metrics import composited, resampled
from magi.pictures import contact_sheet

TEMPERATURES = (0.0, 0.5, 1.0)
SERVED, TRUE = "as served", "true first frames"


def pair_distances(frames: np.ndarray) -> np.ndarray:
    """Root mean squared difference of every two frames uint8 [N, H, W, C], as a share of the full
    range: float64 [N, N]."""
    flat = composited(frames).reshape(len(frames), -1)
    squares = (flat**2).mean(1)
    products = flat @ flat.T / flat.shape[1]
    return np.sqrt((squares[:, None] + squares - 2 * products).clip(0))


def diversity_of(frames: np.ndarray, seed: int = 0) -> dict:
    """Mean distance of two different frames, its interval (frames are resampled; a frame never
    counts as its own pair), and the share of pairs that differ at all. Raises ValueError for fewer
    than two frames."""
    count = len(frames)
    if count < 2:
        raise ValueError(f"{count} frames: two are needed to differ")
    distances = pair_distances(frames)
    upper = np.triu_indices(count, 1)
    weights = resampled(count, seed)
    pairs = weights[:, upper[0]] * weights[:, upper[1]]
    reached = pairs.sum(1) > 0
    means = (pairs @ distances[upper])[reached] / pairs[reached].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    differ = [bool((frames[one] != frames[two]).any()) for one, two in zip(*upper, strict=True)]
    return {
        "mean": float(distances[upper].mean()),
        "low": float(low),
        "high": float(high),
        "count": count,
        "different": float(np.mean(differ)),
    }


def first_frames(subject: Subject, shape: tuple[int, ...], label: int, warmth: float | None) -> np.ndarray:
    """Frames 0 that nobody gave, of as many seeds as there are characters."""
    nothing = np.zeros((0, *shape), np.uint8)
    seeds = [subject.seed + index for index in range(subject.fewer())]
    made = [
        subject.animate(Request(nothing, [label], seed, temperature=warmth))
        for seed in watched(seeds, f"first frames at temperature {warmth}")
    ]
    return np.concatenate(made)


def measure(subject: Subject) -> dict:
    """Diversity as served and at every temperature, beside that of true first frames, and a contact
    sheet."""
    dataset = subject.dataset("test-combo")
    label = 1 if dataset.labels else 0
    frames = {
        SERVED if warmth is None else f"temperature {warmth:g}": first_frames(
            subject, dataset.frame_shape, label, warmth
        )
        for warmth in (None, *TEMPERATURES)
    }
    frames[TRUE] = np.stack([dataset.clip(index, 1).pixels[0] for index in range(subject.fewer())])
    path = subject.out / f"{subject.name}-diversity.png"
    contact_sheet(list(frames.values()), list(frames), path, 1)
    return {name: diversity_of(made) for name, made in frames.items()}


def table(figures: dict) -> str:
    """The figures as text."""
    rows = [
        [name, figure(known, 3), f"{known['different']:.1%}", str(known["count"])]
        for name, known in figures.items()
    ]
    distance = "mean distance, share of full range"
    return grid(["first frames", distance, "pairs that differ", "seeds"], rows)
