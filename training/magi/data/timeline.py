"""Which source frame every video frame of a sprite shows.

One pure function, `timeline`, says where a cycle goes on, what happens when the label changes and
where an action passes through its standing pose. Training clips and evaluation both come from it.
"""

from __future__ import annotations

from dataclasses import dataclass

Pose = tuple[str, int]
"""A cell of a sheet: (sheet name, column)."""

STANDING: Pose = ("idle", 0)
_GUARD: tuple[Pose, ...] = (("guard", 0), ("guard", 1))


def _sheet(name: str, frames: int) -> tuple[Pose, ...]:
    return tuple((name, column) for column in range(frames))


CYCLES: dict[str, tuple[Pose, ...]] = {
    "walk": _sheet("walk", 8),
    "run": _sheet("run", 8),
    "jump": (STANDING, *_sheet("jump", 6), STANDING),
    "slash": (*_GUARD, *_sheet("slash", 7)),
    "backslash": (*_GUARD, *_sheet("backslash", 12)),
    "halfslash": (*_GUARD, *_sheet("halfslash", 6)),
    "swing": (*_GUARD, *_sheet("swing", 6)),
    "idle": _sheet("idle", 3),
}
"""Source frames of one repetition of each label, at interval 1."""

LABELS: tuple[str, ...] = tuple(CYCLES)
POSES: tuple[Pose, ...] = tuple(dict.fromkeys((STANDING, *(p for c in CYCLES.values() for p in c))))
"""Every pose that some label shows; the standing pose is the first."""
COMBAT: frozenset[str] = frozenset({"slash", "backslash", "halfslash", "swing"})
STRIDES: frozenset[str] = frozenset({"walk", "run"})
"""Labels that keep the phase of the step when one turns into the other."""
INTERRUPTIBLE: frozenset[str] = STRIDES | {"idle"}
"""Labels that can be left at any phase; the others return to the standing pose first."""


@dataclass(frozen=True)
class Phase:
    """Where an animation stands: position `index` in the cycle of `label`; -1 is before its start."""

    label: str
    index: int

    @property
    def pose(self) -> Pose:
        return STANDING if self.index < 0 else CYCLES[self.label][self.index]


def step(phase: Phase, label: str) -> Phase:
    """The source frame after `phase` when `label` is wanted.

    The same label goes on in its cycle. Walk and run keep the phase of the step. An action that is
    neither a stride nor idle and is left before its end returns through the standing pose, which
    takes one source frame.
    """
    cycle = CYCLES[label]
    if label == phase.label:
        return Phase(label, (phase.index + 1) % len(cycle))
    if {label, phase.label} <= STRIDES and phase.index >= 0:
        return Phase(label, (phase.index + 1) % len(cycle))
    ended = phase.index < 0 or phase.index == len(CYCLES[phase.label]) - 1
    if phase.label in INTERRUPTIBLE or ended:
        return Phase(label, 0)
    return Phase(label, -1)


def phases(labels: list[str], interval: int, start: Phase) -> list[Phase]:
    """Where the animation of a video stands at every frame t, which is wanted to show `labels[t]`.

    Frame 0 shows `start`; `interval` source frames lie between two video frames, all of them under
    the label of the later one.
    """
    reached = [start]
    for label in labels[1:]:
        phase = reached[-1]
        for _ in range(interval):
            phase = step(phase, label)
        reached.append(phase)
    return reached


def timeline(labels: list[str], interval: int, start: Phase) -> list[Pose]:
    """Poses of the video that `phases` describes."""
    return [phase.pose for phase in phases(labels, interval, start)]


def standing(label: str) -> Phase:
    """The standing pose from which `label` starts."""
    return Phase(label, -1)
