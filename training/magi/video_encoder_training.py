"""Trains the video encoders: the recipe, and what is verified on clips held out of training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from magi.data.clip import Clip
from magi.data.physics import COLOURS, STATE_COLUMNS
from magi.data.sprites import DIRECTIONS, Sprites
from magi.data.timeline import CYCLES, LABELS, Phase, standing
from magi.schedule import learning_rate_factor, seed_step
from magi.video_encoder import KINDS, VideoEncoder, action_of, save_encoder

SEED = 0
FRAMES = 16
BATCH = 16
STEPS = {"sprites": 500, "physics": 900}
LEARNING_RATE = 2e-3
WARMUP = 50
DECAY = 0.5
BASIS_CLIPS = 512
HELD_OUT = 1_500_000
"""First seed of the clips of physics that encoders are verified on; training draws lower ones."""

_COLUMN = {name: index for index, name in enumerate(STATE_COLUMNS)}


def sprite_loss(told: dict[str, Tensor], clips: list[Clip]) -> Tensor:
    """Cross-entropy of action, direction and pose of every frame."""
    states = torch.from_numpy(np.stack([clip.state for clip in clips]))
    answers = ("action", "direction", "pose")
    return sum(
        F.cross_entropy(told[name].flatten(0, 1), states[..., column].flatten())
        for column, name in enumerate(answers)
    )


def physics_states(clips: list[Clip], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By colour: presence [N, T, 6], place and speed [N, T, 6, 2] as shares of the frame."""
    count, length = len(clips), len(clips[0].state)
    present = np.zeros((count, length, len(COLOURS)), np.float32)
    place, speed = (np.zeros((count, length, len(COLOURS), 2), np.float32) for _ in range(2))
    for index, clip in enumerate(clips):
        shapes = clip.state[0, :, _COLUMN["present"]] > 0
        colours = clip.state[0, shapes, _COLUMN["colour"]].astype(int)
        present[index][:, colours] = 1
        place[index][:, colours] = clip.state[:, shapes, _COLUMN["x"] : _COLUMN["y"] + 1] / size
        motion = clip.state[:, shapes, _COLUMN["vx"] : _COLUMN["vy"] + 1] / size
        speed[index][:, colours] = motion * clip.interval
    return present, place - 0.5, speed


def physics_loss(told: dict[str, Tensor], clips: list[Clip]) -> Tensor:
    """Cross-entropy of presence; squared errors of place and speed where a shape is."""
    size = clips[0].pixels.shape[1]
    present, place, speed = (torch.from_numpy(part) for part in physics_states(clips, size))
    there = present[..., None] > 0
    place_error = (told["place"].unflatten(-1, (-1, 2)) - place)[there.expand_as(place)]
    speed_error = (told["speed"].unflatten(-1, (-1, 2)) - speed)[there.expand_as(speed)]
    seen = F.binary_cross_entropy_with_logits(told["present"], present)
    return seen + 20 * place_error.square().mean() + 20 * speed_error.square().mean()


LOSSES: dict[str, Callable[[dict[str, Tensor], list[Clip]], Tensor]] = {
    "sprites": sprite_loss,
    "physics": physics_loss,
}


def acted_clip(dataset: Sprites, rng: np.random.Generator) -> Clip:
    """A random character doing one action for the whole clip, from standing or from any phase."""
    recipe = dataset.recipe(int(rng.integers(len(dataset))))
    label = recipe.labels[rng.integers(len(recipe.labels))]
    start = standing(label)
    if rng.random() < 0.5:
        start = Phase(label, int(rng.integers(len(CYCLES[label]))))
    direction = int(rng.integers(len(DIRECTIONS)))
    return dataset.labelled_clip(recipe, [label] * FRAMES, 1, start, direction)


def batch_of(name: str, dataset, step: int) -> list[Clip]:
    """The clips of a step: for sprites half of them random schedules, half of one action."""
    if name == "physics":
        intervals = 1 + np.arange(BATCH) % 4
        return [
            dataset.clip(step * BATCH + row, FRAMES, int(intervals[row])) for row in range(BATCH)
        ]
    rng = np.random.default_rng([SEED, step])
    random = [dataset.clip(step * BATCH + row, FRAMES) for row in range(BATCH // 2)]
    return random + [acted_clip(dataset, rng) for _ in range(BATCH // 2)]


def train_encoder(
    name: str, dataset, steps: int | None = None, basis_clips: int = BASIS_CLIPS
) -> VideoEncoder:
    """The encoder of data set `name`, trained from nothing by the recipe above."""
    torch.manual_seed(SEED)
    encoder = VideoEncoder(KINDS[name])
    optimiser = torch.optim.AdamW(encoder.parameters(), LEARNING_RATE, weight_decay=0.01)
    steps = steps or STEPS[name]
    for step in tqdm(range(steps), desc=f"encoder of {name}", unit="step", mininterval=5):
        factor = learning_rate_factor(step, steps, WARMUP, DECAY)
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * factor
        seed_step(SEED, step)
        clips = batch_of(name, dataset, step)
        _, among = encoder(encoder.prepared(np.stack([clip.pixels for clip in clips])))
        told = {key: answer(among) for key, answer in encoder.answers.items()}
        loss = LOSSES[name](told, clips)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
    encoder.eval().requires_grad_(False)
    later = (steps + batch for batch in range(basis_clips // BATCH))
    clips = [clip.pixels for step in later for clip in batch_of(name, dataset, step)]
    encoder.set_basis(np.stack(clips))
    return encoder
