"""The Frechet distance between two sets of videos, from features of each video.

With features of this project's own video encoder it is called FD-V. It is the FVD of the literature
only with features of the I3D network (Unterthiner et al., "Towards Accurate Generative Models of
Video", 2018).
"""

from __future__ import annotations

import numpy as np

from magi.metrics import resampled

RESAMPLES = 200
_NORMAL_95 = 1.96


def frechet_distance(
    truth: np.ndarray,
    made: np.ndarray,
    truth_weights: np.ndarray | None = None,
    made_weights: np.ndarray | None = None,
) -> float:
    """Squared distance of the normal distributions fitted to features [N, D] and [M, D].

    |m1 - m2|^2 + trace(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), Dowson and Landau, 1982. Weights say how
    often a row counts. It is biased upwards for few rows, so only sets of the same size compare.
    """
    mean, covariance = _normal(truth, truth_weights)
    other_mean, other_covariance = _normal(made, made_weights)
    root = _root(covariance)
    common = np.linalg.eigvalsh(root @ other_covariance @ root).clip(min=0)
    spread = np.trace(covariance) + np.trace(other_covariance) - 2 * np.sqrt(common).sum()
    return float(((mean - other_mean) ** 2).sum() + spread)


def frechet_summary(
    truth: np.ndarray, made: np.ndarray, groups: np.ndarray | None = None, seed: int = 0
) -> dict:
    """The distance of `made` [N, D] from `truth` [N, D], row by row of the same contexts: `mean` (the
    distance itself), `low` and `high`, `count` of rows.

    groups [N] names what belongs together, such as the clips of one character; every row by default.
    The interval is 1.96 deviations of a bootstrap that draws whole groups, because resampling itself
    raises a Frechet distance, so that its percentiles lie too high. Efron and Tibshirani, "An
    Introduction to the Bootstrap", 1993, section 12.2.
    """
    groups = np.arange(len(truth)) if groups is None else groups
    _, places = np.unique(groups, return_inverse=True)
    draws = resampled(places.max() + 1, seed, RESAMPLES)[:, places]
    distances = [frechet_distance(truth, made, weights, weights) for weights in draws]
    distance = frechet_distance(truth, made)
    reach = _NORMAL_95 * float(np.std(distances))
    return {
        "mean": distance,
        "low": max(0.0, distance - reach),
        "high": distance + reach,
        "count": len(truth),
    }


def _normal(features: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    weights = np.ones(len(features)) if weights is None else weights
    mean = weights @ features / weights.sum()
    apart = features - mean
    return mean, (apart * weights[:, None]).T @ apart / max(1.0, weights.sum() - 1)


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
