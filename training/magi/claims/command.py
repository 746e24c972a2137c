"""`npm run training -- claims`: what the paper claims, measured on runs that cost the same."""

from __future__ import annotations

import argparse
from pathlib import Path

TRAINING = Path(__file__).resolve().parents[2]
WORK = TRAINING / "work"
RESULTS = TRAINING / "results" / "claims"
DOCUMENT = TRAINING.parent / "docs" / "results.md"


def _run(args: argparse.Namespace) -> None:
    from magi.claims import parts

    getattr(parts, args.part)(args)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    return text.split(",")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `claims`."""
    parts = parser.add_subparsers(required=True, metavar="part")

    def part(name: str, about: str) -> argparse.ArgumentParser:
        sub = parts.add_parser(name, help=about, description=about)
        sub.add_argument("--work", type=Path, default=WORK, help="folder of checkpoints")
        sub.add_argument("--results", type=Path, default=RESULTS, help="folder of figures")
        sub.set_defaults(command=_run, part=name)
        return sub

    def trains(sub: argparse.ArgumentParser, clips: int) -> None:
        sub.add_argument("--steps", type=int, help="of a run with ctf; default the run file's")
        sub.add_argument("--seeds", type=_numbers, default=[0, 1, 2], help="default 0,1,2")
        sub.add_argument("--clips", type=int, default=clips, help="clips to measure")
        sub.add_argument("--seed", type=int, default=0, help="of the first measured video")

    sub = part("grid", "both paradigms with and without interval and noise, at equal arithmetic")
    trains(sub, 128)
    sub.add_argument("--only", type=_names, help="these runs, such as ctf-0,mtf-interval-noise-2")

    trains(part("horizon", "16 training frames to 128 generated, by window and full attention"), 32)

    for name, about in (
        ("steps", "quality against arithmetic over decode steps and head steps"),
        ("times", "time over frames, with a cache and without"),
    ):
        sub = part(name, about)
        sub.add_argument("--run", default="nano", help="a trained run; default nano")
        sub.add_argument("--seed", type=int, default=0, help="of the first video")
        if name == "steps":
            sub.add_argument("--clips", type=int, default=64, help="clips to measure")
        else:
            sub.add_argument("--frames", type=int, default=256)

    sub = part("report", "write docs/results.md and its pictures from the figures")
    sub.add_argument("--document", type=Path, default=DOCUMENT)
