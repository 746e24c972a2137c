"""Kept weights: what a run starts from when its file names a `start`.

A checkpoint holds the optimiser too and stays in the ignored work folder; kept weights are the
averaged weights alone, in float16, under training/weights/<run>/, so that anyone can train on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

FILE_BYTES = 8 * 2**20


def keep(folder: Path, part: str, arrays: dict[str, np.ndarray]) -> list[Path]:
    """Write `arrays` as `<part>-N.npz` of at most 8 MiB each, in place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{part}-*.npz"):
        old.unlink()
    files: list[dict[str, np.ndarray]] = []
    room = 0
    for name, array in arrays.items():
        if array.nbytes > FILE_BYTES // 2:
            raise ValueError(f"{part}.{name} has {array.nbytes} bytes, at most {FILE_BYTES // 2}")
        if not files or array.nbytes > room:
            files.append({})
            room = FILE_BYTES * 15 // 16  # the rest is for the archive's own headers
        files[-1][name] = array
        room -= array.nbytes
    paths = [folder / f"{part}-{index}.npz" for index in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        np.savez(path, **content)
    return paths


def kept(folder: Path, part: str) -> dict[str, np.ndarray]:
    """The arrays that `keep` wrote. Raises FileNotFoundError where there are none."""
    paths = sorted(folder.glob(f"{part}-*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder}/{part}-0.npz: write it with `magi keep {folder.name}`")
    found: dict[str, np.ndarray] = {}
    for path in paths:
        with np.load(path) as archive:
            found |= {name: archive[name] for name in archive.files}
    return found


def halved(module: nn.Module) -> dict[str, np.ndarray]:
    """The module's weights in float16."""
    return {name: value.half().cpu().numpy() for name, value in module.state_dict().items()}


def start_from(module: nn.Module, arrays: dict[str, np.ndarray]) -> None:
    """Copy the weights whose name and shape the module shares, and name the others, such as a table
    of other labels, which keep their fresh values."""
    own = module.state_dict()
    taken = {
        name: torch.from_numpy(arrays[name].astype(np.float32))
        for name, value in own.items()
        if name in arrays and arrays[name].shape == tuple(value.shape)
    }
    module.load_state_dict(taken, strict=False)
    for name in own.keys() - taken.keys():
        print(f"starts fresh, as the kept weights have no {name} {list(own[name].shape)}")
