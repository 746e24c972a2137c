import math

import numpy as np
import pytest

from magi.metrics import bootstrap_interval, composited, exact_colour_share, psnr, ssim, summary


def rgba(colour: tuple[int, int, int, int], frames: int = 16, size: int = 12) -> np.ndarray:
    return np.tile(np.array(colour, np.uint8), (frames, size, size, 1))


def noise(seed: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (4, 20, 16, channels), dtype=np.uint8)


def test_psnr_of_a_uniform_error_is_what_one_computes_by_hand():
    # 51 of 255 is 0.2; 0.2^2 = 0.04; 10 log10(25) = 13.979 dB.
    grey = psnr(rgba((100, 100, 100, 255)), rgba((151, 151, 151, 255)))
    assert grey == pytest.approx(13.9794, abs=1e-4)
    # The same error in one of three channels: 0.04 / 3, 4.771 dB more.
    red = psnr(rgba((100, 9, 9, 255)), rgba((151, 9, 9, 255)))
    assert red == pytest.approx(18.7506, abs=1e-4)


def test_psnr_sees_transparent_pixels_as_grey_whatever_their_colour():
    assert psnr(rgba((255, 0, 0, 0)), rgba((0, 0, 255, 0))) == 60
    # Nothing against black: (128 / 255)^2 = 0.25197, 5.987 dB.
    assert psnr(rgba((0, 0, 0, 255)), rgba((9, 9, 9, 0))) == pytest.approx(5.9866, abs=1e-4)


def test_psnr_leaves_frame_0_out_and_takes_the_mean_error_of_the_others():
    truth = rgba((0, 0, 0, 255))
    made = truth.copy()
    made[0] = 255
    assert psnr(truth, made) == 60
    made[3, ..., :3] = 255
    assert psnr(truth, made) == pytest.approx(10 * math.log10(15))


def test_as_many_frames_are_left_out_as_were_given():
    truth = rgba((0, 0, 0, 255))
    made = truth.copy()
    made[:4, ..., :3] = 255
    assert psnr(truth, made, given=4) == 60 and exact_colour_share(truth, made, given=4) == 1
    assert ssim(truth, made, given=4) == pytest.approx(1)
    assert psnr(truth, made, given=0) == pytest.approx(10 * math.log10(4))


def test_psnr_of_perfect_frames_is_60_and_so_is_that_of_a_smaller_error_than_the_floor():
    truth = noise(0)
    assert psnr(truth, truth) == 60
    made = truth.copy()
    made[1, 0, 0, 0] ^= 1
    assert psnr(truth, made) == 60


def test_psnr_is_the_same_for_rgb_and_for_opaque_rgba():
    truth, made = noise(1), noise(2)
    opaque = np.full((*truth.shape[:3], 1), 255, np.uint8)
    with_alpha = [np.concatenate([frames, opaque], -1) for frames in (truth, made)]
    assert psnr(truth, made) == pytest.approx(psnr(*with_alpha))


def test_compositing_mixes_by_alpha():
    mixed = composited(rgba((255, 0, 128, 51), 1, 1))[0, 0, 0] * 255
    assert np.allclose(mixed, [255 * 0.2 + 128 * 0.8, 128 * 0.8, 128])


def test_ssim_of_equal_frames_is_1_and_of_flat_ones_what_one_computes_by_hand():
    truth = noise(3)
    assert ssim(truth, truth) == pytest.approx(1)
    # Without variance only the means remain: (2 * 0.2 * 0.6 + 0.0001) / (0.04 + 0.36 + 0.0001).
    flat = ssim(rgba((51, 51, 51, 255)), rgba((153, 153, 153, 255)))
    assert flat == pytest.approx(0.2401 / 0.4001, abs=1e-6)


