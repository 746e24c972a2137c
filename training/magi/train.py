"""Trains backbone and head on tokenized clips."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from magi.backbone import Conditions
from magi.codec import Codec
from magi.config import RunConfig, TrainConfig
from magi.model import Magi
from magi.optimiser import Optimiser
from magi.schedule import (
    MovingAverage,
    learning_rate_factor,
    load_checkpoint,
    mixed_precision,
    save_checkpoint,
    seed_step,
)
from magi.weights import kept, start_from

CHECKPOINT_SECONDS = 240
STATISTICS_CLIPS = 200


class ClipPool:
    """Tokenized clips on disk: float16 latents [N, T, S, C], interval [N], labels [N, T]."""

    def __init__(self, folder: Path):
        self.latents = np.load(folder / "latents.npy", mmap_mode="r")
        self.interval = np.load(folder / "interval.npy")
        self.labels = np.load(folder / "labels.npy")

    def batch(self, rng: np.random.Generator, clips: int, frames: int, device: str):
        """`clips` random clips, their first `frames` frames: latents [B, T, S, C], conditions."""
        rows = np.sort(rng.integers(len(self.interval), size=clips))
        latents = torch.from_numpy(self.latents[rows, :frames].astype(np.float32))
        conditions = Conditions(
            torch.from_numpy(self.interval[rows]).to(device),
            torch.from_numpy(self.labels[rows, :frames]).to(device),
        )
        return latents.to(device), conditions


def measure_latents(codec: Codec, dataset, frames: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation of every latent channel over some clips."""
    channels = codec.config.latent_channels
    codec.mean, codec.deviation = codec.mean * 0, codec.deviation * 0 + 1e3  # clip nothing
    raw = [
        codec.encode_video(dataset.clip(seed, frames).pixels).reshape(-1, channels)
        for seed in range(STATISTICS_CLIPS)
    ]
    values = torch.cat(raw) * 1e3
    return values.mean(0), values.std(0).clamp(min=1e-3)


def tokenize(run: RunConfig, dataset, folder: Path, device: str) -> ClipPool:
    """The pool of a run, made once for its tokenizer and what its clips are cut from: statistics of
    the latents, then every clip."""
    if run.training.clips < 1:
        raise ValueError(f"training.clips {run.training.clips}: at least 1 clip is needed")
    made_for = folder / "pool" / "tokenizer.sha256"
    wanted = _digest(folder / "tokenizer.pt") + dataset.source
    if made_for.is_file() and made_for.read_text() == wanted:
        return ClipPool(folder / "pool")
    (folder / "pool").mkdir(parents=True, exist_ok=True)
    frames = max(length for _, length in run.training.curriculum)
    codec = Codec.load(run.tokenizer, folder, device)
    codec.mean, codec.deviation = measure_latents(codec, dataset, frames)
    save_checkpoint(folder / "latents.pt", {"mean": codec.mean, "deviation": codec.deviation})
    count, tokens, channels = run.training.clips, run.tokenizer.tokens, codec.config.latent_channels
    latents = np.lib.format.open_memmap(
        folder / "pool" / "latents.npy", "w+", np.float16, (count, frames, tokens, channels)
    )
    interval, labels = np.zeros(count, np.int64), np.zeros((count, frames), np.int64)
    for index in tqdm(range(count), unit="clip", desc="tokenizing", mininterval=5):
        clip = dataset.clip(STATISTICS_CLIPS + index, frames)
        latents[index] = codec.encode_video(clip.pixels).half().cpu().numpy()
        interval[index], labels[index] = clip.interval, clip.labels
    latents.flush()
    np.save(folder / "pool" / "interval.npy", interval)
    np.save(folder / "pool" / "labels.npy", labels)
    made_for.write_text(wanted)
    return ClipPool(folder / "pool")


def _digest(path: Path) -> str:
    """SHA-256 of a file; of nothing where there is none, as for a tokenizer without weights."""
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()


