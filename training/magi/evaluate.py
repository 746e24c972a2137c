"""Measures a sprite model: PSNR per action beside copying the first frame and the tokenizer's own
reconstruction, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from magi.data.sprites import DIRECTIONS, DOWN, Sprites
from magi.data.timeline import LABELS, standing
from magi.generation import Plan, generate
from magi.metrics import bootstrap_interval, exact_colour_share, psnr
from magi.served import ServedModel

FRAMES = 16
ACTIONS = ("walk", "run", "slash", "jump")
Animate = Callable[[np.ndarray, str, int], np.ndarray]
"""(first frame uint8 [h, w, 4], label, seed) -> frames uint8 [16, h, w, 4]."""


@dataclass(frozen=True)
class Clip16:
    """The true animation of one character under one label from its standing pose."""

    label: str
    index: int
    frames: np.ndarray


def true_clips(dataset: Sprites, count: int, labels: tuple[str, ...], direction: int) -> list[Clip16]:
    """The clips of the first `count` characters; combat only of those that fight."""
    clips = []
    for index in range(count):
        recipe = dataset.recipe(index)
        for label in labels:
            if label in recipe.labels:
                clip = dataset.labelled_clip(recipe, [label] * FRAMES, 1, standing(label), direction)
                clips.append(Clip16(label, index, clip.pixels))
    return clips


def served_animation(
    model: ServedModel, decode_steps: int, head_steps: int, temperature: float, kv: str
) -> Animate:
    """Animates by the exported graphs; `kv`: how keys and values are kept."""

    def animate(first_frame: np.ndarray, label: str, seed: int) -> np.ndarray:
        wanted = model.manifest["labels"].index(label) + 1
        plan = Plan(seed, 1, lambda _: wanted, decode_steps, head_steps, temperature)
        given = model.encode_video(first_frame[None])
        latents = list(generate(model, plan, FRAMES, given, kv))
        return model.decode_video(torch.stack(latents), first_frame)

    return animate


def summary(values: list[float]) -> dict:
    """Mean, 95% bootstrap interval and count."""
    low, high = bootstrap_interval(np.array(values), seed=0)
    mean = float(np.mean(values))
    return {"mean": mean, "low": float(low), "high": float(high), "count": len(values)}


def measure(
    dataset: Sprites,
    count: int,
    animate: Animate | None,
    reconstruct: Callable[[np.ndarray], np.ndarray],
    labels: tuple[str, ...] = ACTIONS,
    direction: int = DOWN,
) -> dict:
    """PSNR in dB of model, tokenizer ceiling and copied first frame, per label, and the share of
    exactly right colours."""
    scores: dict[str, dict[str, list[float]]] = {}
    exact: dict[str, list[float]] = {}

    def note(system: str, label: str, truth: np.ndarray, made: np.ndarray) -> None:
        scores.setdefault(system, {}).setdefault(label, []).append(psnr(truth, made))
        exact.setdefault(system, []).append(exact_colour_share(truth, made))

    for clip in tqdm(true_clips(dataset, count, labels, direction), unit="clip", mininterval=5):
        truth = clip.frames
        note("copy of the first frame", clip.label, truth, np.repeat(truth[:1], FRAMES, 0))
        note("tokenizer", clip.label, truth, reconstruct(truth))
        if animate:
            note("model", clip.label, truth, animate(truth[0], clip.label, clip.index))
    return {
        "split": dataset.split,
        "direction": DIRECTIONS[direction],
        "characters": count,
        "psnr": {
            system: {label: summary(values) for label, values in by_label.items()}
            | {"mean": float(np.mean([np.mean(values) for values in by_label.values()]))}
            for system, by_label in scores.items()
        },
        "exactColourShare": {system: summary(values) for system, values in exact.items()},
    }


def table(result: dict) -> str:
    """The PSNR table as text."""
    labels = [label for label in (*ACTIONS, *LABELS) if label in result["psnr"]["tokenizer"]]
    labels = list(dict.fromkeys(labels))
    lines = [
        f"PSNR in dB, {result['split']}, facing {result['direction']}, "
        f"{result['characters']} characters, 95% interval",
        "",
        "| system | " + " | ".join(labels) + " | mean | exact colours |",
        "|---|" + "---|" * (len(labels) + 2),
    ]
    for system, by_label in result["psnr"].items():
        cells = [
            f"{by_label[label]['mean']:.2f} ({by_label[label]['low']:.2f}-{by_label[label]['high']:.2f})"
            for label in labels
        ]
        share = result["exactColourShare"][system]["mean"]
        lines.append(
            f"| {system} | " + " | ".join(cells) + f" | {by_label['mean']:.2f} | {share:.1%} |"
        )
    return "\n".join(lines)
