"""Measuring: what is made of which contexts, and what a report says of it."""

import json

import numpy as np
import pytest

from magi.data.sprites import DOWN, Sprites
from magi.evaluate import write_quality
from magi.evaluation import actions
from magi.evaluation.subject import Subject
from magi.video_encoder import load_encoder


@pytest.fixture(scope="module")
def sprites(archive):
    return Sprites(archive, "test-combo")


ENCODER, _ = load_encoder("sprites")


def subject(archive, out, animate, characters: int) -> Subject:
    """A subject whose model is the given function; its tokenizer is perfect."""
    return Subject(
        name="test",
        dataset=lambda split: Sprites(archive, split),
        animate=animate,
        reconstruct=lambda frames: frames,
        characters=characters,
        seed=5,
        out=out,
        sheets=1,
        encoder=ENCODER,
        features={"FD-V": ENCODER.features},
    )


def still(request):
    """A model that repeats the last given frame."""
    frames = np.repeat(request.given[-1:], len(request.labels), 0)
    return frames if request.shown is None else frames[list(request.shown)]


def test_each_character_faces_down_and_one_other_direction_in_turn(sprites):
    clips = actions.action_clips(sprites, 6)
    facing = [{clip.direction for clip in clips if clip.character == index} for index in range(6)]
    assert all(DOWN in directions and len(directions) == 2 for directions in facing)
    assert set.union(*facing) == {0, 1, 2, 3}


def test_only_fighters_are_measured_in_combat(sprites):
    fought = {clip.character for clip in actions.action_clips(sprites, 12) if clip.label == "slash"}
    assert fought == {index for index in range(12) if sprites.recipe(index).fighter}


def test_the_other_direction_weighs_as_much_as_the_three_that_it_stands_for():
    scores = [
        actions.Score(0, "walk", DOWN, {"psnr": 20.0}),
        actions.Score(0, "walk", 0, {"psnr": 12.0}),
        actions.Score(1, "walk", DOWN, {"psnr": 40.0}),
        actions.Score(1, "walk", 1, {"psnr": 20.0}),
    ]
    figures = actions.figures_of(scores)
    assert figures["down"]["psnr"]["walk"]["mean"] == 30
    assert figures["all directions"]["psnr"]["walk"]["mean"] == (14 + 25) / 2
    assert "jump" not in figures["down"]["psnr"]
    facing = actions.psnr_by_direction(scores)
    means = {name: known["mean"] for name, known in facing.items()}
    assert means == {"up": 12, "left": 20, "down": 30}


@pytest.fixture(scope="module")
def measured(archive, tmp_path_factory):
    """Figures of a still model with a perfect tokenizer over three characters, and its folder."""
    out = tmp_path_factory.mktemp("out")
    return actions.measure(subject(archive, out, still, characters=3)), out


def test_a_perfect_tokenizer_stands_above_a_copy_and_a_still_model_beside_it(measured):
    figures, _ = measured
    for split in actions.SPLITS:
        down = {name: known["down"] for name, known in figures[split].items()}
        assert down["tokenizer"]["psnr"]["walk"]["mean"] == pytest.approx(60)
        assert down["tokenizer"]["exactColourShare"]["all"]["mean"] == 1
        assert down["model"] == down["copy of the first frame"]
        assert down["model"]["psnr"]["all"]["mean"] < 40
        assert down["model"]["ssim"]["all"]["mean"] < 1
        assert down["model"]["actionAccuracy"]["all"]["mean"] < 1
        tokenizer, still_model = (
            figures[split][name]["distances"]["FD-V"] for name in ("tokenizer", "model")
        )
        assert tokenizer["mean"] == pytest.approx(0, abs=1e-6) and still_model["mean"] > 1
    assert "| tokenizer | 60.00" in actions.table(figures)


def test_a_measured_character_is_drawn_beside_its_truth(measured):
    _, out = measured
    drawn = {path.name for path in out.iterdir()}
    assert drawn == {"test-test-combo-0.png", "test-test-item-0.png"}


def test_what_the_manifest_carries_names_every_action_of_both_splits(measured, tmp_path):
    figures, _ = measured
    write_quality(tmp_path / "quality.json", {"actions": figures}, {"characters": 3, "commit": "a"})
    known = json.loads((tmp_path / "quality.json").read_text())
    for split in ("testCombo", "testItem"):
        assert set(known[split]) == set(actions.ACTIONS)
        for summary in known[split].values():
            assert summary["low"] <= summary["psnr"] <= summary["high"]
    assert 0 < known["exactColourShare"]["share"] < 1
    assert known["FD-V"]["distance"] > 0 and 0 <= known["actionAccuracy"]["share"] < 1
    assert known["characters"] == 3 and known["commit"] == "a"


def test_the_video_of_each_character_has_a_seed_and_labels_of_its_own(sprites):
    clips = actions.action_clips(sprites, 3, views=1)
    requests = [clip.request(sprites.labels, seed=5) for clip in clips]
    for clip, request in zip(clips, requests, strict=True):
        assert request.seed == 5 + clip.character
        assert {sprites.labels[label - 1] for label in request.labels} == {clip.label}
        assert np.array_equal(request.given, clip.truth[:1])
