"""Dataset `folder`: a user's own videos, cut into clips.

Every possible clip of the interval that was drawn is as likely as any other. With MANY_VIDEOS or
more, a tenth of the videos is kept from training; with fewer, the last tenth of every video.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from magi.config import RunConfig, Unusable
from magi.data.clip import Clip
from magi.data.video_files import CHANNELS, Skip, Video, decoded, report_skipped

SPLITS = ("train", "val")
MANY_VIDEOS = 20
HELD_OUT = 10
"""One in so many videos or frames is kept from training."""

UNLABELLED_SHARE = 0.1
"""Of the clips of a model with labels, so that it also learns to draw without."""


@dataclass(frozen=True)
class Span:
    """The frames `begin` to `end` of a video, which one split may use; `label` is an id."""

    video: Video
    begin: int
    end: int
    label: int

    @property
    def frames(self) -> int:
        return self.end - self.begin


class Folder:
    """The dataset: a function from a seed to a clip of one split of the videos."""

    def __init__(
        self,
        videos: Sequence[Video],
        labels: tuple[str, ...],
        max_interval: int,
        frames: int,
        split: str = "train",
        skip: Skip = report_skipped,
    ):
        """labels: names of sub-folders; what lies in others has no label. frames: of the longest
        clip that will be asked for; videos too short for one at interval 1 are skipped.

        Raises ValueError for an unknown split, Unusable for a label without videos and where no
        video is long enough for a clip at `max_interval`.
        """
        if split not in SPLITS:
            raise ValueError(f"split {split!r}: one of {', '.join(SPLITS)}")
        _check_labels(videos, labels)
        spans = _spans(videos, labels, split)
        self.labels = labels
        self.max_interval = max_interval
        self.spans = [span for span in spans if span.frames >= frames]
        for span in spans:
            if span.frames < frames:
                have = f"{span.frames} of its {span.video.frames} frames are for split {split}"
                skip(span.video.name, f"{have}, a clip has {frames}")
        self.lengths = np.array([span.frames for span in self.spans], np.int64)
        self._check_interval(frames, max((span.frames for span in spans), default=0))
        size = videos[0].size
        self.frame_shape = (size, size, CHANNELS)

    def _check_interval(self, frames: int, longest: int) -> None:
        needed = (frames - 1) * self.max_interval + 1
        if longest >= needed:
            return
        fits = (longest - 1) // (frames - 1) if longest >= frames else 0
        way_out = f"lower it to {fits}" if fits else "shorten the clips (training.curriculum)"
        raise Unusable(
            f"model.max_interval {self.max_interval}: a clip of {frames} frames spans {needed}, the "
            f"longest video has {longest} to train on; {way_out}, or add longer videos"
        )

    @property
    def source(self) -> str:
        """SHA-256 of what the clips are cut from."""
        spans = [(span.video.path.name, span.begin, span.end, span.label) for span in self.spans]
        content = json.dumps([spans, self.max_interval])
        return hashlib.sha256(content.encode()).hexdigest()

    def clip(self, seed: int, frames: int) -> Clip:
        """The clip of `seed`: pixels uint8 [frames, size, size, 3] at a random interval; state
        [frames, 2] is the position of the video in `spans` and the frame of that video.

        Raises ValueError where no video is long enough.
        """
        rng = np.random.Generator(np.random.PCG64([seed, 13]))
        interval = int(rng.integers(1, self.max_interval + 1))
        ends = np.cumsum(np.maximum(self.lengths - (frames - 1) * interval, 0))
        if not ends[-1]:
            raise ValueError(f"no video has {frames} frames at interval {interval}")
        drawn = int(rng.integers(ends[-1]))
        index = int(np.searchsorted(ends, drawn, side="right"))
        span = self.spans[index]
        begin = span.begin + drawn - int(ends[index - 1] if index else 0)
        places = begin + interval * np.arange(frames)
        label = 0 if rng.random() < UNLABELLED_SHARE else span.label
        return Clip(
            pixels=span.video.read(places),
            interval=interval,
            labels=np.full(frames, label, np.int64),
            state=np.stack([np.full(frames, index), places], axis=1),
        )


def folder_of(run: RunConfig, data: Path | None, cache: Path, split: str) -> Folder:
    """The dataset of a run over the videos in `data`, or else in the folder that its file names.

    Raises Unusable, saying what to change, where the run or the videos cannot be used.
    """
    place = data or (Path(run.data) if run.data else None)
    if place is None:
        raise Unusable("which videos? Name their folder with --data, or as data in the run file")
    if not place.is_dir():
        raise Unusable(f"{place}: no such folder of videos")
    settings = run.tokenizer
    if settings.frame_channels != CHANNELS:
        raise Unusable(
            f"tokenizer.frame_channels {settings.frame_channels}: videos are read as RGB, so {CHANNELS}"
        )
    if settings.kind == "referenced":
        raise Unusable("tokenizer.kind referenced is for sprites; videos take plain or patches")
    videos = decoded(place, cache, settings.frame_size, run.defaults["framesPerSecond"])
    frames = max(length for _, length in run.training.curriculum) if split == "train" else 1
    return Folder(videos, run.model.labels, run.model.max_interval, frames, split)


def _label_of(video: Video) -> str | None:
    """The sub-folder that a video lies in, at whatever depth; None right below the folder."""
    first, *below = video.name.split("/")
    return first if below else None


def _check_labels(videos: Sequence[Video], labels: tuple[str, ...]) -> None:
    there = {label for video in videos if (label := _label_of(video))}
    if missing := [label for label in labels if label not in there]:
        known = ", ".join(sorted(there)) or "none"
        raise Unusable(
            f"model.labels: no video lies in a sub-folder {missing[0]!r}; sub-folders are: {known}"
        )


def _spans(videos: Sequence[Video], labels: tuple[str, ...], split: str) -> list[Span]:
    """What a split may use of every video."""
    ids = {label: index + 1 for index, label in enumerate(labels)}
    whole = [Span(video, 0, video.frames, ids.get(_label_of(video) or "", 0)) for video in videos]
    training = split == "train"
    if len(videos) >= MANY_VIDEOS:
        # By a checksum of the name, so that a video mostly keeps its side when others come.
        by_chance = sorted(whole, key=lambda span: zlib.crc32(span.video.name.encode()))
        kept = {span.video.name for span in by_chance[: len(videos) // HELD_OUT]}
        return [span for span in whole if (span.video.name in kept) != training]
    parts = []
    for span in whole:
        border = span.end - max(1, span.frames // HELD_OUT)
        parts.append(replace(span, end=border) if training else replace(span, begin=border))
    return parts
