"""Videos of a user as raw frames: found in a folder, cut to squares, resized, kept in a cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from magi.config import Unusable
from magi.data.fit import fitted

VIDEO_SUFFIXES = frozenset(
    ".3gp .avi .flv .gif .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .ts .webm .wmv".split()
)
IMAGE_SUFFIXES = frozenset((".jpeg", ".jpg", ".png"))
CHANNELS = 3
"""Frames are RGB."""

FFMPEG_MISSING = (
    "ffmpeg, which decodes video files, is not installed: `apt-get install ffmpeg` on Debian and "
    "Ubuntu, `brew install ffmpeg` on macOS; folders of PNG or JPEG frames need none"
)
_DIGITS = re.compile(r"(\d+)")
Skip = Callable[[str, str], None]
"""Is told the name of a video that is left out, and why."""


@dataclass(frozen=True)
class Source:
    """One video as the user has it: `files` is one video file, or its frame images in their order.

    name: its path below the folder of videos, with slashes.
    """

    name: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Video:
    """The decoded frames of one video: `path` holds uint8 [frames, size, size, 3] and no header."""

    name: str
    path: Path
    frames: int
    size: int

    def read(self, places: np.ndarray) -> np.ndarray:
        """The frames at `places`: uint8 [len(places), size, size, 3]."""
        shape = (self.frames, self.size, self.size, CHANNELS)
        return np.array(np.memmap(self.path, np.uint8, "r", shape=shape)[places])


def report_skipped(name: str, reason: str) -> None:
    """Say on standard error that a video is left out."""
    tqdm.write(f"skipped {name}: {reason}", file=sys.stderr)


def sources(folder: Path) -> list[Source]:
    """Every video below `folder`, by name: video files, and folders that hold frame images.

    Images beside a video file are no frames of one. Raises Unusable, saying what would be one, where
    there is no video.
    """
    found = []
    for place, _, names in os.walk(folder):
        here = Path(place)
        files = [here / name for name in names if not name.startswith(".")]
        videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
        images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
        found += [Source(file.relative_to(folder).as_posix(), (file,)) for file in videos]
        if images and not videos:
            name = here.relative_to(folder).as_posix()
            found.append(Source(name, tuple(sorted(images, key=_in_number_order))))
    if not found:
        raise Unusable(
            f"{folder}: no videos there; wanted are files ending in "
            f"{', '.join(sorted(VIDEO_SUFFIXES))}, or sub-folders of .png or .jpg frames"
        )
    return sorted(found, key=lambda source: source.name)


def _in_number_order(file: Path) -> list:
    """frame-2 before frame-10."""
    return [int(part) if part.isdigit() else part for part in _DIGITS.split(file.name)]


def decoded(
    folder: Path, cache: Path, size: int, per_second: float, skip: Skip = report_skipped
) -> list[Video]:
    """The videos below `folder` as squares of `size` pixels, video files at `per_second` frames a
    second. What is in `cache` already is not decoded again.

    A file that cannot be read is skipped. Raises Unusable where there is no video, no ffmpeg for
    one, or none that can be read.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found = sources(folder)
    paths = {source.name: cache / f"{_key(source, size, per_second)}.rgb" for source in found}
    missing = [source for source in found if not paths[source.name].is_file()]
    needs_ffmpeg = any(source.files[0].suffix.lower() in VIDEO_SUFFIXES for source in missing)
    if needs_ffmpeg and not shutil.which("ffmpeg"):
        raise Unusable(FFMPEG_MISSING)
    for source in tqdm(missing, desc="decoding", unit="video", mininterval=5, disable=not missing):
        _decode(source, paths[source.name], size, per_second, skip)
    frame_bytes = size * size * CHANNELS
    videos = [
        Video(name, path, path.stat().st_size // frame_bytes, size)
        for name, path in paths.items()
        if path.is_file()
    ]
    if not videos:
        raise Unusable(f"{folder}: none of its {len(found)} videos could be read")
    return videos


def _key(source: Source, size: int, per_second: float) -> str:
    """Tells the decoded frames of one state of a video from those of any other."""
    stats = [(file.name, file.stat()) for file in source.files]
    known = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    content = json.dumps([source.name, size, per_second, known])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _decode(source: Source, path: Path, size: int, per_second: float, skip: Skip) -> None:
    """Write the frames of `source` to `path` in one rename, or skip it."""
    partial = path.with_suffix(".partial")
    try:
        if source.files[0].suffix.lower() in VIDEO_SUFFIXES:
            _decode_file(source.files[0], partial, size, per_second)
        else:
            _decode_images(source.files, partial, size)
    except ValueError as error:
        skip(source.name, str(error))
        return
    os.replace(partial, path)


def _decode_file(file: Path, out: Path, size: int, per_second: float) -> None:
    """Raises ValueError with ffmpeg's reason. `sar`: pixels of some cameras are no squares."""
    square = r"crop=min(iw\,ih/sar):min(ih\,iw*sar)"
    filters = f"fps={per_second},{square},scale={size}:{size}:flags=area"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(file.absolute())]
    command += ["-map", "0:v:0", "-vf", filters, "-pix_fmt", "rgb24", "-f", "rawvideo", str(out)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode or not out.stat().st_size:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError(f"not readable: {lines[-1] if lines else 'it has no frames'}")


def _decode_images(files: tuple[Path, ...], out: Path, size: int) -> None:
    """Raises ValueError, naming the image that cannot be read."""
    with out.open("wb") as content:
        for file in files:
            try:
                with Image.open(file) as image:
                    content.write(fitted(image, size).tobytes())
            except (OSError, Image.DecompressionBombError) as error:
                raise ValueError(f"{file.name} is not readable: {error}") from error
