"""quality.json: the figures that a model's manifest carries."""

from __future__ import annotations

from collections.abc import Callable

from magi.evaluation.actions import ACTIONS, MODEL

KEYS = {"test-combo": "testCombo", "test-item": "testItem"}


def named(known: dict, name: str) -> dict:
    """A summary whose mean is called `name`."""
    return {name: known["mean"], **{key: known[key] for key in ("low", "high", "count")}}


def actions(figures: dict) -> dict:
    """PSNR facing down for every split and action, and what the first split says else."""
    measured = {split: systems[MODEL]["down"] for split, systems in figures.items()}
    psnr = {
        KEYS[split]: {
            label: named(known["psnr"][label], "psnr")
            for label in ACTIONS
            if label in known["psnr"]
        }
        for split, known in measured.items()
    }
    first = next(iter(measured.values()))
    return psnr | {"exactColourShare": named(first["exactColourShare"]["all"], "share")}


OF_PART: dict[str, Callable[[dict], dict]] = {"actions": actions}
"""What each measured part gives to quality.json."""


def quality(figures: dict[str, dict], about: dict) -> dict:
    """The content of quality.json from the figures of every part; `about`: how they were made."""
    known: dict = {}
    for part, measured in figures.items():
        known |= OF_PART[part](measured) if part in OF_PART else {}
    return known | about
