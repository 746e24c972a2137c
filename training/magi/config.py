"""One configuration for every size: shapes of tokenizer, backbone and head, and how a run trains."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

NOISE_LEVELS = 6
"""Level 0 (clean) and the paper's levels 1 to 5."""
NOISE_STEP = 0.1
"""Level r adds `NOISE_STEP * r` of Gaussian noise to normalised latents."""
PARADIGMS = ("ctf", "mtf")
OPTIMISERS = ("adamw", "muon")
LATENT_BOUND = 4.0
"""Normalised latents are clipped to +- this before they enter the cache."""


class Unusable(ValueError):
    """What a user can put right. The message says how, and is all that the command line shows."""


@dataclass(frozen=True)
class TokenizerConfig:
    """kind `patches` (no network), `plain` (KL autoencoder) or `referenced` (sees frame 0)."""

    kind: str = "patches"
    frame_size: int = 32
    frame_channels: int = 3
    downscale: int = 4
    latent_channels: int = 48
    widths: tuple[int, ...] = ()
    """Channels at full resolution, half, quarter, ... down to the latents' grid."""

    def __post_init__(self) -> None:
        if self.frame_size % self.downscale:
            raise Unusable(
                f"tokenizer.frame_size {self.frame_size}: must be a multiple of "
                f"tokenizer.downscale {self.downscale}"
            )
        if self.kind != "patches" and 2 ** (len(self.widths) - 1) != self.downscale:
            raise Unusable(
                f"tokenizer.widths {list(self.widths)}: one for every halving from full size down "
                f"to tokenizer.downscale {self.downscale}, both ends included"
            )

    @property
    def grid(self) -> int:
        return self.frame_size // self.downscale

    @property
    def tokens(self) -> int:
        return self.grid**2


@dataclass(frozen=True)
class ModelConfig:
    """Backbone and head. `window` None is full causal attention."""

    width: int = 96
    layers: int = 2
    heads: int = 3
    window: int | None = 8
    head_width: int = 96
    head_blocks: int = 2
    labels: tuple[str, ...] = ()
    max_interval: int = 25
    diffusion: str = "flow"
    """`flow` (rectified flow, Euler steps) or `ddpm` (the paper's cosine schedule, 100 steps)."""
    paradigm: str = "ctf"
    """`ctf`, complete teacher forcing, or `mtf`, masked teacher forcing, to compare it with."""

    def __post_init__(self) -> None:
        if self.paradigm not in PARADIGMS:
            raise Unusable(f"model.paradigm {self.paradigm!r}: one of {', '.join(PARADIGMS)}")


@dataclass(frozen=True)
class TrainConfig:
    """How a run trains. `curriculum` lists (share of the steps, frames a clip)."""

    steps: int = 2000
    frames_per_batch: int = 256
    curriculum: tuple[tuple[float, int], ...] = ((1.0, 16),)
    optimiser: str = "adamw"
    """`adamw`, or `muon` for the hidden matrices and AdamW for the rest."""
    learning_rate: float = 1e-3
    muon_learning_rate: float = 0.02
    mixed_precision: bool = True
    """Products in bfloat16 where the hardware has it; narrow models are faster without."""
    warmup: int = 300
    decay: float = 0.25
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    ema: float = 0.999
    seed: int = 0
    batch_repeat: int = 4
    """Diffusion draws for every masked token (MAR's diffusion_batch_mul)."""
    time_shift: float = 0.0
    """Added to the normal deviate whose sigmoid is a rectified flow's time: more noise, for latents
    whose channels say the same, so that a little noise hides nothing."""
    change_weight: float = 2.0
    own_history: float = 0.0
    """Share of the run, at its end, in which every other frame of the history is the model's own."""
    noise_levels: int = NOISE_LEVELS
    """Levels of noise that the history is seen with, from level 0; 1 shows it always clean."""
    clips: int = 2000
    """Clips tokenized beforehand, from which batches are drawn."""

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise Unusable(f"training.optimiser {self.optimiser!r}: one of {', '.join(OPTIMISERS)}")
        if not 1 <= self.noise_levels <= NOISE_LEVELS:
            raise Unusable(f"training.noise_levels {self.noise_levels}: 1 to {NOISE_LEVELS}")


@dataclass(frozen=True)
class TokenizerTrainConfig:
    """How a learned tokenizer trains. A batch is `targets` poses of each of `references`
    characters; a plain tokenizer takes `targets` frames of `references` clips."""

    steps: int = 3000
    references: int = 8
    targets: int = 4
    learning_rate: float = 1e-3
    warmup: int = 50
    decay: float = 0.3
    kl: float = 2e-3
    null_share: float = 0.125
    """Share of characters coded without their reference, as frame 0 is."""
    change_weight: float = 3.0
    noise: float = 0.2
    """Largest deviation of the noise on the decoder's latents."""
    mixed_precision: bool = True
    """As in `TrainConfig`."""
    seed: int = 0


@dataclass(frozen=True)
class RunConfig:
    """One run file under training/runs/."""

    name: str
    description: str
    dataset: str
    tokenizer: TokenizerConfig
    model: ModelConfig
    tokenizer_training: TokenizerTrainConfig = field(default_factory=TokenizerTrainConfig)
    training: TrainConfig = field(default_factory=TrainConfig)
    data: str = ""
    """Folder of videos of dataset `folder`; in the file it is relative to the file."""
    licence: str = ""
    """Under which licence the model goes, so also what its training data ask for."""
    start: str = ""
    """Run whose kept weights (training/weights/<run>) this one begins with; empty: fresh ones."""
    defaults: dict = field(default_factory=dict)
    """Served defaults: frames, decodeSteps, headSteps, temperature, framesPerSecond; firstFrame, where
    a frame 0 that the model draws has other decodeSteps, headSteps and temperature."""

    def __post_init__(self) -> None:
        if self.model.diffusion == "ddpm" and self.training.time_shift:
            raise Unusable("training.time_shift: only a rectified flow has it; 0 with model.diffusion ddpm")
        if self.model.paradigm == "mtf" and self.training.own_history:
            raise Unusable("training.own_history: masked teacher forcing has no history apart; 0")


def _build(kind: type, values: dict, where: str):
    fields = kind.__dataclass_fields__
    for key in values:
        if key not in fields:
            raise Unusable(f"{where}.{key}: unknown; known are {', '.join(fields)}")
    frozen = {key: _freeze(value) for key, value in values.items()}
    return kind(**frozen)


def _freeze(value):
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value


def find_run(name: str, folder: Path) -> RunConfig:
    """The run `name` of a folder of run files, or the run file at that path. Raises Unusable where
    there is none."""
    path = Path(name) if Path(name).suffix else folder / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json")))
        raise Unusable(f"run {name!r}: no such file; known runs: {known}")
    return load_run(path)


def load_run(path: Path) -> RunConfig:
    """The run described by a JSON file; an unknown key is an error that names it."""
    values = json.loads(path.read_text())
    values["tokenizer"] = _build(TokenizerConfig, values["tokenizer"], "tokenizer")
    values["model"] = _build(ModelConfig, values["model"], "model")
    values["tokenizer_training"] = _build(
        TokenizerTrainConfig, values.get("tokenizer_training", {}), "tokenizer_training"
    )
    values["training"] = _build(TrainConfig, values.get("training", {}), "training")
    if values.get("data"):
        values["data"] = str(path.parent / values["data"])
    return _build(RunConfig, values, path.name)
