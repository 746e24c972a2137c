"""Palettes of RGBA images: at most 64 colours, transparent first."""

from __future__ import annotations

import numpy as np

from magi.tokenizer import PALETTE_SIZE, UNUSED_ALPHA


def as_words(pixels: np.ndarray) -> np.ndarray:
    """uint8 [..., 4] -> uint32 [...], little-endian RGBA; every transparent pixel is 0."""
    words = np.ascontiguousarray(pixels).view("<u4")[..., 0]
    return np.where(pixels[..., 3] == 0, 0, words)


def frame_palette(frame: np.ndarray) -> np.ndarray:
    """The colours of one frame uint8 [h, w, 4] as uint32 [n], n <= 64, the most frequent if there
    are more; the transparent colour 0 is always first."""
    colours, counts = np.unique(as_words(frame), return_counts=True)
    solid = colours != 0
    order = np.argsort(-counts[solid], kind="stable")[: PALETTE_SIZE - 1]
    return np.concatenate([np.zeros(1, "<u4"), colours[solid][np.sort(order)]])


def nearest_indices(frames: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Palette index of every pixel of uint8 [..., 4]; the nearest colour where one is missing."""
    colours, inverse = np.unique(as_words(frames), return_inverse=True)
    rgba = colours.astype("<u4").view(np.uint8).reshape(-1, 4).astype(np.int32)
    known = palette.astype("<u4").view(np.uint8).reshape(-1, 4).astype(np.int32)
    distance = ((rgba[:, None] - known[None]) ** 2).sum(-1)
    return distance.argmin(1)[inverse].reshape(frames.shape[:-1]).astype(np.int32)


def as_colours(palette: np.ndarray) -> np.ndarray:
    """uint32 [n] -> float32 [64, 4] in 0..1; unused entries have alpha -1."""
    colours = np.zeros((PALETTE_SIZE, 4), np.float32)
    colours[:, 3] = UNUSED_ALPHA
    colours[: len(palette)] = palette.astype("<u4").view(np.uint8).reshape(-1, 4) / np.float32(255)
    return colours


def fixed_palette(frames: np.ndarray, seed: int = 0) -> np.ndarray:
    """64 colours for frames without a reference: k-means over the opaque colours of `frames`."""
    words, counts = np.unique(as_words(frames), return_counts=True)
    keep = words != 0
    points = words[keep].astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].astype(np.float64)
    weights = np.sqrt(counts[keep])
    rng = np.random.default_rng(seed)
    centres = points[rng.choice(len(points), PALETTE_SIZE - 1, False, weights / weights.sum())]
    for _ in range(30):
        owner = ((points[:, None] - centres[None]) ** 2).sum(-1).argmin(1)
        total = np.bincount(owner, weights, PALETTE_SIZE - 1)
        for channel in range(3):
            moved = np.bincount(owner, weights * points[:, channel], PALETTE_SIZE - 1)
            centres[:, channel] = np.where(total > 0, moved / np.maximum(total, 1e-9), centres[:, channel])
    rgba = np.concatenate([centres.round(), np.full((len(centres), 1), 255)], 1).astype(np.uint8)
    return np.concatenate([np.zeros(1, "<u4"), np.unique(rgba.view("<u4"))])