def clip_length(settings: TrainConfig, step: int) -> int:
    """Frames of a clip at `step`, by the curriculum."""
    end = 0.0
    for share, frames in settings.curriculum:
        end += share
        if step < end * settings.steps:
            return frames
    return settings.curriculum[-1][1]


def train(
    run: RunConfig,
    dataset,
    folder: Path,
    device: str,
    steps: int | None = None,
    start: Path | None = None,
) -> Path:
    """Tokenize clips of `dataset`, then `train_on` them."""
    pool = tokenize(run, dataset, folder, device)
    settings = replace(run.training, steps=steps or run.training.steps)
    return train_on(pool, replace(run, training=settings), folder, device, start)


def train_on(
    pool: ClipPool,
    run: RunConfig,
    folder: Path,
    device: str,
    start: Path | None = None,
    stop: int | None = None,
) -> Path:
    """Train the model of `run`, going on at its last checkpoint, or beginning with the weights kept
    in `start`; returns the checkpoint. `stop` leaves the run there, to go on later."""
    settings = run.training
    stop = settings.steps if stop is None else min(stop, settings.steps)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    model = Magi.of(run).to(device)
    path = folder / "model.pt"
    saved = load_checkpoint(path, device)
    if start and not saved:
        start_from(model, kept(start, "model"))
    average = MovingAverage(model, settings.ema)
    optimiser = Optimiser(model, settings)
    if saved:
        model.load_state_dict(saved["model"])
        average.module.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
    step, seconds = (saved["step"], saved["seconds"]) if saved else (0, 0.0)
    clips_seen = saved["clips"] if saved else 0

    def save() -> None:
        save_checkpoint(
            path,
            {
                "model": model.state_dict(),
                "average": average.module.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step,
                "clips": clips_seen,
                "seconds": seconds,
            },
        )

    history = (folder / "history.jsonl").open("a")
    progress = tqdm(total=stop, initial=step, unit="step", mininterval=5)
    last_save = last = time.monotonic()
    smooth = None
    while step < stop:
        factor = learning_rate_factor(step, settings.steps, settings.warmup, settings.decay)
        frames = clip_length(settings, step)
        clips = max(1, settings.frames_per_batch // frames)
        seed_step(settings.seed, step)
        rng = np.random.default_rng([settings.seed, step])
        latents, conditions = pool.batch(rng, clips, frames, device)
        own = step >= (1 - settings.own_history) * settings.steps
        with mixed_precision(device, settings.mixed_precision):
            seen = model.own_history(latents, conditions) if own else latents
            loss, error = model.loss(latents, conditions, settings, seen)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        optimiser.step(factor)
        average.update(model, step)
        step, clips_seen = step + 1, clips_seen + clips
        now = time.monotonic()
        seconds, rate, last = seconds + now - last, clips / (now - last), now
        smooth = error.item() if smooth is None else 0.98 * smooth + 0.02 * error.item()
        progress.update()
        progress.set_postfix_str(f"loss={smooth:.4f} {rate:.1f} clips/s x{frames}", refresh=False)
        if step % 50 == 0:
            history.write(json.dumps({"step": step, "loss": smooth, "seconds": seconds}) + "\n")
            history.flush()
        if now - last_save > CHECKPOINT_SECONDS:
            save()
            last_save = now
    save()
    return path


def load_model(run: RunConfig, folder: Path, device: str = "cpu") -> tuple[Magi, dict]:
    """The averaged model of a run's folder, and what is known of its training."""
    saved = load_checkpoint(folder / "model.pt", device)
    if saved is None:
        raise FileNotFoundError(f"{folder}/model.pt: train it with `magi train`")
    model = Magi.of(run).to(device)
    model.load_state_dict(saved["average"])
    known = {key: saved[key] for key in ("step", "clips", "seconds")}
    return model.eval().requires_grad_(False), known
