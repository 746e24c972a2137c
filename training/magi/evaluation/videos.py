"""Videos to measure: what is asked of a model, and the exported graphs that make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from magi.codec import Codec
from magi.generation import Plan, Sampling, generate
from magi.served import ServedModel


@dataclass(frozen=True)
class Request:
    """One video.

    given: its first frames, uint8 [n, H, W, C]; n = 0 lets the model draw frame 0 too.
    labels: label id of every frame, so as many as the video has frames.
    shown: indices of the frames that are wanted; None: all. None of a long video's other frames is
    drawn, but all are generated.
    temperature: of all frames; None: the served ones.
    """

    given: np.ndarray
    labels: list[int]
    seed: int
    interval: int = 1
    shown: tuple[int, ...] | None = None
    temperature: float | None = None


Animate = Callable[[Request], np.ndarray]
"""Makes the video of a request: its shown frames, uint8 [T, H, W, C]. Given frames come as they
are. Any system that is to be compared is one such function."""

Reconstruct = Callable[[np.ndarray], np.ndarray]
"""A video uint8 [T, H, W, C] through the tokenizer alone: the ceiling of what a model can draw."""


@dataclass(frozen=True)
class Settings:
    """How a served model generates; `first`: frame 0, where it draws that; `kv`: how keys and values
    are kept."""

    frames: Sampling
    first: Sampling
    kv: str

    def told(self) -> dict:
        """As a report tells it."""
        return self.frames.told() | {"firstFrame": self.first.told(), "kv": self.kv}

    def plan(self, request: Request) -> Plan:
        """The plan of a request, whose temperature, if it names one, holds for all frames."""
        warm = request.temperature
        frames, first = (
            one if warm is None else replace(one, temperature=warm)
            for one in (self.frames, self.first)
        )
        return Plan(
            request.seed,
            request.interval,
            request.labels.__getitem__,
            frames.decode_steps,
            frames.head_steps,
            frames.temperature,
            first,
        )


def served_animation(model: ServedModel, settings: Settings) -> Animate:
    """Animates by the exported graphs, one frame after another, as the service does."""

    def animate(request: Request) -> np.ndarray:
        plan = settings.plan(request)
        count = len(request.given)
        given = model.encode_video(request.given) if count else None
        latents = torch.stack(list(generate(model, plan, len(request.labels), given, settings.kv)))
        first = request.given[0] if count else model.decode_video(latents[:1], None)[0]
        shown = range(len(latents)) if request.shown is None else request.shown
        known = dict(enumerate(request.given)) | {0: first}
        drawn = [index for index in shown if index not in known]
        pixels = model.decode_video(latents[[0, *drawn]], first)[1:]
        known |= dict(zip(drawn, pixels, strict=True))
        return np.stack([known[index] for index in shown])

    return animate


def reconstruction(codec: Codec | ServedModel) -> Reconstruct:
    """The tokenizer of `codec`; frames of a cycle that come again are computed once."""

    def reconstruct(frames: np.ndarray) -> np.ndarray:
        places: dict[bytes, int] = {}
        order = [places.setdefault(frame.tobytes(), len(places)) for frame in frames[1:]]
        distinct = [frames[0], *(frames[1 + order.index(place)] for place in range(len(places)))]
        video = np.stack(distinct)
        made = codec.decode_video(codec.encode_video(video), video[0])
        return made[[0, *(1 + place for place in order)]]

    return reconstruct
