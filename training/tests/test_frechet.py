"""The Frechet distance, and the ways to spoil videos that it has to tell apart."""

import numpy as np
import pytest

from magi.corruptions import LADDER, blurred, frozen, on_grey, shuffled, teleported
from magi.frechet import frechet_distance, frechet_summary


def draws(seed: int, mean: float = 0, deviation: float = 1, count: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, (count, 3))


def moving_squares(clips: int = 3, frames: int = 6, size: int = 32) -> np.ndarray:
    made = np.full((clips, frames, size, size, 3), 20, np.uint8)
    for clip in range(clips):
        for frame in range(frames):
            top, left = 10 + clip % 4, 6 + 2 * frame
            made[clip, frame, top : top + 6, left : left + 6] = 200
    return made


def test_a_set_has_no_distance_from_itself():
    assert frechet_distance(draws(0), draws(0)) == pytest.approx(0, abs=1e-9)


def test_shifted_sets_are_apart_by_the_square_of_the_shift():
    features = draws(0)
    assert frechet_distance(features, features + [3, 4, 0]) == pytest.approx(25)


def test_scaled_sets_are_apart_by_the_squares_of_the_differences_of_deviations():
    features = draws(1)
    spread = features.std(0, ddof=1)
    assert frechet_distance(features, 3 * features - 2 * features.mean(0)) == pytest.approx(
        (4 * spread**2).sum()
    )


def test_the_distance_of_correlated_sets_agrees_with_the_matrix_square_root():
    rng = np.random.default_rng(2)
    one, other = (rng.normal(size=(500, 4)) @ rng.normal(size=(4, 4)) for _ in range(2))
    first, second = np.cov(one.T), np.cov(other.T)
    roots = np.sqrt(np.linalg.eigvals(first @ second).real.clip(0)).sum()
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(first + second) - 2 * roots
    assert frechet_distance(one, other) == pytest.approx(expected)


def test_a_weight_counts_as_so_many_rows():
    one, other = draws(3, count=40), draws(4, count=40)
    weights = np.arange(40.0) % 3
    repeated = np.repeat(other, weights.astype(int), 0)
    assert frechet_distance(one, other, None, weights) == pytest.approx(
        frechet_distance(one, repeated)
    )


def test_fewer_rows_than_features_are_no_obstacle():
    rng = np.random.default_rng(5)
    assert frechet_distance(rng.normal(size=(10, 50)), rng.normal(1, 1, (10, 50))) > 0


def test_the_interval_holds_the_distance_and_narrows_with_more_rows():
    widths = []
    for count in (50, 800):
        known = frechet_summary(draws(6, count=count), draws(7, 0.5, count=count))
        assert known["low"] < known["mean"] < known["high"] and known["count"] == count
        widths.append(known["high"] - known["low"])
    assert widths[1] < 0.5 * widths[0]


def test_rows_of_one_group_are_drawn_together():
    one, other = draws(8, count=100), draws(9, 0.5, count=100)
    alone = frechet_summary(one, other)
    doubled = frechet_summary(
        np.repeat(one, 2, 0), np.repeat(other, 2, 0), np.repeat(np.arange(100), 2)
    )
    assert doubled["high"] - doubled["low"] == pytest.approx(alone["high"] - alone["low"], rel=0.05)


def test_a_blur_keeps_the_mean_and_lowers_the_contrast_the_more_the_wider_it_is():
    clips = moving_squares()
    spreads = [blurred(clips, sigma).std() for sigma in (0.5, 1, 2, 4)]
    assert spreads == sorted(spreads, reverse=True)
    assert blurred(clips, 1).mean() == pytest.approx(clips.mean(), abs=0.5)


def test_a_frozen_clip_stands_still_at_its_end():
    clips = moving_squares()
    made = frozen(clips, 0.5)
    assert np.array_equal(made[:, :3], clips[:, :3])
    assert (made[:, 3:] == clips[:, 2:3]).all()
    assert (frozen(clips, 1) == clips[:, :1]).all()


def test_shuffled_clips_hold_the_same_frames_in_another_order():
    clips = moving_squares()
    made = shuffled(clips, 1)
    assert not np.array_equal(made, clips)
    for clip, other in zip(clips, made, strict=True):
        assert sorted(map(bytes, clip)) == sorted(map(bytes, other))
    moved = (shuffled(clips, 0.25) != clips).any((2, 3, 4)).sum(1)
    assert (moved <= 2).all()


def test_teleported_objects_keep_their_look_but_not_their_place():
    clips = moving_squares(20)
    made = teleported(clips, 0.1)
    assert np.array_equal(made[:, 0], clips[:, 0])
    assert (made != clips).any((1, 2, 3, 4)).mean() > 0.5
    assert np.array_equal((made == 200).sum((2, 3, 4)), (clips == 200).sum((2, 3, 4)))


def test_every_rung_spoils_more_pixels_or_frames_than_none():
    clips = moving_squares(6)
    for way in LADDER:
        assert all((way.spoil(clips, rung, 0) != clips).any() for rung in way.rungs), way.name
        assert list(way.rungs) == sorted(way.rungs)


def test_transparent_pixels_are_grey():
    assert (on_grey(np.zeros((1, 2, 4, 4, 4), np.uint8)) == 128).all()
