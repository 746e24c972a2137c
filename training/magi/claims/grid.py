"""The systems that the paper's claims compare: one backbone, one kind of data, equal arithmetic.

Source: arXiv 2501.12389: complete against masked teacher forcing, dynamic interval, dynamic noise
injection, and full causal attention over 16 training frames.

- Without the dynamic interval a system is trained at interval 1 alone, the speed that all systems are
  measured at; its table of intervals has one row, so it is told nothing.
- Without noise injection the history is always clean, level 0, as it is in inference.
- Masked teacher forcing has no history apart from the frames to predict, so its noise lies on the
  visible tokens of every frame, and the same level embedding tells how much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from magi.arithmetic import of_training_step
from magi.config import PARADIGMS, RunConfig


@dataclass(frozen=True)
class System:
    """One column of a comparison. `full`: attention to all earlier frames instead of a window."""

    paradigm: str
    interval: bool
    noise: bool
    full: bool = False

    @property
    def name(self) -> str:
        switches = {"interval": self.interval, "noise": self.noise, "full": self.full}
        return "-".join([self.paradigm, *(name for name, on in switches.items() if on)])


GRID = tuple(System(*values) for values in product(PARADIGMS, (False, True), (False, True)))
"""Both paradigms with and without interval and noise."""

PAPER = System("ctf", interval=True, noise=True)
"""All that the paper proposes."""

HORIZON = (PAPER, replace(PAPER, full=True))
"""Trained on 16 frames, compared on long videos."""


def run_name(system: System, seed: int) -> str:
    return f"{system.name}-{seed}"


def run_of(base: RunConfig, system: System, seed: int) -> RunConfig:
    """The run of a system: `base` with the system's switches, its seed, and as many steps as cost
    what the steps of `base` cost."""
    model = replace(
        base.model,
        paradigm=system.paradigm,
        window=None if system.full else base.model.window,
        max_interval=base.model.max_interval if system.interval else 1,
    )
    training = replace(
        base.training, seed=seed, noise_levels=base.training.noise_levels if system.noise else 1
    )
    run = replace(base, name=run_name(system, seed), model=model, training=training)
    steps = round(base.training.steps * step_cost(base) / step_cost(run))
    return replace(run, training=replace(training, steps=steps))


@cache
def _cost(model, training, tokenizer) -> int:
    return of_training_step(
        RunConfig("", "", "", tokenizer=tokenizer, model=model, training=training)
    )


def step_cost(run: RunConfig) -> int:
    """Multiply-adds of one training step; noise and intervals cost none."""
    training = replace(run.training, seed=0, steps=1, noise_levels=1)
    return _cost(replace(run.model, max_interval=1), training, run.tokenizer)


def shared_step(base: RunConfig) -> int:
    """The step at which systems are compared after equally many steps: the last one before the
    learning rate of the shortest run falls, so that all schedules are still the same."""
    return int((1 - base.training.decay) * base.training.steps)
