"""Decode steps and head steps of a served sprite model: quality against what a frame costs.

Every pair of steps animates the same clips from the same noise, so pairs are compared clip by clip
with the dearest one: the fewest steps that lose nothing are the ones to serve.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import process_time

import numpy as np

from magi.evaluation.actions import ActionClip, action_clips
from magi.evaluation.subject import figure, grid, watched
from magi.evaluation.videos import Settings, served_animation
from magi.generation import Sampling
from magi.metrics import psnr, summary
from magi.served import ServedModel


def multiply_adds_per_frame(manifest: dict, sampling: Sampling) -> int:
    """Of one generated frame: its passes, the head for every token, and its drawing; what
    src/job/frame-cost.ts counts."""
    graphs, tokens = manifest["graphs"], manifest["tokenizer"]["tokens"]
    head = graphs["head"]["multiplyAdds"]
    passes = min(sampling.decode_steps, tokens) + 1
    drawing = sum(graphs[name]["multiplyAdds"] for name in ("sketch", "decoder") if name in graphs)
    rows = tokens * (head["fixed"] + head["perStep"] * sampling.head_steps)
    return passes * graphs["backbone"]["multiplyAdds"] + rows + drawing


def measure(
    model: ServedModel,
    settings: Settings,
    dataset,
    characters: int,
    seed: int,
    steps: Sequence[tuple[int, int]],
) -> list[dict]:
    """Figures of every pair of decode and head steps, facing down, in their order; all are compared
    with the last one, which is to be the dearest."""
    clips = action_clips(dataset, characters, views=1)
    scores, seconds = np.zeros((len(clips), len(steps))), np.zeros(len(steps))
    frames = 0
    for row, clip in enumerate(watched(clips, "decode steps and head steps")):
        frames += len(clip.truth) - 1
        for column, pair in enumerate(steps):
            scores[row, column], spent = _animated(model, settings, clip, dataset.labels, seed, pair)
            seconds[column] += spent
    owners = [clip.character for clip in clips]
    return [
        {
            "decodeSteps": decode,
            "headSteps": head,
            "multiplyAddsPerFrame": multiply_adds_per_frame(
                model.manifest, replace(settings.frames, decode_steps=decode, head_steps=head)
            ),
            "millisecondsPerFrame": 1000 * seconds[column] / frames,
            "psnr": summary(_by_character(scores[:, column], owners)),
            "difference": summary(_by_character(scores[:, column] - scores[:, -1], owners)),
        }
        for column, (decode, head) in enumerate(steps)
    ]


def _animated(
    model: ServedModel,
    settings: Settings,
    clip: ActionClip,
    labels: tuple[str, ...],
    seed: int,
    pair: tuple[int, int],
) -> tuple[float, float]:
    """PSNR of a clip made with a pair of steps, and the processor seconds that it took."""
    sampling = replace(settings.frames, decode_steps=pair[0], head_steps=pair[1])
    animate = served_animation(model, replace(settings, frames=sampling))
    begin = process_time()
    made = animate(clip.request(labels, seed))
    return psnr(clip.truth, made), process_time() - begin


def _by_character(values: np.ndarray, owners: Iterable[int]) -> list[float]:
    """The mean of each character's clips, which are resampled together."""
    known: dict[int, list[float]] = {}
    for owner, value in zip(owners, values, strict=True):
        known.setdefault(owner, []).append(float(value))
    return [float(np.mean(own)) for own in known.values()]


def table(cells: list[dict]) -> str:
    """The figures as text, from cheap to dear."""
    dearest = cells[-1]
    against = f"less {dearest['decodeSteps']} x {dearest['headSteps']} steps, dB"
    head = ["decode steps", "head steps", "M multiply-adds a frame", "ms a frame", "PSNR, dB", against]
    rows = [
        [
            str(cell["decodeSteps"]),
            str(cell["headSteps"]),
            f"{cell['multiplyAddsPerFrame'] / 1e6:.0f}",
            f"{cell['millisecondsPerFrame']:.0f}",
            figure(cell["psnr"]),
            figure(cell["difference"]),
        ]
        for cell in sorted(cells, key=lambda cell: cell["multiplyAddsPerFrame"])
    ]
    return grid(head, rows)
