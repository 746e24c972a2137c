"""A small video encoder: it tells the true states behind a video, and its features make FD-V.

Trained once on a data set's own clips, whose states are known (`magi.video_encoder_training`), and
kept with the code: figures are only comparable under the same weights, so their SHA-256 is checked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from magi.data.physics import COLOURS
from magi.data.sprites import CELL, DIRECTIONS
from magi.data.timeline import LABELS, POSES
from magi.metrics import composited

FOLDER = Path(__file__).resolve().parent.parent / "encoders"
WIDTH = 64
"""Features of a frame."""
CLIP_WIDTH = 32
"""Features of a clip."""
GRID = 4
"""Height and width to which the convolutions shrink a frame."""
_STAGES = (16, 32, 48, 64)
_BATCH_CLIPS = 16


@dataclass(frozen=True)
class Kind:
    """What an encoder looks at, and what it tells of every frame: names and sizes of its answers."""

    frame_size: int
    answers: dict[str, int]


KINDS = {
    "sprites": Kind(
        CELL, {"pose": len(POSES), "direction": len(DIRECTIONS), "action": len(LABELS)}
    ),
    "physics": Kind(
        32, {"present": len(COLOURS), "place": 2 * len(COLOURS), "speed": 2 * len(COLOURS)}
    ),
}
"""sprites: logits of pose (an action at a phase), direction and wanted action. physics, for every
colour that a shape can have: logit of its presence, its place, and its speed in one frame, both
centred and as shares of the frame."""


class Moment(nn.Module):
    """Mixes the features of a frame with those of the frames `distance` before and after it."""

    def __init__(self, distance: int):
        super().__init__()
        self.mix = nn.Conv1d(
            WIDTH, WIDTH, 3, padding=distance, dilation=distance, padding_mode="replicate"
        )

    def forward(self, features: Tensor) -> Tensor:  # [N, WIDTH, T]
        return features + F.gelu(self.mix(features))


class VideoEncoder(nn.Module):
    """Frames [N, T, 3, H, W] in -1..1 -> features of every frame alone, and among its neighbours,
    [N, T, WIDTH] both."""

    def __init__(self, kind: Kind):
        super().__init__()
        self.kind = kind
        halvings = (kind.frame_size // GRID).bit_length() - 1
        widths = (3, *_STAGES[len(_STAGES) - halvings :])
        self.look = nn.Sequential()
        for before, after in zip(widths, widths[1:], strict=False):
            self.look.extend([nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.GELU()])
        self.gather = nn.Linear(widths[-1] * GRID**2, WIDTH)
        self.moments = nn.Sequential(Moment(1), Moment(2))
        self.answers = nn.ModuleDict(
            {name: nn.Linear(WIDTH, size) for name, size in kind.answers.items()}
        )
        self.register_buffer("mean", torch.zeros(3 * WIDTH))
        self.register_buffer("basis", torch.eye(3 * WIDTH, CLIP_WIDTH))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        count, length = frames.shape[:2]
        grid = self.look(frames.flatten(0, 1)).flatten(1)
        alone = F.gelu(self.gather(grid)).view(count, length, WIDTH)
        return alone, self.moments(alone.transpose(1, 2)).transpose(1, 2)

    @torch.no_grad()
    def content_and_motion(self, clips: np.ndarray) -> Tensor:
        """uint8 [N, T, H, W, C], at least 3 frames -> [N, 192]: the mean over time of the frames'
        features among their neighbours, and of the first and second differences, without signs, of
        the features of each frame alone."""
        rows = []
        for part in _batches(clips):
            alone, among = self(self.prepared(part))
            speed = alone.diff(dim=1)
            motion = [change.abs().mean(1) for change in (speed, speed.diff(dim=1))]
            rows.append(torch.cat([among.mean(1), *motion], 1))
        return torch.cat(rows)

    def features(self, clips: np.ndarray) -> np.ndarray:
        """uint8 [N, T, H, W, C] -> float64 [N, 32]: the principal components of content and motion
        over true clips, where each of the 192 has deviation 1."""
        return ((self.content_and_motion(clips) - self.mean) @ self.basis).double().numpy()

    def set_basis(self, clips: np.ndarray) -> None:
        """Learn the principal components from true clips uint8 [N, T, H, W, C]."""
        known = self.content_and_motion(clips)
        mean, deviation = known.mean(0), known.std(0).clamp(min=1e-3)
        _, _, components = torch.linalg.svd((known - mean) / deviation, full_matrices=False)
        self.mean.copy_(mean)
        self.basis.copy_(components[:CLIP_WIDTH].T / deviation[:, None])

    @torch.no_grad()
    def told(self, clips: np.ndarray, answer: str) -> np.ndarray:
        """One answer for every frame: uint8 [N, T, H, W, C] -> float32 [N, T, size]."""
        rows = [self.answers[answer](self(self.prepared(part))[1]) for part in _batches(clips)]
        return torch.cat(rows).numpy()

    def prepared(self, clips: np.ndarray) -> Tensor:
        """uint8 [N, T, H, W, C] -> float32 [N, T, 3, H, W] in -1..1; a frame larger than the
        encoder's by a whole factor is averaged down. Raises ValueError for any other size."""
        count, length, height, width, channels = clips.shape
        size = self.kind.frame_size
        if height != width or height % size:
            raise ValueError(f"frames of {height} x {width}: a multiple of {size} x {size} is needed")
        flat = composited(clips.reshape(-1, height, width, channels))
        pixels = torch.from_numpy(flat * 2 - 1).float().permute(0, 3, 1, 2)
        pixels = F.avg_pool2d(pixels, height // size) if height > size else pixels
        return pixels.contiguous().view(count, length, 3, size, size)


def _batches(clips: np.ndarray) -> list[np.ndarray]:
    return [clips[start : start + _BATCH_CLIPS] for start in range(0, len(clips), _BATCH_CLIPS)]


def action_of(encoder: VideoEncoder, clips: np.ndarray) -> np.ndarray:
    """The action that each clip uint8 [N, T, 64, 64, 4] shows after its first frame: index into
    LABELS. Every frame votes with its log probabilities."""
    logits = torch.from_numpy(encoder.told(clips, "action"))
    return logits.log_softmax(-1)[:, 1:].sum(1).argmax(-1).numpy()


def weights_file(name: str) -> Path:
    """Where the weights of the encoder of data set `name` lie."""
    return FOLDER / f"{name}.npz"


def save_encoder(name: str, encoder: VideoEncoder, about: dict) -> None:
    """Write weights in half precision, the basis in single, and into encoders.json their SHA-256 and
    what is said about them."""
    FOLDER.mkdir(exist_ok=True)
    learned = dict(encoder.named_parameters())
    state = {
        key: (value.half() if key in learned else value).numpy()
        for key, value in encoder.state_dict().items()
    }
    np.savez(weights_file(name), **state)
    index = FOLDER / "encoders.json"
    known = json.loads(index.read_text()) if index.is_file() else {}
    digest = hashlib.sha256(weights_file(name).read_bytes()).hexdigest()
    known[name] = {"file": weights_file(name).name, "sha256": digest, **about}
    index.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def load_encoder(name: str) -> tuple[VideoEncoder, str]:
    """The encoder of a data set and the SHA-256 of its weights.

    Raises ValueError when the weights are not those that encoders.json names.
    """
    content = weights_file(name).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    stated = json.loads((FOLDER / "encoders.json").read_text())[name]["sha256"]
    if digest != stated:
        raise ValueError(f"{weights_file(name)}: SHA-256 {digest}, encoders.json {stated}")
    encoder = VideoEncoder(KINDS[name])
    with np.load(weights_file(name)) as saved:
        state = {key: torch.from_numpy(saved[key]).float() for key in saved.files}
    encoder.load_state_dict(state)
    return encoder.eval().requires_grad_(False), digest
