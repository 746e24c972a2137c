"""Where the shapes of `physics` are in a picture, found by their colours.

Functions on arrays, for any system's videos: `made` uint8 [T, H, W, 3] beside the true clip's pixels
and its state [T, shapes, STATE_COLUMNS].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from magi.data.physics import COLOURS, STATE_COLUMNS

PRESENT, COLOUR, RADIUS = (STATE_COLUMNS.index(name) for name in ("present", "colour", "radius"))
_LEAST_COVER = 0.3
"""A pixel that is less than this of a shape's colour is background."""
_AREAS = (0.5, 2.0)
"""A shape is there if its area is between these shares of its true area."""
LOST_SHARE = 0.5214
"""A shape that is not there counts as this share of the frame's width away: as far as two random
places of a square lie apart on average."""


@dataclass(frozen=True)
class Sightings:
    """By frame and shape: area in pixels [T, S], centre in pixels [T, S, 2] as (x, y), NaN where there
    is nothing of a shape's colour."""

    area: np.ndarray
    centre: np.ndarray


def sightings(pixels: np.ndarray, colours: np.ndarray) -> Sightings:
    """Finds shapes of the given colours [S, 3] in pictures uint8 [T, H, W, 3].

    The background is the most frequent colour of the first picture. A pixel belongs to the shape
    whose colour, mixed with the background, comes nearest to it, and covers as much as the mix says.
    """
    frames = pixels.astype(np.float64)
    known, counts = np.unique(pixels[0].reshape(-1, 3), axis=0, return_counts=True)
    ground = known[counts.argmax()].astype(np.float64)
    away = colours - ground  # [S, 3]
    cover = ((frames - ground) @ away.T / (away**2).sum(1)).clip(0, 1)  # [T, H, W, S]
    apart = ((frames - ground)[..., None, :] - cover[..., None] * away) ** 2
    owner = apart.sum(-1).argmin(-1)
    cover[(owner[..., None] != np.arange(len(colours))) | (cover < _LEAST_COVER)] = 0
    area = cover.sum((1, 2))
    rows, columns = (np.arange(size) + 0.5 for size in pixels.shape[1:3])
    with np.errstate(invalid="ignore"):
        x = np.einsum("thws,w->ts", cover, columns) / area
        y = np.einsum("thws,h->ts", cover, rows) / area
    return Sightings(area, np.stack([x, y], -1))


@dataclass(frozen=True)
class Tracks:
    """By frame and shape [T, S]: distance from the true place in pixels, whether the shape is there,
    and its radius in pixels [S]."""

    error: np.ndarray
    there: np.ndarray
    radius: np.ndarray


def tracks(truth: np.ndarray, made: np.ndarray, state: np.ndarray) -> Tracks:
    """Follows every shape of a true clip through a made one. Raises ValueError for other shapes."""
    if truth.shape != made.shape or len(state) != len(truth):
        raise ValueError(f"truth {truth.shape}, made {made.shape}, state of {len(state)} frames")
    shapes = state[0, state[0, :, PRESENT] > 0]
    colours = COLOURS[shapes[:, COLOUR].astype(int)].astype(np.float64)
    real, drawn = sightings(truth, colours), sightings(made, colours)
    low, high = (share * real.area for share in _AREAS)
    there = (drawn.area >= low) & (drawn.area <= high) & (drawn.area > 0)
    distance = np.linalg.norm(drawn.centre - real.centre, axis=-1)
    lost = LOST_SHARE * truth.shape[2]
    return Tracks(np.where(there, distance, lost), there, shapes[:, RADIUS])


def frames_within_radius(known: Tracks) -> np.ndarray:
    """For each shape, the number of frames before its error first passes its radius: int [S]."""
    beyond = known.error > known.radius
    return np.where(beyond.any(0), beyond.argmax(0), len(beyond))
