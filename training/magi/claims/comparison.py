"""Do the paper's claims hold? Differences between systems, with intervals, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from magi.claims.bootstrap import interval
from magi.claims.grid import GRID, PAPER, System, run_of
from magi.claims.runs import (
    FINAL,
    FRAME,
    HORIZONS,
    SHARED,
    TASKS,
    VIDEO,
    Contexts,
    Setting,
    measured_file,
    read_measures,
)

Pair = tuple[System, System]
"""The system that a claim says is better, and the other one."""
Draws = dict[str, dict[str, np.ndarray]]
"""Draws of a figure by task and name."""


@dataclass(frozen=True)
class Claim:
    """What the paper says: by the figure named, the first system of every pair is better, on the
    average over the pairs."""

    text: str
    figure: str
    pairs: tuple[Pair, ...]


def _pairs(better: dict, worse: dict, among: Sequence[System]) -> tuple[Pair, ...]:
    """The systems of `among` that have the settings `better`, each with its twin."""
    chosen = [system for system in among if replace(system, **better) == system]
    return tuple((system, replace(system, **worse)) for system in chosen)


_CTF = tuple(system for system in GRID if system.paradigm == "ctf")
_PARADIGMS = _pairs({"paradigm": "ctf"}, {"paradigm": "mtf"}, GRID)
_AT_THE_END = f"position error at {HORIZONS[-1]}"

CLAIMS = (
    Claim("complete teacher forcing is better than masked", VIDEO, _PARADIGMS),
    *(
        Claim(f"the same, {better.name} against {worse.name}", VIDEO, ((better, worse),))
        for better, worse in _PARADIGMS
    ),
    Claim("complete teacher forcing is better than masked", _AT_THE_END, _PARADIGMS),
    Claim(
        "single frames of masked teacher forcing are slightly better",
        FRAME,
        tuple((masked, complete) for complete, masked in _PARADIGMS),
    ),
    Claim("the dynamic interval helps", VIDEO, _pairs({"interval": True}, {"interval": False}, _CTF)),
    Claim("noise injection helps", VIDEO, _pairs({"noise": True}, {"noise": False}, _CTF)),
    Claim("both are better than the interval alone", VIDEO, ((PAPER, replace(PAPER, noise=False)),)),
    Claim("both are better than noise alone", VIDEO, ((PAPER, replace(PAPER, interval=False)),)),
)


def compared(setting: Setting, contexts: Contexts, seeds: Sequence[int]) -> dict:
    """The figures of every system of the grid over all seeds, and the verdict on every claim; after
    equally many steps for the paradigms alone, because systems of one paradigm always have those.

    Raises FileNotFoundError where a run is not measured yet.
    """
    known = {
        checkpoint: {
            system.name: contexts.told(_of_seeds(setting, system, seeds, checkpoint), system.name)
            for system in GRID
        }
        for checkpoint in (FINAL, SHARED)
    }
    baselines = {
        name: contexts.told([measures], name) for name, measures in contexts.baselines.items()
    }
    return {
        "about": setting.about() | {"seeds": list(seeds)},
        "systems": {
            checkpoint: {name: _intervals(draws) for name, draws in systems.items()}
            for checkpoint, systems in known.items()
        },
        "baselines": {name: _intervals(draws) for name, draws in baselines.items()},
        "claims": [
            verdict(claim, systems, task) | {"at": checkpoint}
            for claim in CLAIMS
            for task in TASKS
            for checkpoint, systems in known.items()
            if claim.figure in systems[PAPER.name][task]
            and (checkpoint == FINAL or claim.pairs == _PARADIGMS)
        ],
    }


def verdict(claim: Claim, systems: dict[str, Draws], task: str) -> dict:
    """The difference that a claim is about, better minus worse, and in percent of the worse. Every
    claim is about a figure of which less is better: it holds where the interval is below 0."""
    sides = [
        np.mean([systems[pair[side].name][task][claim.figure] for pair in claim.pairs], axis=0)
        for side in (0, 1)
    ]
    difference = interval(sides[0] - sides[1])
    holds = {True: "holds", False: "undecided"}[difference["high"] < 0]
    return {
        "claim": claim.text,
        "figure": claim.figure,
        "task": task,
        "better": interval(sides[0]),
        "worse": interval(sides[1]),
        "difference": difference,
        "percent": interval(100 * (sides[0] - sides[1]) / sides[1]),
        "verdict": "the opposite" if difference["low"] > 0 else holds,
    }


def _of_seeds(setting: Setting, system: System, seeds: Sequence[int], checkpoint: str) -> list:
    return [
        read_measures(measured_file(setting, run_of(setting.base, system, seed), checkpoint))
        for seed in seeds
    ]


def _intervals(draws: Draws) -> dict:
    return {
        task: {name: interval(values) for name, values in figures.items()}
        for task, figures in draws.items()
    }
