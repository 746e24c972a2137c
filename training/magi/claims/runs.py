"""Trains and measures the systems of a comparison, one run after another.

Everything is resumable: a checkpoint goes on, a measured run whose settings are the same is done.
"""

from __future__ import annotations

import fcntl
import filecmp
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from magi.claims.bootstrap import (
    Statistic,
    at_frame,
    distance_from,
    figure,
    frame_distance_from,
    interval,
)
from magi.claims.grid import System, run_of, shared_step, step_cost
from magi.claims.measures import Features, Measured, features_of, measured
from magi.claims.videos import Sampling, animated, copied, pixels_of, true_clips
from magi.codec import Codec
from magi.config import RunConfig
from magi.data.physics import Physics
from magi.evaluation.physics import COPY, GIVEN
from magi.model import Magi
from magi.schedule import load_checkpoint, save_checkpoint
from magi.tokenizer_training import train_tokenizer
from magi.train import ClipPool, tokenize, train_on

FRAMES = 16
TASKS = {"first frame": 1, "prediction": GIVEN}
"""By name, how many of the 16 frames are given. From one, nobody can know the speeds."""
HORIZONS = (1, 4, 11)
"""Frames after the given ones of `prediction` at which errors are told."""
VIDEO, FRAME = "FD-V", "frame distance"
"""Frechet distances of whole videos and of single frames."""
OTHERS = "other true clips"
"""A system that errs only in showing other videos than those asked for."""
FINAL, SHARED = "equal arithmetic", "equal steps"
"""What is compared: finished runs, which cost the same, and all at the same step."""


@dataclass(frozen=True)
class Setting:
    """What all runs of a comparison share.

    base: the run file. work: folder of checkpoints. results: folder of figures. clips: how many are
    measured. encoder: SHA-256 of the network behind `features`.
    """

    base: RunConfig
    work: Path
    results: Path
    clips: int
    sampling: Sampling
    features: Features
    encoder: str

    @property
    def size(self) -> int:
        return self.base.tokenizer.frame_size

    def folder(self, run: RunConfig) -> Path:
        return self.work / f"{self.base.training.steps}-steps" / run.name

    def about(self) -> dict:
        """What figures depend on, besides the system."""
        return {
            "steps": self.base.training.steps,
            "clips": self.clips,
            "sampling": asdict(self.sampling),
            "encoder": self.encoder,
        }


def pool_of(setting: Setting, run: RunConfig) -> tuple[ClipPool, Codec]:
    """The clips that a run trains on, tokenized once for all runs of the same intervals, and the
    tokenizer with the statistics of their latents."""
    folder = setting.work / f"pool-{run.model.max_interval}"
    folder.mkdir(parents=True, exist_ok=True)
    with (setting.work / "pools.lock").open("w") as lock:
        # Processes that share a grid wait here for the first one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        share_tokenizer(setting, folder)
        pool = tokenize(run, Physics(setting.size, run.model.max_interval), folder, "cpu")
    return pool, Codec.load(run.tokenizer, folder)


def share_tokenizer(setting: Setting, folder: Path) -> None:
    """Put the one tokenizer of all runs into `folder`, trained first where it has weights and is not."""
    if setting.base.tokenizer.kind == "patches":
        return
    dataset = Physics(setting.size, setting.base.model.max_interval)
    trained = train_tokenizer(setting.base, dataset, setting.work, "cpu")
    if not (folder / "tokenizer.pt").is_file() or not filecmp.cmp(
        trained, folder / "tokenizer.pt", shallow=False
    ):
        shutil.copyfile(trained, folder / "tokenizer.pt")


def trained(setting: Setting, run: RunConfig) -> dict[str, Magi]:
    """The models of a run at its end and at the shared step, trained where they are not yet."""
    folder, pool = setting.folder(run), pool_of(setting, run)[0]
    early = folder / "shared-step.pt"
    if not early.is_file():
        train_on(pool, run, folder, "cpu", stop=shared_step(setting.base))
        saved = load_checkpoint(folder / "model.pt", "cpu")
        save_checkpoint(early, {"average": saved["average"]})
    final = train_on(pool, run, folder, "cpu")
    return {FINAL: _model(run, final), SHARED: _model(run, early)}


def _model(run: RunConfig, path: Path) -> Magi:
    model = Magi.of(run)
    model.load_state_dict(load_checkpoint(path, "cpu")["average"])
    return model.eval().requires_grad_(False)


