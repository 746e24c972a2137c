"""Precision: what the 8-bit graphs lose against the same model in float32, on whole videos."""

from __future__ import annotations

from magi.evaluation.actions import Score, action_clips, by_character
from magi.evaluation.subject import MODEL, Subject, figure, watched
from magi.metrics import psnr, summary

FLOAT = "float"
MISSING = (
    "Precision: not measured, because there is no float model; export one with "
    "`export RUN --precision float --out FOLDER` and name it with --float-model"
)


def measure(subject: Subject) -> dict:
    """PSNR of the 8-bit and of the float model facing down, from the same first frames and seeds,
    and the difference, 8-bit less float; nothing without a float model."""
    if subject.float_animate is None:
        return {}
    dataset = subject.dataset("test-combo")
    systems = {MODEL: subject.animate, FLOAT: subject.float_animate}
    scores: dict[str, list[Score]] = {name: [] for name in systems}
    for clip in watched(action_clips(dataset, subject.fewer(), views=1), "precision"):
        for name, animate in systems.items():
            made = animate(clip.request(dataset.labels, subject.seed))
            values = {"psnr": psnr(clip.truth, made)}
            scores[name].append(Score(clip.character, clip.label, clip.direction, values))
    eight_bit, exact = (by_character(scores[name], "psnr", "down") for name in systems)
    return {
        MODEL: summary(eight_bit),
        FLOAT: summary(exact),
        "difference": summary(eight_bit - exact),
    }


def table(figures: dict) -> str:
    """The figures as text."""
    if not figures:
        return MISSING
    eight_bit, exact, difference = (figure(known, 3) for known in figures.values())
    return f"PSNR in dB of 8 bits {eight_bit}, of float32 {exact}, difference {difference}"
