"""Figures of the claims as text and pictures: a section of docs/results.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from magi.claims.cache_time import growth
from magi.claims.comparison import CLAIMS
from magi.claims.horizon import AFTER, WINDOWS, name_of
from magi.claims.runs import FINAL, FRAME, HORIZONS, VIDEO
from magi.claims.step_grid import DECODE_STEPS, HEAD_STEPS
from magi.document import marks, put_between
from magi.evaluation.subject import figure, grid
from magi.line_chart import Axis, line_chart

MARKS = marks("claims", "claims report")
_TOLD = ("claim", "figure", "task", "at")
_AT_THE_END = f"position error at {HORIZONS[-1]}"
Pictures = dict[str, str]
"""SVG by file name."""


def comparison_text(known: dict, runs: dict[str, dict]) -> tuple[str, Pictures]:
    """`known`: comparison.json; `runs`: the file of every run."""
    about = known["about"]
    systems = known["systems"][FINAL] | known["baselines"]
    rows = [
        [
            name,
            *_training(runs.get(f"{name}-{about['seeds'][0]}")),
            figure(parts["first frame"][VIDEO]),
            figure(parts["prediction"][VIDEO]),
            figure(parts["prediction"][_AT_THE_END]),
            figure(parts["first frame"][FRAME]),
        ]
        for name, parts in systems.items()
    ]
    head = ["system", "parameters", "steps", "10^9 multiply-adds", "FD-V from 1 frame"]
    head += ["FD-V from 5", f"{_AT_THE_END}, pixels", "frame distance from 1"]
    return "\n\n".join(
        [
            "### Complete against masked teacher forcing, interval, noise",
            _setting(about) + " Less is better in every column.",
            grid(head, rows),
            "Better minus worse, as the paper has it, with the interval over seeds and clips; "
            "`holds` where all of it is below 0, `the opposite` where all of it is above.",
            grid([*_TOLD, "better", "worse", "percent", "verdict"], _claims(known)),
        ]
    ), {}


def _claims(known: dict) -> list[list[str]]:
    texts = [claim.text for claim in CLAIMS]
    told = sorted(known["claims"], key=lambda one: texts.index(one["claim"]))
    return [
        [
            *(one[key] for key in _TOLD),
            *(figure(one[key]) for key in ("better", "worse")),
            figure(one["percent"], 1),
            one["verdict"],
        ]
        for one in told
    ]


def _training(run: dict | None) -> list[str]:
    if run is None:
        return ["", "", ""]
    known = run["training"]
    return [
        f"{known['parameters']:,}",
        str(known["steps"]),
        f"{known['multiplyAdds'] / 1e9:,.0f}",
    ]


def _setting(about: dict) -> str:
    sampling = about["sampling"]
    seeds = ", ".join(map(str, about["seeds"]))
    return (
        f"{about['clips']} clips that no run trained on, the same for all; seeds of training {seeds}; "
        f"{sampling['decode_steps']} decode steps, {sampling['head_steps']} head steps, temperature "
        f"{sampling['temperature']}, interval 1; encoder of FD-V {about['encoder'][:12]}."
    )


def horizon_text(known: dict, _: dict) -> tuple[str, Pictures]:
    """`known`: horizon.json."""
    labels = [f"FD-V, {name_of(window)}" for window in WINDOWS]
    labels += [f"position error at {frame}" for frame in AFTER]
    labels += [f"shapes there at {AFTER[-1]}"]
    systems = known["systems"] | {"window minus full": known["differences"]}
    rows = [
        [name, *(figure(parts[label]) for label in labels)] for name, parts in systems.items()
    ]
    lines = {
        name: [(index + 1, value) for index, value in enumerate(values)]
        for name, values in known["positionErrorByFrame"].items()
    }
    chart = line_chart(
        lines,
        "Where shapes are, by frame after the 5 given ones",
        Axis("frame"),
        Axis("position error, pixels"),
    )
    return "\n\n".join(
        [
            f"### Trained on 16 frames, drawing {known['about']['frames']}",
            _setting(known["about"]),
            grid(["system", *labels], rows),
            "![Position error by frame](pictures/claims-horizon.svg)",
        ]
    ), {"claims-horizon.svg": chart}


def steps_text(known: dict, _: dict) -> tuple[str, Pictures]:
    """`known`: steps.json."""
    about = known["about"]
    cells = {(cell["decodeSteps"], cell["headSteps"]): cell for cell in known["cells"]}
    pictures = {}
    for name, label in (("fdv", VIDEO), ("error", _AT_THE_END)):
        lines = {
            f"{decode} decode steps": [
                (cells[decode, head]["multiplyAddsPerFrame"] / 1e6, cells[decode, head][label]["mean"])
                for head in HEAD_STEPS
                if (decode, head) in cells
            ]
            for decode in DECODE_STEPS
        }
        pictures[f"claims-steps-{name}.svg"] = line_chart(
            {name: line for name, line in lines.items() if line},
            f"{label} by arithmetic, 1 to 100 head steps",
            Axis("million multiply-adds a frame", logarithmic=True),
            Axis(label),
        )

    def table(value: Callable[[dict], str]) -> str:
        def shown(decode: int, head: int) -> str:
            return value(cells[decode, head]) if (decode, head) in cells else ""

        rows = [
            [str(decode), *(shown(decode, head) for head in HEAD_STEPS)] for decode in DECODE_STEPS
        ]
        return grid(["decode steps", *(f"{head} head steps" for head in HEAD_STEPS)], rows)

    return "\n\n".join(
        [
            "### Decode steps and head steps",
            f"Run `{about['run']}` after {about['trainedSteps']} steps; {about['clips']} clips, "
            f"{about['given']} of {about['frames']} frames given, temperature {about['temperature']}; "
            "intervals are over clips.",
            "Million multiply-adds a frame:",
            table(lambda cell: f"{cell['multiplyAddsPerFrame'] / 1e6:,.0f}"),
            "FD-V:",
            table(lambda cell: figure(cell[VIDEO])),
            f"{_AT_THE_END.capitalize()}, pixels:",
            table(lambda cell: figure(cell[_AT_THE_END])),
            *(f"![{name}](pictures/{name})" for name in pictures),
        ]
    ), pictures


def times_text(known: dict, _: dict) -> tuple[str, Pictures]:
    """`known`: times.json."""
    about, seconds = known["about"], known["secondsByFrame"]
    rows = [
        [
            name,
            f"{sum(values):.1f}",
            f"{1000 * sum(values[-16:]) / 16:.0f}",
            f"{growth(values):.2f}",
        ]
        for name, values in seconds.items()
    ]
    total = {name: _running(values) for name, values in seconds.items()}
    chart = line_chart(
        total,
        f"Time of a video, {about['decodeSteps']} decode steps",
        Axis("frames"),
        Axis("processor seconds"),
    )
    return "\n\n".join(
        [
            "### Time over frames",
            f"Run `{about['run']}`, one video of {about['frames']} frames, {about['decodeSteps']} "
            f"decode steps, {about['headSteps']} head steps, one thread. Time grows with the power "
            "of the number of frames that the last column says: 1 is linear, 2 quadratic; fitted "
            "over the last three quarters of the frames.",
            grid(["way", "seconds in all", "ms for one of the last 16 frames", "power"], rows),
            "![Time over frames](pictures/claims-times.svg)",
        ]
    ), {"claims-times.svg": chart}


def _running(values: list[float]) -> list[tuple[float, float]]:
    total, points = 0.0, []
    for index, value in enumerate(values):
        total += value
        points.append((index + 1.0, total))
    return points


SECTIONS = {
    "comparison": comparison_text,
    "horizon": horizon_text,
    "steps": steps_text,
    "times": times_text,
}
"""What is made of each file of figures."""


def write_report(results: Path, document: Path) -> list[str]:
    """Puts what the files in `results` say between the marks of `document`, with pictures beside it;
    returns the names of the sections. Raises ValueError where the document has no marks."""
    files = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}
    there = [name for name in SECTIONS if name in files]
    made = {name: SECTIONS[name](files[name], files) for name in there}
    sections = [
        f"{section}\n\nMade by `{files[name]['command']}`." for name, (section, _) in made.items()
    ]
    put_between(document, MARKS, "\n\n".join(sections))
    folder = document.parent / "pictures"
    folder.mkdir(exist_ok=True)
    for _, pictures in made.values():
        for name, svg in pictures.items():
            (folder / name).write_text(svg)
    return there