def test_ssim_agrees_with_its_definition_at_one_window():
    truth, made = noise(4)[:2, :11, :11], noise(5)[:2, :11, :11]
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets[:, None] ** 2 + offsets**2) / 4.5)
    weights /= weights.sum()
    expected = []
    for channel in range(3):
        x, y = truth[1, ..., channel] / 255, made[1, ..., channel] / 255
        mx, my = (weights * x).sum(), (weights * y).sum()
        vx, vy = (weights * (x - mx) ** 2).sum(), (weights * (y - my) ** 2).sum()
        cov = (weights * (x - mx) * (y - my)).sum()
        expected.append(
            (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
        )
    assert ssim(truth, made) == pytest.approx(np.mean(expected), abs=1e-9)


def test_ssim_falls_as_noise_grows():
    truth = np.clip(np.cumsum(noise(6) / 40, axis=1), 0, 255).astype(np.uint8)
    rng = np.random.default_rng(0)
    scores = [
        ssim(truth, np.clip(truth + rng.normal(0, sigma, truth.shape), 0, 255).astype(np.uint8))
        for sigma in (0, 5, 20, 60)
    ]
    assert scores == sorted(scores, reverse=True) and scores[-1] < 0.6 * scores[0]


def test_exact_colours_are_counted_over_pixels_opaque_in_either():
    truth, made = (np.zeros((2, 1, 5, 4), np.uint8) for _ in range(2))
    truth[1, 0, :4] = [(9, 9, 9, 255), (9, 9, 9, 255), (9, 9, 9, 255), (0, 0, 0, 0)]
    made[1, 0, :4] = [(9, 9, 9, 255), (9, 9, 8, 255), (0, 0, 0, 0), (9, 9, 9, 255)]
    made[0] = 77  # frame 0 does not count
    assert exact_colour_share(truth, made) == 1 / 4
    assert exact_colour_share(truth, truth) == 1
    assert exact_colour_share(truth[..., :3].copy(), made[..., :3].copy()) == 2 / 5


def test_exact_colours_of_nothing_at_all_are_right():
    assert exact_colour_share(rgba((0, 0, 0, 0)), rgba((5, 5, 5, 0))) == 1


def test_bootstrap_interval_holds_the_mean_and_is_as_wide_as_the_normal_law_says():
    values = np.random.default_rng(1).normal(20, 3, 400)
    low, high = bootstrap_interval(values, seed=0)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def test_bootstrap_interval_covers_the_true_mean_about_19_times_in_20():
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(200):
        low, high = bootstrap_interval(rng.exponential(1, 100), seed, resamples=400)
        hits += low <= 1 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_bootstrap_interval_is_repeatable_and_a_point_for_equal_values():
    assert bootstrap_interval([1.0, 2.0, 5.0], 7) == bootstrap_interval([1.0, 2.0, 5.0], 7)
    assert bootstrap_interval([1.0, 2.0, 5.0], 7) != bootstrap_interval([1.0, 2.0, 5.5], 7)
    assert bootstrap_interval([4.0] * 9, 0) == (4.0, 4.0)


def test_rows_that_belong_together_are_drawn_together():
    alone = np.random.default_rng(3).normal(0, 1, 50)
    together = np.repeat(alone[:, None], 4, 1)  # four clips a character, all alike
    assert bootstrap_interval(together, 0) == pytest.approx(bootstrap_interval(alone, 0))


def test_columns_weigh_alike_however_many_values_they_hold():
    values = np.array([[1.0, 10.0], [3.0, np.nan], [5.0, np.nan]])
    known = summary(values)
    assert known["mean"] == (3 + 10) / 2 and known["count"] == 4
    assert known["low"] <= known["mean"] <= known["high"]


def test_a_row_without_values_does_not_count():
    assert summary([1.0, math.nan, 3.0]) == summary([1.0, 3.0])


def test_what_cannot_be_measured_is_refused():
    truth = noise(0)
    with pytest.raises(ValueError, match="truth uint8"):
        psnr(truth, truth[:2])
    with pytest.raises(ValueError, match="none after the first"):
        psnr(truth[:1], truth[:1])
    with pytest.raises(ValueError, match="must be uint8"):
        psnr(truth / 255, truth / 255)
    with pytest.raises(ValueError, match="smaller than the window"):
        ssim(truth[:, :10], truth[:, :10])
    with pytest.raises(ValueError, match="at least one number"):
        bootstrap_interval([], 0)
