"""Quality against arithmetic: decode steps of a frame, head steps of a token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product

from magi.arithmetic import of_generated_frame
from magi.claims.bootstrap import figure, interval
from magi.claims.measures import Features, Measured, features_of, measured
from magi.claims.runs import FRAMES, TASKS, statistics
from magi.claims.videos import Sampling, animated, pixels_of, true_clips
from magi.codec import Codec
from magi.data.clip import Clip
from magi.model import Magi

DECODE_STEPS = (1, 2, 4, 8, 16, 32, 64)
HEAD_STEPS = (1, 2, 4, 8, 16, 32, 100)
_TASK = "prediction"
_SETTLED = 12
"""A frame whose window is full, so that every later one costs the same."""


Cell = dict[str, object]
"""Figures of one pair of steps, with intervals over clips, and what a frame costs."""


@dataclass(frozen=True)
class StepGrid:
    """What every cell is measured on."""

    model: Magi
    codec: Codec
    features: Features
    sampling: Sampling
    clips: int

    def about(self) -> dict:
        """What the figures depend on, besides the model."""
        shared = {key: asdict(self.sampling)[key] for key in ("temperature", "seed")}
        return {"clips": self.clips, "given": TASKS[_TASK], "frames": FRAMES, **shared}

    def cells(self, known: Sequence[Cell]) -> Iterator[Cell]:
        """Every cell that is not among the known ones."""
        clips, _ = true_clips(self.codec.config.frame_size, self.clips, FRAMES)
        truth = features_of(pixels_of(clips), TASKS[_TASK], self.features)
        done = {(cell["decodeSteps"], cell["headSteps"]) for cell in known}
        for steps in product(DECODE_STEPS, HEAD_STEPS):
            if steps not in done:
                yield self._cell(clips, truth, *steps)

    def _cell(
        self, clips: list[Clip], truth: Measured, decode_steps: int, head_steps: int
    ) -> Cell:
        given = TASKS[_TASK]
        asked = replace(self.sampling, decode_steps=decode_steps, head_steps=head_steps)
        made = animated(self.model, self.codec, pixels_of(clips), given, asked)
        known = measured(clips, made, given, self.features)
        figures = {
            label: interval(figure([known], statistic, "steps"))
            for label, statistic in statistics(_TASK, truth).items()
        }
        return {
            "decodeSteps": decode_steps,
            "headSteps": head_steps,
            "multiplyAddsPerFrame": of_generated_frame(self.model, asked.plan(0), _SETTLED),
            **figures,
        }
