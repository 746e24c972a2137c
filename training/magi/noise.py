"""Counter-based noise: any value can be computed again from its place alone.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Normal deviates
come from a quantile table by linear interpolation, in exactly rounded operations only, so that
Python and TypeScript make the same bytes.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
QUANTILES = 4096


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Philox4x32-10 of counters uint32 [..., 4] under a key of two words: uint32 [..., 4]."""
    words = [counter[..., lane].astype(np.uint64) for lane in range(4)]
    low_key, high_key = key
    for _ in range(10):
        first = words[0] * _MULTIPLIERS[0]
        second = words[2] * _MULTIPLIERS[1]
        words = [
            (second >> _SHIFT) ^ words[1] ^ np.uint64(low_key),
            second & _LOW,
            (first >> _SHIFT) ^ words[3] ^ np.uint64(high_key),
            first & _LOW,
        ]
        low_key = (low_key + _WEYL[0]) & 0xFFFFFFFF
        high_key = (high_key + _WEYL[1]) & 0xFFFFFFFF
    return np.stack(words, axis=-1).astype(np.uint32)


@cache
def quantile_table() -> np.ndarray:
    """float32 [4096]: quantiles at (i + 0.5) / 4096, scaled to unit variance when interpolated."""
    normal = NormalDist()
    table = np.array([normal.inv_cdf((i + 0.5) / QUANTILES) for i in range(QUANTILES)])
    left, right = table[:-1], table[1:]
    variance = ((left * left + left * right + right * right) / 3).mean()
    return (table / np.sqrt(variance)).astype(np.float32)


def _words(seed: int, frame: int, draw: int, tokens: np.ndarray, lanes: int) -> np.ndarray:
    counter = np.zeros((len(tokens), lanes, 4), np.uint32)
    counter[..., 0] = frame
    counter[..., 1] = draw
    counter[..., 2] = tokens[:, None]
    counter[..., 3] = np.arange(lanes)[None]
    return philox(counter, (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF))


def normal(
    seed: int, frame: int, decode_step: int, tokens: np.ndarray, channels: int, temperature: float
) -> np.ndarray:
    """Starting noise of `tokens` at a decode step (from 1), float32 [len(tokens), channels]."""
    lanes = (channels + 3) // 4
    words = _words(seed, frame, decode_step << 16, np.asarray(tokens), lanes)
    place = words.reshape(len(tokens), -1)[:, :channels].astype(np.float64)
    place = place * (QUANTILES - 1) / 2.0**32
    index = np.floor(place).astype(np.int64)
    table = quantile_table().astype(np.float64)
    left, right = table[index], table[index + 1]
    return ((left + (right - left) * (place - index)) * temperature).astype(np.float32)


def decode_order(seed: int, frame: int, tokens: int) -> np.ndarray:
    """The random order of a frame's tokens, int [tokens]; those at its end are revealed first."""
    words = _words(seed, frame, 0, np.arange(tokens), 1)[:, 0, 0]
    return np.lexsort((np.arange(tokens), words))
