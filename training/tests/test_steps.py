"""The sweep of decode and head steps, on a model whose quality is known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from magi.data.sprites import Sprites
from magi.evaluation import steps
from magi.evaluation.videos import Settings
from magi.generation import Sampling

NANO = Path(__file__).parents[2] / "models" / "nano" / "manifest.json"
SETTINGS = Settings(Sampling(4, 8, 0.5), Sampling(16, 4, 0.8), "int8")


def test_a_frame_costs_what_the_service_counts():
    manifest = {
        "tokenizer": {"tokens": 4},
        "graphs": {
            "backbone": {"multiplyAdds": 1000},
            "head": {"multiplyAdds": {"fixed": 10, "perStep": 20}},
            "decoder": {"multiplyAdds": 500},
        },
    }
    cost = steps.multiply_adds_per_frame(manifest, Sampling(2, 3, 1.0))
    assert cost == 3 * 1000 + 4 * (10 + 3 * 20) + 500
    most = steps.multiply_adds_per_frame(manifest, Sampling(99, 3, 1.0))
    assert most == steps.multiply_adds_per_frame(manifest, Sampling(4, 3, 1.0))


def test_pairs_are_compared_on_the_same_videos_and_all_else_stays_as_served(archive, monkeypatch):
    dataset = Sprites(archive, "test-combo")
    asked = []

    def animation(model, settings):
        """Right in the first `decode_steps` frames after the given one."""

        def animate(request):
            asked.append((request.seed, tuple(request.labels), settings))
            truth = truths[request.given.tobytes(), request.labels[0]].copy()
            truth[1 + settings.frames.decode_steps :] = 0
            return truth

        return animate

    truths = {}
    for clip in steps.action_clips(dataset, 2, views=1):
        request = clip.request(dataset.labels, 0)
        truths[request.given.tobytes(), request.labels[0]] = clip.truth
    monkeypatch.setattr(steps, "served_animation", animation)
    model = type("Model", (), {"manifest": json.loads(NANO.read_text())})
    cells = steps.measure(model, SETTINGS, dataset, 2, 7, ((1, 2), (8, 2), (15, 4)))
    few, more, all_right = (cell["psnr"]["mean"] for cell in cells)
    assert few < more < all_right == pytest.approx(60)
    assert [cell["difference"]["mean"] for cell in cells] == pytest.approx([few - 60, more - 60, 0])
    assert all(cell["psnr"]["count"] == 2 for cell in cells)
    costs = [cell["multiplyAddsPerFrame"] for cell in cells]
    assert costs == sorted(costs) and np.all(np.diff(costs) > 0)
    assert {settings.first for *_, settings in asked} == {SETTINGS.first}
    assert {replace(settings.frames, decode_steps=4, head_steps=8) for *_, settings in asked} == {
        SETTINGS.frames
    }
    for clip in range(0, len(asked), 3):
        assert len({seen[:2] for seen in asked[clip : clip + 3]}) == 1
    assert "| 15 | 4 |" in steps.table(cells)
