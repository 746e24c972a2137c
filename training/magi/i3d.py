"""A user's I3D network as an ONNX file: its features make the FVD of the literature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

from magi.metrics import composited

SIZE = 224
_BATCH_CLIPS = 4


class I3d:
    """Features by an ONNX file with one input float32 [N, 3, T, 224, 224], RGB in -1..1, and a first
    output [N, ...], whatever the network calls them.

    Raises ValueError, naming the file, for another input.
    """

    def __init__(self, file: Path, threads: int = 1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(file), options)
        (self.input, *others) = self.session.get_inputs()
        shape = self.input.shape
        if others or len(shape) != 5 or [shape[1], *shape[3:]] != [3, SIZE, SIZE]:
            raise ValueError(
                f"{file}: its input is {shape}; one input [N, 3, T, {SIZE}, {SIZE}] is needed"
            )

    def features(self, clips: np.ndarray) -> np.ndarray:
        """uint8 [N, T, H, W, C] -> float64 [N, D]."""
        batch = self.input.shape[0] if isinstance(self.input.shape[0], int) else _BATCH_CLIPS
        rows = []
        for start in range(0, len(clips), batch):
            videos = np.stack([resized(clip) for clip in clips[start : start + batch]])
            made = self.session.run(None, {self.input.name: videos})[0]
            rows.append(made.reshape(len(videos), -1).astype(np.float64))
        return np.concatenate(rows)


def resized(clip: np.ndarray) -> np.ndarray:
    """uint8 [T, H, W, C] on grey -> float32 [3, T, 224, 224] in -1..1, bilinear."""
    pixels = torch.from_numpy(composited(clip)).float().permute(0, 3, 1, 2)
    large = F.interpolate(pixels, (SIZE, SIZE), mode="bilinear", align_corners=False)
    return (large * 2 - 1).permute(1, 0, 2, 3).contiguous().numpy()
