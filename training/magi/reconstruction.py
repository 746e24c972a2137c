"""What a plain tokenizer gives back of frames that it did not learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from magi.codec import Codec
from magi.config import RunConfig
from magi.data.clip import Dataset
from magi.metrics import psnr
from magi.pictures import contact_sheet

FRAMES = 64
SHOWN = 16
_FIRST_SEED = 1_000_000
"""Training on simulated clips never reaches this seed."""


def reconstruct(run: RunConfig, held_out: Dataset, folder: Path, sheet: Path) -> str:
    """Measure the tokenizer in `folder` on at most FRAMES different frames of `held_out`; draw some
    of them to `sheet`, above what comes back. Returns a line with the mean PSNR."""
    drawn = [held_out.clip(_FIRST_SEED + index, 1).pixels[0] for index in range(FRAMES)]
    truth = np.stack(list({frame.tobytes(): frame for frame in drawn}.values()))
    made = through(Codec.load(run.tokenizer, folder).tokenizer, truth)
    rows = [truth[:SHOWN], made[:SHOWN]]
    contact_sheet(rows, ["held-out frames", "what the tokenizer makes of them"], sheet, 2)
    values = [psnr(frame[None], copy[None], 0) for frame, copy in zip(truth, made, strict=True)]
    return f"PSNR of {len(truth)} held-out frames {np.mean(values):.1f} dB; they are in {sheet}"


@torch.no_grad()
def through(tokenizer: torch.nn.Module, frames: np.ndarray) -> np.ndarray:
    """Frames uint8 [N, h, w, c] encoded and decoded."""
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    made = tokenizer.decode(tokenizer.encode(pixels))
    return (made * 255).round().byte().permute(0, 2, 3, 1).numpy()
