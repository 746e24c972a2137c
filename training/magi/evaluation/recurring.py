"""Schedules that come back to their opening: what makes the windows of a long video comparable.

Windows of one random schedule hold different stretches of it, which are not equally hard to draw. Here
every window shows what the opening showed, label for label, from the same pose: its true frames are
those of the first window, and what a model draws worse later, it draws worse because it is later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from magi.data.sprites import changes, evaluation_schedule, withheld
from magi.data.timeline import CYCLES, INTERRUPTIBLE

Window = tuple[int, int]
"""First index of its frames, and the first after them."""
_LASTING = range(5, 21)
_OPENINGS = 1000
"""Openings that are tried; some cannot be come back to in time."""


def recurring_schedule(
    rng: np.random.Generator, labels: tuple[str, ...], windows: tuple[Window, ...]
) -> list[str]:
    """The label of every frame to the end of the last window; the first window begins at 0.

    It changes every 5 to 20 frames, in and into every window in ways that are withheld from training.
    Withheld lengths add up to a multiple of 8 from a label back to itself; where a window does not
    begin at one, a single change on the way there is any. Raises ValueError where no opening can be
    repeated in all windows, as where two lie too near each other.
    """
    for _ in range(_OPENINGS):
        opening = evaluation_schedule(rng, labels, windows[0][1])
        schedule: list[str] | None = opening
        for begin, _ in windows[1:]:
            schedule = schedule and _led_back(rng, labels, schedule, begin)
            schedule = schedule and schedule + opening
        if schedule:
            return schedule
    raise ValueError(f"no schedule of {', '.join(labels)} comes back in all of {windows}")


def _led_back(
    rng: np.random.Generator, labels: tuple[str, ...], schedule: list[str], target: int
) -> list[str] | None:
    """The schedule prolonged to `target` frames, so that its first label can follow there from the
    standing pose; None where that cannot be."""
    way = _WayBack(labels, len(schedule), target, schedule[0])
    label, lasting, _ = changes([*schedule, ""])[-1]
    frame = len(schedule) - lasting
    spare = next((spare for spare in (0, 1) if way.leads(frame, label, spare)), None)
    if spare is None:
        return None
    made = schedule[:frame]
    while frame < target:
        choices = list(way.changes(frame, label, spare))
        end, following, spare = choices[rng.integers(len(choices))]
        made += [label] * (end - frame)
        frame, label = end, following
    return made


@dataclass
class _WayBack:
    """From a schedule of `begin` frames to frame `target`, where `first` follows once more."""

    labels: tuple[str, ...]
    begin: int
    target: int
    first: str
    _known: dict[tuple[int, str, int], bool] = field(default_factory=dict)

    def changes(self, frame: int, label: str, spare: int) -> Iterator[tuple[int, str, int]]:
        """Where a run of `label` that began at `frame` can end, in what, so that the target is still
        reached; and how many more changes may be any."""
        for end in (frame + lasting for lasting in _LASTING):
            if end == self.target:
                if self._arrives(label, end - frame):
                    yield end, self.first, spare
            elif self.begin < end < self.target:
                for following in self.labels:
                    left = spare - (not withheld(label, end - frame, following))
                    if following != label and left >= 0 and self.leads(end, following, left):
                        yield end, following, left

    def leads(self, frame: int, label: str, spare: int) -> bool:
        """Whether the target can be reached from a run of `label` that begins at `frame`."""
        key = frame, label, spare
        if key not in self._known:
            self._known[key] = next(self.changes(*key), None) is not None
        return self._known[key]

    def _arrives(self, label: str, lasting: int) -> bool:
        """Whether `first` follows from the standing pose: the run breaks off in mid-action, whether
        it began at its first pose or one before it."""
        broken_off = label not in INTERRUPTIBLE and lasting % len(CYCLES[label]) not in (0, 1)
        return broken_off and label != self.first and withheld(label, lasting, self.first)
