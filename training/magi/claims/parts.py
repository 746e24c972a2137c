"""What the parts of `npm run training -- claims` do."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from magi.claims import report as reporting
from magi.claims.cache_time import seconds_by_frame
from magi.claims.comparison import compared
from magi.claims.grid import GRID, run_name
from magi.claims.horizon import long_videos
from magi.claims.runs import Contexts, Setting, finish, write_json
from magi.claims.step_grid import StepGrid
from magi.claims.videos import Sampling
from magi.codec import Codec
from magi.config import RunConfig, Unusable, find_run
from magi.train import load_model
from magi.video_encoder import load_encoder

RUNS = Path(__file__).resolve().parents[2] / "runs"


def grid(args: argparse.Namespace) -> None:
    """Train and measure the runs, then compare them where all are there."""
    setting = _setting(args)
    names = {
        run_name(system, seed): (system, seed) for seed in args.seeds for system in GRID
    }
    asked = args.only or list(names)
    if unknown := set(asked) - set(names):
        raise Unusable(f"--only {','.join(sorted(unknown))}: none of {', '.join(names)}")
    contexts = _once(lambda: Contexts(setting))
    for name in asked:
        made = finish(setting, *names[name], contexts)
        print(f"{name}: {'measured' if made else 'was done already'}")
    if not args.only:
        compare(args, setting, contexts())


def compare(args: argparse.Namespace, setting: Setting, contexts: Contexts) -> None:
    known = compared(setting, contexts, args.seeds)
    _write(args, "comparison", known)
    for one in known["claims"]:
        print(f"{one['claim']}, {one['figure']}, {one['task']}, {one['at']}: {one['verdict']}")


def horizon(args: argparse.Namespace) -> None:
    """Long videos by a window and by full attention."""
    _write(args, "horizon", long_videos(_setting(args), args.seeds, args.clips))


def steps(args: argparse.Namespace) -> None:
    """Every pair of decode steps and head steps; goes on where it was left."""
    run, model, codec, trained = _subject(args)
    features, encoder = _features(run)
    measuring = StepGrid(model, codec, features, Sampling.of(run, args.seed), args.clips)
    about = measuring.about() | {"run": run.name, "trainedSteps": trained, "encoder": encoder}
    path = args.results / "steps.json"
    earlier = json.loads(path.read_text()) if path.is_file() else {}
    cells = earlier["cells"] if earlier.get("about") == about else []
    for cell in tqdm(measuring.cells(cells), initial=len(cells), unit="cell"):
        cells.append(cell)
        _write(args, "steps", {"about": about, "cells": cells})


def times(args: argparse.Namespace) -> None:
    """Time of every frame with a cache and without one."""
    run, model, _, _ = _subject(args)
    torch.set_num_threads(1)
    sampling = Sampling.of(run, args.seed)
    known = seconds_by_frame(model, sampling, args.frames)
    about = {
        "run": run.name,
        "frames": args.frames,
        "decodeSteps": sampling.decode_steps,
        "headSteps": sampling.head_steps,
    }
    _write(args, "times", {"about": about, "secondsByFrame": known})


def report(args: argparse.Namespace) -> None:
    """Write docs/results.md and its pictures from the files of figures."""
    there = reporting.write_report(args.results, args.document)
    print(f"{args.document}: {', '.join(there)}")


def _setting(args: argparse.Namespace) -> Setting:
    base = find_run("claims", RUNS)
    if args.steps:
        base = replace(base, training=replace(base.training, steps=args.steps))
    features, encoder = _features(base)
    return Setting(
        base=base,
        work=args.work / "claims",
        results=args.results,
        clips=args.clips,
        sampling=Sampling.of(base, args.seed),
        features=features,
        encoder=encoder,
    )


def _features(run: RunConfig):
    encoder, digest = load_encoder(run.dataset)
    return encoder.features, digest


def _subject(args: argparse.Namespace):
    """The run to measure, its model and tokenizer, and for how many steps it trained."""
    run = find_run(args.run, RUNS)
    folder = args.work / run.name
    model, known = load_model(run, folder)
    return run, model, Codec.load(run.tokenizer, folder), known["step"]


def _write(args: argparse.Namespace, name: str, content: dict) -> None:
    command = f"npm run training -- {shlex.join(sys.argv[1:])}"
    write_json(args.results / f"{name}.json", {"command": command} | content)


def _once(make: Callable[[], Contexts]) -> Callable[[], Contexts]:
    made: list[Contexts] = []

    def known() -> Contexts:
        if not made:
            made.append(make())
        return made[0]

    return known
