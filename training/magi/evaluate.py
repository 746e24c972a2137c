"""Measures a model: every part of a data set's measurement, one after another, into one report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from magi.evaluation import (
    actions,
    diversity,
    intervals,
    long_videos,
    physics,
    precision,
    speeds,
    starts,
)
from magi.evaluation.quality import quality
from magi.evaluation.subject import Subject


@dataclass(frozen=True)
class Part:
    """One part of a measurement: its figures, and their text."""

    measure: Callable[[Subject], dict]
    table: Callable[[dict], str]


PARTS: dict[str, dict[str, Part]] = {
    "sprites": {
        "actions": Part(actions.measure, actions.table),
        "long": Part(long_videos.measure, long_videos.table),
        "intervals": Part(intervals.measure, intervals.table),
        "starts": Part(starts.measure, starts.table),
        "diversity": Part(diversity.measure, diversity.table),
        "precision": Part(precision.measure, precision.table),
    },
    "physics": {
        "physics": Part(physics.measure, physics.table),
        "speeds": Part(speeds.measure, speeds.table),
        "diversity": Part(diversity.measure, diversity.table),
    },
}
"""The parts of each data set's measurement, in their order."""


def source_commit() -> str:
    """The commit of this code, marked where files differ from it; "unknown" outside a checkout."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", str(here))
        return git("rev-parse", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def evaluate(subject: Subject, kind: str, parts: list[str], about: dict) -> dict:
    """Measure `parts` of the data set `kind`, print each as it is done, and write all figures into
    the subject's folder; returns them, {part: figures}. `about`: how they were made."""
    figures = {}
    subject.out.mkdir(parents=True, exist_ok=True)
    path = subject.out / f"{subject.name}-figures.json"
    for name in parts:
        part = PARTS[kind][name]
        figures[name] = part.measure(subject)
        print(f"\n{part.table(figures[name])}\n", flush=True)
        path.write_text(json.dumps(about | figures, indent=2) + "\n")
    return figures


def write_quality(path: Path, figures: dict, about: dict) -> None:
    """Write what a manifest carries of the figures."""
    path.write_text(json.dumps(quality(figures, about), indent=2) + "\n")