def statistics(task: str, truth: Measured) -> dict[str, Statistic]:
    """The figures of a task, by name."""
    known = {VIDEO: distance_from(truth), FRAME: frame_distance_from(truth)}
    if task == "prediction":
        for frame in HORIZONS:
            known[f"position error at {frame}"] = at_frame("error", frame)
            known[f"PSNR at {frame}"] = at_frame("psnr", frame)
    return known | {"shapes there at the end": at_frame("there", FRAMES - TASKS[task])}


class Contexts:
    """The true clips of a setting, what is true of them, and the systems that need no training."""

    def __init__(self, setting: Setting):
        self.setting = setting
        self.clips, others = true_clips(setting.size, setting.clips, FRAMES)
        self.pixels = pixels_of(self.clips)
        self.truth = {
            task: features_of(self.pixels, given, setting.features) for task, given in TASKS.items()
        }
        made: dict[str, Callable[[int], np.ndarray]] = {
            COPY: lambda given: copied(self.pixels, given),
            OTHERS: lambda _: pixels_of(others),
        }
        self.baselines = {
            name: {task: self.measured(way(given), given) for task, given in TASKS.items()}
            for name, way in made.items()
        }

    def measured(self, made: np.ndarray, given: int) -> Measured:
        return measured(self.clips, made, given, self.setting.features)

    def of_model(self, model: Magi, codec: Codec) -> dict[str, Measured]:
        """Measures of every task."""
        return {
            task: self.measured(
                animated(model, codec, self.pixels, given, self.setting.sampling), given
            )
            for task, given in TASKS.items()
        }

    def told(self, seeds: Sequence[dict[str, Measured]], name: str) -> dict[str, dict]:
        """Every figure of every task, with its draws, for a system measured at some seeds."""
        return {
            task: {
                label: figure([seed[task] for seed in seeds], statistic, name)
                for label, statistic in statistics(task, self.truth[task]).items()
            }
            for task in TASKS
        }


def measured_file(setting: Setting, run: RunConfig, checkpoint: str) -> Path:
    """Where the measures of a run are kept, clip by clip."""
    return setting.folder(run) / f"{checkpoint.replace(' ', '-')}.npz"


def read_measures(path: Path) -> dict[str, Measured]:
    """What `_keep` wrote, by task."""
    with np.load(path) as saved:
        arrays = {key: saved[key].astype(np.float64) for key in saved.files}
    return {
        task: {key.split("/")[1]: array for key, array in arrays.items() if key.split("/")[0] == task}
        for task in TASKS
    }


def _keep(path: Path, known: dict[str, Measured]) -> None:
    flat = {f"{task}/{name}": part for task, parts in known.items() for name, part in parts.items()}
    np.savez(path, **{key: array.astype(np.float32) for key, array in flat.items()})


def finish(setting: Setting, system: System, seed: int, contexts: Callable[[], Contexts]) -> bool:
    """Train and measure one run and write its figures; False where that was done already."""
    run = run_of(setting.base, system, seed)
    about = setting.about() | {"system": asdict(system), "seed": seed}
    path = setting.results / f"{run.name}.json"
    kept = [measured_file(setting, run, checkpoint) for checkpoint in (FINAL, SHARED)]
    if path.is_file() and all(file.is_file() for file in kept):
        if json.loads(path.read_text())["about"] == about:
            return False
    models = trained(setting, run)
    codec = pool_of(setting, run)[1]
    figures = {}
    for checkpoint, model in models.items():
        known = contexts().of_model(model, codec)
        _keep(measured_file(setting, run, checkpoint), known)
        told = contexts().told([known], run.name)
        figures[checkpoint] = {
            task: {label: interval(draws) for label, draws in parts.items()}
            for task, parts in told.items()
        }
    write_json(path, {"about": about, "training": training_facts(setting, run)} | figures)
    return True


def training_facts(setting: Setting, run: RunConfig) -> dict:
    """What a finished run cost, and what it learned."""
    saved = load_checkpoint(setting.folder(run) / "model.pt", "cpu")
    history = (setting.folder(run) / "history.jsonl").read_text().splitlines()
    return {
        "parameters": sum(value.numel() for value in Magi.of(run).parameters()),
        "steps": saved["step"],
        "sharedStep": shared_step(setting.base),
        "clips": saved["clips"],
        "multiplyAddsPerStep": step_cost(run),
        "multiplyAdds": step_cost(run) * saved["step"],
        "seconds": round(saved["seconds"], 1),
        "loss": json.loads(history[-1])["loss"] if history else None,
    }


def write_json(path: Path, content: dict) -> None:
    """Write figures to four digits after the point."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rounded = json.loads(json.dumps(content), parse_float=lambda text: round(float(text), 4))
    path.write_text(json.dumps(rounded, indent=2) + "\n")
