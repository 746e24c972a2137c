"""Golden vectors: what PyTorch computes, for other implementations to agree with."""

from __future__ import annotations

import base64

import numpy as np
import torch

from magi.backbone import Conditions
from magi.codec import Codec
from magi.config import RunConfig
from magi.generation import Plan, Sampling, TorchFrames, generate
from magi.head import flow_sample, flow_times
from magi.masks import revealed_per_step
from magi.model import Magi
from magi.noise import decode_order, normal

SEED = 2**40 + 12345
VIDEO_FRAMES = 16


def tensor(values) -> dict:
    """`{dtype, shape, base64}`, little-endian."""
    array = np.ascontiguousarray(values)
    names = {"f": "float32", "i": "int32", "u": "uint8"}
    name = names[array.dtype.kind]
    data = array.astype(np.dtype(name).newbyteorder("<")).tobytes()
    return {"dtype": name, "shape": list(array.shape), "base64": base64.b64encode(data).decode()}


def label_schedule(run: RunConfig, frames: int) -> list[dict]:
    """A schedule that changes label in the middle, where the model has labels."""
    labels = run.model.labels
    if not labels:
        return []
    return [{"from": 0, "label": labels[0]}, {"from": frames // 2, "label": labels[-1]}]


def label_ids(run: RunConfig, schedule: list[dict], frames: int) -> list[int]:
    """Label id of every frame; 0 before the first entry."""
    ids = [0] * frames
    for entry in schedule:
        wanted = run.model.labels.index(entry["label"]) + 1
        ids[entry["from"] :] = [wanted] * (frames - entry["from"])
    return ids


@torch.no_grad()
def golden_vectors(
    run: RunConfig, model: Magi, codec: Codec, first_frame: np.ndarray | None
) -> dict:
    """Content of golden/float.json, as docs/model-format.md says."""
    tokens, channels = run.tokenizer.tokens, run.tokenizer.latent_channels
    places = np.arange(tokens)
    noise = normal(SEED, 3, 2, places, channels, 0.5)
    z = torch.from_numpy(normal(SEED, 4, 1, places[:3], run.model.width, 1.0))
    head_noise = torch.from_numpy(normal(SEED, 5, 1, places[:3], channels, 1.0))
    made = flow_sample(model.head, z, head_noise, 8)
    return {
        "normal": {
            "seed": SEED,
            "frame": 3,
            "decodeStep": 2,
            "tokens": tokens,
            "channels": channels,
            "temperature": 0.5,
            "values": tensor(noise),
        },
        "order": {
            "seed": SEED,
            "frame": 6,
            "tokens": tokens,
            "values": tensor(decode_order(SEED, 6, tokens)),
        },
        "maskSchedule": {
            str(steps): revealed_per_step(tokens, steps) for steps in range(1, tokens + 1)
        },
        "head": {
            "inputs": {
                "z": tensor(z),
                "noise": tensor(head_noise),
                "times": tensor(flow_times(8)),
            },
            "outputs": {"latents": tensor(made)},
        },
        "history": _history(run, model),
        "video": _video(run, model, codec, first_frame),
    }


def _history(run: RunConfig, model: Magi) -> dict:
    window, tokens = run.model.window, run.tokenizer.tokens
    frames, hidden_tokens = 2 * window + 4, max(1, tokens * 2 // 3)
    channels = run.tokenizer.latent_channels
    latents = np.stack(
        [normal(SEED, frame, 1, np.arange(tokens), channels, 1.0) for frame in range(frames)]
    )
    schedule = label_schedule(run, frames)
    hidden = torch.zeros(1, frames, tokens, dtype=torch.bool)
    for frame in range(frames):
        hidden[0, frame, decode_order(SEED, frame, tokens)[:hidden_tokens]] = True
    interval = min(2, run.model.max_interval)
    conditions = Conditions(
        torch.tensor([interval]), torch.tensor([label_ids(run, schedule, frames)])
    )
    clip = torch.from_numpy(latents)[None]
    levels = torch.zeros(1, frames, dtype=torch.long)
    z = model.backbone(clip, levels, clip, hidden, conditions)[0]
    return {
        "seed": SEED,
        "frames": frames,
        "interval": interval,
        "labels": schedule,
        "maskedTokens": hidden_tokens,
        "checks": [
            {"frame": frame, "z": tensor(z[frame])} for frame in (0, 1, window + 1, frames - 1)
        ],
    }


def _video(run: RunConfig, model: Magi, codec: Codec, first_frame: np.ndarray | None) -> dict:
    schedule = label_schedule(run, VIDEO_FRAMES)
    ids = label_ids(run, schedule, VIDEO_FRAMES)
    defaults = run.defaults
    sampling, first = Sampling.of(defaults), Sampling.of_first(defaults)
    plan = Plan(
        seed=7,
        interval=1,
        label_at=ids.__getitem__,
        decode_steps=sampling.decode_steps,
        head_steps=sampling.head_steps,
        temperature=sampling.temperature,
        first=first,
    )
    given = None if first_frame is None else codec.encode_video(first_frame[None])
    latents = torch.stack(list(generate(TorchFrames(model), plan, VIDEO_FRAMES, given)))
    # A nudge of the size of float rounding, to learn how far two right answers may lie apart.
    nudged = generate(TorchFrames(model), plan, VIDEO_FRAMES, latents[:1] * (1 + 1e-6))
    other = torch.stack(list(nudged))
    tolerance = max(1e-3, 100 * float((other - latents).abs().max()))
    return {
        "seed": plan.seed,
        "frames": VIDEO_FRAMES,
        "interval": plan.interval,
        "labels": schedule,
        "decodeSteps": plan.decode_steps,
        "headSteps": plan.head_steps,
        "temperature": plan.temperature,
        "firstFrameSampling": first.told(),
        "firstFrame": None if first_frame is None else tensor(first_frame),
        "latents": tensor(latents),
        "pixels": tensor(codec.decode_video(latents, first_frame)),
        "latentTolerance": tolerance,
    }
