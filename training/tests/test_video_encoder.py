"""The video encoders that are kept with the code, and how they are trained."""

import hashlib
import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch

from magi import video_encoder
from magi.corruptions import LADDER
from magi.data.clip import Clip
from magi.data.physics import Physics
from magi.data.sprites import Sprites
from magi.data.timeline import LABELS
from magi.video_encoder import FOLDER, KINDS, VideoEncoder, action_of, load_encoder, weights_file
from magi.video_encoder_check import climb_ladder, ladder_clips
from magi.video_encoder_training import LOSSES, batch_of, physics_states, train_encoder

KEPT = json.loads((FOLDER / "encoders.json").read_text())


@pytest.fixture(scope="module")
def physics():
    return load_encoder("physics")[0]


def test_every_rung_of_the_ladder_is_farther_away_than_the_one_before(physics):
    climbed = climb_ladder(physics, ladder_clips("physics", Physics()))
    assert climbed.passed, climbed.text
    for way in LADDER:
        steps = climbed.figures[way.name]
        assert len(steps) == 1 + len(way.rungs)
        assert all(low < high for low, high in pairwise(steps))
        assert steps == pytest.approx(KEPT["physics"]["ladder"][way.name], rel=0.02)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_noted_of_an_encoder_is_that_of_its_weights(name):
    known = KEPT[name]
    assert hashlib.sha256(weights_file(name).read_bytes()).hexdigest() == known["sha256"]
    assert weights_file(name).stat().st_size < 400_000
    for way in LADDER:
        assert all(low < high for low, high in pairwise(known["ladder"][way.name]))


def test_the_classifier_was_right_on_held_out_clips_of_every_action():
    verified = KEPT["sprites"]["verified"]
    assert verified["actionAccuracy"] > 0.99 and verified["clips"] > 1000


def test_other_weights_than_the_noted_ones_are_refused(tmp_path, monkeypatch):
    for file in FOLDER.iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(video_encoder, "FOLDER", tmp_path)
    content = bytearray(weights_file("physics").read_bytes())
    content[len(content) // 2] ^= 1
    weights_file("physics").write_bytes(content)
    with pytest.raises(ValueError, match=r"physics.npz: SHA-256"):
        load_encoder("physics")


def trained_loss(name: str, encoder: VideoEncoder, clips: list[Clip]) -> float:
    videos = np.stack([clip.pixels for clip in clips])
    told = {key: torch.from_numpy(encoder.told(videos, key)) for key in KINDS[name].answers}
    return float(LOSSES[name](told, clips))


@pytest.mark.parametrize(("name", "steps"), [("physics", 30), ("sprites", 12)])
def test_training_lowers_the_loss(name, steps, archive):
    dataset = Sprites(archive) if name == "sprites" else Physics()
    clips = batch_of(name, dataset, 1000)
    first, later = (train_encoder(name, dataset, count, 64) for count in (1, steps))
    assert trained_loss(name, later, clips) < 0.99 * trained_loss(name, first, clips)


def test_the_recipe_gives_the_same_encoder_again():
    one, again = (train_encoder("physics", Physics(), 3, 64) for _ in range(2))
    videos = np.stack([clip.pixels for clip in batch_of("physics", Physics(), 1000)])
    assert np.array_equal(one.features(videos), again.features(videos))


def test_the_kept_encoder_tells_where_shapes_are_and_how_they_move(physics):
    clips = [Physics().clip(3_000_000 + index, 16, 2) for index in range(32)]
    videos = np.stack([clip.pixels for clip in clips])
    present, place, speed = physics_states(clips, 32)
    there = present > 0
    assert ((physics.told(videos, "present") > 0) == there).mean() > 0.99
    for name, truth in (("place", place), ("speed", speed)):
        told = physics.told(videos, name).reshape(truth.shape)[there]
        assert np.corrcoef(told.ravel(), truth[there].ravel())[0, 1] > 0.6


def test_a_larger_picture_of_the_same_motion_has_the_same_features_but_for_its_sharper_edges(physics):
    small = np.stack([Physics(32).clip(seed, 16, 1).pixels for seed in range(24)])
    large = np.stack([Physics(64).clip(seed, 16, 1).pixels for seed in range(24)])
    own, other = physics.features(small), physics.features(large)
    assert np.abs(own - other).mean() < 0.2 * np.abs(own - np.roll(own, 1, 0)).mean()


def test_every_frame_after_the_first_votes_for_the_action():
    torch.manual_seed(0)
    encoder = VideoEncoder(KINDS["sprites"]).eval()
    clips = np.random.default_rng(0).integers(0, 255, (3, 16, 64, 64, 4), np.uint8)
    logits = torch.from_numpy(encoder.told(clips, "action")).log_softmax(-1)
    expected = logits[:, 1:].sum(1).argmax(-1).numpy()
    assert np.array_equal(action_of(encoder, clips), expected) and expected.max() < len(LABELS)


def test_frames_that_cannot_be_averaged_down_are_refused(physics):
    with pytest.raises(ValueError, match="48 x 48: a multiple of 32 x 32"):
        physics.features(np.zeros((1, 4, 48, 48, 3), np.uint8))
