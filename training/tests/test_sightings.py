"""Where shapes are found in pictures."""

import numpy as np
import pytest

from magi.data.physics import BACKGROUNDS, COLOURS, STATE_COLUMNS, Physics, render
from magi.evaluation.physics import tracked
from magi.evaluation.sightings import LOST_SHARE, frames_within_radius, sightings, tracks

X = STATE_COLUMNS.index("x")


@pytest.fixture(scope="module")
def clips():
    return [Physics().clip(seed, 24, 2) for seed in range(12)]


def test_shapes_are_found_where_their_state_says(clips):
    for clip in clips:
        shapes = clip.state[0, :, 0] > 0
        colours = COLOURS[clip.state[0, shapes, 2].astype(int)]
        found = sightings(clip.pixels, colours).centre
        triangles = clip.state[0, shapes, 1] == 2  # their middle lies above their centre
        true = clip.state[:, shapes, X : X + 2]
        assert np.abs(found - true)[:, ~triangles].max(initial=0) < 0.35
        assert np.abs(found - true)[:, triangles].max(initial=0) < 1


def test_a_true_clip_has_no_error_and_loses_nothing(clips):
    for clip in clips:
        known = tracks(clip.pixels, clip.pixels, clip.state)
        assert not known.error.any() and known.there.all()
        assert (frames_within_radius(known) == len(clip.pixels)).all()


def test_a_shape_moved_by_three_pixels_is_three_pixels_away(clips):
    moved = np.roll(clips[0].pixels, 3, axis=2)
    known = tracks(clips[0].pixels, moved, clips[0].state)
    inside = known.error[known.error < 10]  # what went over the edge is on the other side
    assert np.median(inside) == pytest.approx(3, abs=0.05)


def test_a_shape_that_is_not_there_counts_as_lost(clips):
    clip = clips[0]
    made = clip.pixels.copy()
    made[10:] = made[0, 0, 0]
    known = tracks(clip.pixels, made, clip.state)
    assert known.there[:10].all() and not known.there[10:].any()
    assert (known.error[10:] == LOST_SHARE * 32).all()
    assert (frames_within_radius(known) == 10).all()


def test_a_shape_of_half_its_size_or_twice_its_size_is_another_one():
    state = np.zeros((1, 3, 8), np.float32)
    state[0, 0] = (1, 0, 2, 16, 16, 0, 0, 4)
    pictures = {}
    for radius in (2.5, 4, 4.6, 6.5):
        drawn = state.copy()
        drawn[0, 0, 7] = radius
        pictures[radius] = render(drawn, 32, BACKGROUNDS[0])
    there = {radius: tracks(pictures[4], made, state).there[0, 0] for radius, made in pictures.items()}
    assert there == {2.5: False, 4: True, 4.6: True, 6.5: False}


def test_errors_are_told_at_the_frames_that_are_asked_for(clips):
    truth = np.stack([clip.pixels for clip in clips])
    states = np.stack([clip.state for clip in clips])
    still = np.repeat(truth[:, :1], 24, 1)
    figures = tracked(truth, still, states, (1, 4, 16))
    errors = [figures["positionErrorPixels"][frame]["mean"] for frame in ("1", "4", "16")]
    assert errors[0] == 0 < errors[1] < errors[2]
    assert figures["objectPermanence"]["16"]["mean"] == 1
    assert 1 < figures["framesWithinRadius"]["mean"] < 24
    assert figures["framesWithinRadius"]["count"] == len(clips)
