"""docs/results.md: what is written between the marks, and what is left alone."""

import json

import numpy as np
import pytest
from PIL import Image

from magi.claims.report import MARKS as CLAIMS
from magi.document import marks, put_between
from magi.results import Model, write_results

AROUND = marks("small", "results")


def drawing(request):
    """Frames in one colour for each seed and label, without anything given."""
    shade = 40 + 10 * request.seed + 60 * request.labels[0]
    frames = np.full((len(request.labels), 16, 16, 4), shade, np.uint8)
    frames[..., 3] = 255
    frames[: len(request.given)] = request.given
    return frames


MODEL = Model(
    name="small",
    dataset="sprites",
    labels=("walk", "jump"),
    frame_shape=(16, 16, 4),
    weights="abc",
    animate=drawing,
    first_frame=np.full((16, 16, 4), (200, 200, 200, 255), np.uint8),
)


def cell(decode, head, lost):
    summary = {"mean": 30.0, "low": 29.0, "high": 31.0, "count": 2}
    return {
        "decodeSteps": decode,
        "headSteps": head,
        "multiplyAddsPerFrame": 10**6 * decode * head,
        "millisecondsPerFrame": 3.0,
        "psnr": summary,
        "difference": summary | {"mean": lost},
    }


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "docs" / "results.md"
    path.parent.mkdir()
    path.write_text("\n".join(["before", AROUND[0], "stale", AROUND[1], *CLAIMS, "after", ""]))
    return path


def test_a_section_is_written_between_its_marks_and_all_else_is_left_alone(document, tmp_path):
    told = {"weights": "abc", "characters": 2, "cells": [cell(1, 1, -0.5), cell(4, 8, 0.0)]}
    (tmp_path / "steps-small.json").write_text(json.dumps(told))
    (tmp_path / "steps-other.json").write_text("{}")
    for _ in range(2):
        assert write_results(MODEL, tmp_path, document) == ["steps"]
        text = document.read_text()
        assert text.startswith(f"before\n{AROUND[0]}\n") and "stale" not in text
        assert text.endswith("\n".join([AROUND[1], *CLAIMS, "after", ""]))
        assert "| 4 | 8 | 32 |" in text and text.count("npm run training -- steps small") == 1
    pictures = {path.name for path in (document.parent / "pictures").iterdir()}
    assert pictures == {"small-hand-drawn.png", "small-model-drawn.png", "steps-small.svg"}
    assert all(f"pictures/{name}" in text for name in pictures)
    put_between(document, CLAIMS, "claimed")
    assert "| 4 | 8 | 32 |" in document.read_text()


def test_sheets_show_the_hand_drawn_frame_under_every_label_and_what_the_model_draws(document, tmp_path):
    write_results(MODEL, tmp_path, document)
    folder = document.parent / "pictures"
    with Image.open(folder / "small-hand-drawn.png") as image:
        pixels = np.array(image)
    assert (pixels == 200).all(-1).any() and (pixels == 100).all(-1).any()
    assert (pixels == 160).all(-1).any()
    with Image.open(folder / "small-model-drawn.png") as image:
        pixels = np.array(image)
    assert all((pixels == 100 + 10 * seed).all(-1).any() for seed in range(16))


def test_figures_of_other_weights_are_refused(document, tmp_path):
    (tmp_path / "steps-small.json").write_text(json.dumps({"weights": "old", "cells": []}))
    with pytest.raises(ValueError, match="npm run training -- steps small"):
        write_results(MODEL, tmp_path, document)


def test_a_document_without_marks_is_refused(tmp_path):
    (tmp_path / "a.md").write_text("nothing")
    with pytest.raises(ValueError, match="must hold"):
        put_between(tmp_path / "a.md", AROUND, "body")
