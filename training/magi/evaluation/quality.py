"""quality.json: the figures that a model's manifest carries.

Every figure names its mean by what it is (psnr, share, pixels, ...) beside the `low` and `high` end
of its 95% interval and the `count` of values.
"""

from __future__ import annotations

from collections.abc import Callable

from magi.evaluation.actions import ACTIONS
from magi.evaluation.alignment import WAYS
from magi.evaluation.speeds import TRUE
from magi.evaluation.starts import ALIGNED, PSNR
from magi.evaluation.subject import MODEL

SPLIT_KEYS = {"test-combo": "testCombo", "test-item": "testItem"}
VIEW_KEYS = {"down": "", "all directions": "AllDirections"}


def named(known: dict, name: str) -> dict:
    """A summary whose mean is called `name`."""
    return {name: known["mean"], **{key: known[key] for key in ("low", "high", "count")}}


def actions(figures: dict) -> dict:
    """PSNR of every split, view and action; the other values are those of test-combo."""
    told = {}
    for split, systems in figures.items():
        for view, suffix in VIEW_KEYS.items():
            known = systems[MODEL][view]["psnr"]
            told[SPLIT_KEYS[split] + suffix] = {
                label: named(known[label], "psnr") for label in ACTIONS if label in known
            }
    combo = figures["test-combo"][MODEL]
    for view, suffix in VIEW_KEYS.items():
        known = combo[view]
        told[f"ssim{suffix}"] = named(known["ssim"]["all"], "ssim")
        for value in ("exactColourShare", "actionAccuracy"):
            told[value + suffix] = named(known[value]["all"], "share")
    return told | {
        name: named(distance, "distance") for name, distance in combo["distances"].items()
    }


def long_difference(figures: dict) -> dict:
    """PSNR of the last window less that of the first, whose true frames are the same: aligned by
    phase, and at the same frames, where having fallen out of step counts as a fault."""
    same, aligned = (named(figures[MODEL][way]["difference"], "psnr") for way in WAYS)
    return {"longPsnrDifference": aligned, "longPsnrDifferenceAtTheSameFrames": same}


def precision(figures: dict) -> dict:
    """PSNR of the 8-bit graphs less that of the float ones; null without a float model."""
    known = named(figures["difference"], "psnr") if figures else None
    return {"int8PsnrDifference": known}


def intervals(figures: dict) -> dict:
    """Share of clips that are nearest to the truth at the interval that was asked for."""
    return {"intervalAccuracy": named(figures["nearest to its own truth"], "share")}


def starts(figures: dict) -> dict:
    """PSNR from any pose, and after a change at any frame: at the same frames and by phase."""
    return {
        key + suffix: named(systems[MODEL][value], "psnr")
        for key, systems in zip(("anyPose", "anyChange"), figures.values(), strict=True)
        for suffix, value in (("", PSNR), ("Aligned", ALIGNED))
    }


def diversity(figures: dict) -> dict:
    """Mean distance of two first frames that nobody gave, by temperature."""
    return {"firstFrameDistance": {name: named(known, "share") for name, known in figures.items()}}


def physics(figures: dict) -> dict:
    """What is told of the model's motion."""
    known = figures[MODEL]
    units = {"positionErrorPixels": "pixels", "objectPermanence": "share"}
    told = {
        key: {frame: named(one, unit) for frame, one in known[key].items()}
        for key, unit in units.items()
    }
    told["framesWithinRadius"] = named(known["framesWithinRadius"], "frames")
    return told | {
        network: {which: named(one, "distance") for which, one in distances.items()}
        for network, distances in known["distances"].items()
    }


def speeds(figures: dict) -> dict:
    """How far the model moves shapes from one frame to the next, by interval, and how far is true."""
    return {
        key: {
            interval: named(known[name]["moved"], "pixels")
            for interval, known in figures.items()
            if known[name]["moved"]
        }
        for key, name in (("movedPixels", MODEL), ("movedPixelsTrue", TRUE))
    }


OF_PART: dict[str, Callable[[dict], dict]] = {
    "actions": actions,
    "long": long_difference,
    "intervals": intervals,
    "starts": starts,
    "diversity": diversity,
    "precision": precision,
    "physics": physics,
    "speeds": speeds,
}
"""What each part of a measurement gives."""


def quality(figures: dict[str, dict], about: dict) -> dict:
    """The content of quality.json from the figures of every part; `about`: how they were made."""
    known: dict = {}
    for part, measured in figures.items():
        known |= OF_PART[part](measured)
    return known | about
