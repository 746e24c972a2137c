"""What is measured of the committed models, as sections of docs/results.md with pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from magi.document import marks, put_between
from magi.evaluate import PARTS
from magi.evaluation import steps
from magi.evaluation.subject import grid
from magi.evaluation.videos import Animate, Request
from magi.line_chart import Axis, line_chart
from magi.pictures import contact_sheet

TITLES = {
    "actions": "Actions, one at a time",
    "long": "Long videos",
    "intervals": "Intervals",
    "starts": "Starts in any pose, changes at any frame",
    "diversity": "First frames that nobody gave",
    "precision": "8 bits against float32",
    "physics": "Motion",
    "speeds": "Intervals",
}
"""Of each part of `evaluate`."""
_SHOWN = 16
"""Frames of a row of a contact sheet."""
_SEEDS = range(3)
_SHEET_PIXELS = 64
"""Least width of a frame on a contact sheet."""


@dataclass(frozen=True)
class Model:
    """A committed model: how it draws, and which weights those are.

    first_frame: a hand-drawn one, uint8 [h, w, c], or None where there is none of its size.
    """

    name: str
    dataset: str
    labels: tuple[str, ...]
    frame_shape: tuple[int, int, int]
    weights: str
    animate: Animate
    first_frame: np.ndarray | None


def evaluation_text(model: Model, known: dict) -> str:
    """What `evaluate` found, part by part."""
    parts = [
        f"### {TITLES[name]}\n\n{part.table(known[name])}"
        for name, part in PARTS[model.dataset].items()
        if name in known
    ]
    first = known["firstFrame"]
    about = (
        f"{known['characters']} contexts of each kind at most, seeds from {known['seed']}; "
        f"{known['decodeSteps']} decode steps, {known['headSteps']} head steps, temperature "
        f"{known['temperature']}; a frame 0 that the model draws {first['decodeSteps']}, "
        f"{first['headSteps']} and {first['temperature']}; K and V in {known['kv']}. Means with 95% "
        "bootstrap intervals; [measuring.md](measuring.md) says what each figure is."
    )
    return "\n\n".join([about, *parts])


def steps_text(model: Model, known: dict) -> str:
    """What `steps` found; the chart is steps_chart."""
    return "\n\n".join(
        [
            "### Decode steps and head steps",
            f"{known['characters']} characters facing down, the same clips and noise for all. The "
            "milliseconds are of native onnxruntime, one thread, the given frame's share included; a "
            "Worker is slower.",
            steps.table(known["cells"]),
            f"![PSNR against multiply-adds](pictures/steps-{model.name}.svg)",
        ]
    )


def steps_chart(cells: list[dict]) -> str:
    """PSNR lost against arithmetic, one line for each number of head steps, as SVG."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for cell in cells:
        point = cell["multiplyAddsPerFrame"] / 1e6, cell["difference"]["mean"]
        lines.setdefault(f"{cell['headSteps']} head steps", []).append(point)
    across = Axis("million multiply-adds a frame")
    return line_chart(lines, "PSNR less that of the most steps", across, Axis("dB"))


def bench_text(model: Model, known: dict) -> str:
    """What `npm run bench` found."""
    rows = [
        ["frames a second", f"{known['framesPerSecond']:.1f}"],
        ["million multiply-adds a frame", f"{known['multiplyAddsPerFrame'] / 1e6:.0f}"],
        [
            "10^9 8-bit multiply-adds a second that this machine reaches",
            f"{known['ceilingMultiplyAddsPerSecond'] / 1e9:.1f}",
        ],
        ["share of that", f"{100 * known['ceilingShare']:.0f}%"],
        ["cost of frame 200 over frame 20", f"{known['costRatio200over20']:.2f}"],
        ["WebAssembly memory, MiB", f"{known['wasmMemoryMiB']:.0f}"],
    ]
    return f"### Speed, inside workerd\n\n{grid(['figure', 'seen'], rows)}"


FILES: dict[str, tuple[Callable[[Model, dict], str], str]] = {
    "evaluation": (evaluation_text, "npm run training -- evaluate {name}"),
    "steps": (steps_text, "npm run training -- steps {name}"),
    "bench": (bench_text, "npm run -s bench -- {name} | tail -1 > training/results/bench-{name}.json"),
}
"""Kinds of files in training/results, KIND-MODEL.json: what is told of each, and what makes it."""


def draw_sheets(model: Model, folder: Path) -> list[str]:
    """Contact sheets of videos from first frames that are nobody's drawing but this project's: the
    hand-drawn one under every label, and the model's own. Returns Markdown."""
    told = []
    scale = max(1, _SHEET_PIXELS // model.frame_shape[1])
    if model.first_frame is not None:
        given = model.first_frame[None]
        videos = [
            model.animate(Request(given, [index + 1] * _SHOWN, 0))
            for index in range(len(model.labels))
        ]
        name = f"{model.name}-hand-drawn.png"
        contact_sheet(videos, model.labels, folder / name, scale)
        told.append(f"One hand-drawn first frame under every label:\n\n![Every label](pictures/{name})")
    nothing = np.zeros((0, *model.frame_shape), np.uint8)
    label = 1 if model.labels else 0
    firsts = [model.animate(Request(nothing, [label], seed))[0] for seed in range(_SHOWN)]
    videos = [model.animate(Request(nothing, [label] * _SHOWN, seed)) for seed in _SEEDS]
    name = f"{model.name}-model-drawn.png"
    names = ["first frames, one seed each", *(f"seed {seed}" for seed in _SEEDS)]
    contact_sheet([np.stack(firsts), *videos], names, folder / name, scale)
    told.append(f"First frames that the model drew, and videos from some:\n\n![Drawn](pictures/{name})")
    return told


def write_results(model: Model, results: Path, document: Path) -> list[str]:
    """Puts what the files in `results` say of a model between its marks in `document`, with pictures
    beside that; returns the kinds of files there were. Raises ValueError where the document has no
    marks, and for a file about other weights than the model's."""
    folder = document.parent / "pictures"
    folder.mkdir(exist_ok=True)
    sections, there = draw_sheets(model, folder), []
    for kind, (text, command) in FILES.items():
        path = results / f"{kind}-{model.name}.json"
        if not path.is_file():
            continue
        known = json.loads(path.read_text())
        if known.get("weights", model.weights) != model.weights:
            raise ValueError(f"{path}: about other weights; run `{command.format(name=model.name)}`")
        sections.append(f"{text(model, known)}\n\nMade by `{command.format(name=model.name)}`.")
        if kind == "steps":
            (folder / f"steps-{model.name}.svg").write_text(steps_chart(known["cells"]))
        there.append(kind)
    put_between(document, marks(model.name, "results"), "\n\n".join(sections))
    return there
