"""True clips that systems are measured on, and the videos that a model makes of their first frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from magi.codec import Codec
from magi.config import RunConfig
from magi.data.clip import Clip
from magi.data.physics import Physics
from magi.evaluation.physics import contexts
from magi.generation import Plan
from magi.many_videos import generate_many
from magi.model import Magi

INTERVAL = 1
"""Of every measured clip."""
_BATCH = 64


@dataclass(frozen=True)
class Sampling:
    """How a model samples. `seed`: video i is made from seed + i."""

    decode_steps: int
    head_steps: int
    temperature: float
    seed: int

    @classmethod
    def of(cls, run: RunConfig, seed: int) -> Sampling:
        """As the run file says."""
        known = run.defaults
        return cls(known["decodeSteps"], known["headSteps"], known["temperature"], seed)

    def plan(self, index: int) -> Plan:
        """Of video `index`."""
        steps = self.decode_steps, self.head_steps
        return Plan(self.seed + index, INTERVAL, lambda _: 0, *steps, self.temperature)


def true_clips(size: int, count: int, frames: int) -> tuple[list[Clip], list[Clip]]:
    """The clips that systems are measured on, which no training sees, and as many others."""
    clips = contexts(Physics(size), 2 * count, frames)
    return clips[:count], clips[count:]


def pixels_of(clips: Sequence[Clip]) -> np.ndarray:
    """uint8 [N, T, H, W, 3]."""
    return np.stack([clip.pixels for clip in clips])


def animated(
    model: Magi, codec: Codec, truth: np.ndarray, given: int, sampling: Sampling
) -> np.ndarray:
    """Videos as long as `truth` uint8 [N, T, H, W, 3], of which the first `given` frames are known and
    come as they are."""
    made = [
        _batch(model, codec, truth[start : start + _BATCH], given, sampling, start)
        for start in range(0, len(truth), _BATCH)
    ]
    return np.concatenate(made)


def copied(truth: np.ndarray, given: int) -> np.ndarray:
    """The last given frame again and again."""
    made = truth.copy()
    made[:, given:] = truth[:, given - 1, None]
    return made


def _batch(
    model: Magi, codec: Codec, truth: np.ndarray, given: int, sampling: Sampling, start: int
) -> np.ndarray:
    plans = [sampling.plan(start + index) for index in range(len(truth))]
    known = torch.stack([codec.encode_video(clip) for clip in truth[:, :given]])
    frames = generate_many(model, plans, truth.shape[1], known)
    made = np.stack([codec.decode_video(latents, None) for latents in frames], axis=1)
    made[:, :given] = truth[:, :given]
    return made
