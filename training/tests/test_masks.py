"""Which tokens are hidden, and how many a decode step reveals."""

import pytest
import torch

from magi.masks import ctf_mask, mask_ratios, random_masks, revealed_per_step


def test_every_decode_step_reveals_and_all_tokens_are_revealed_once():
    for tokens in (1, 16, 64):
        for steps in range(1, tokens + 9):
            revealed = revealed_per_step(tokens, steps)
            assert sum(revealed) == tokens
            assert len(revealed) == min(steps, tokens)
            assert min(revealed) >= 1


def test_the_cosine_schedule_begins_slowly():
    assert revealed_per_step(64, 4) == [5, 14, 21, 24]


def test_as_many_steps_as_tokens_reveal_one_at_a_time():
    assert revealed_per_step(16, 16) == [1] * 16


def test_mask_ratios_follow_mar_for_four_of_five_frames():
    ratios = mask_ratios(20_000, torch.Generator().manual_seed(1))
    assert ratios.min() > 0
    assert ratios.max() <= 1
    below = (ratios < 0.7).float().mean()
    assert abs(below - 0.2 * 0.7) < 0.01
    high = ratios[ratios >= 0.7]
    assert 0.85 < high.mean() < 0.89


def test_every_frame_hides_at_least_one_token():
    masks = random_masks(500, 16, torch.Generator().manual_seed(2))
    assert masks.any(1).all()
    assert not masks.all(1).all()


@pytest.mark.parametrize("window", [1, 3, None])
def test_the_mask_of_complete_teacher_forcing_is_the_formula(window):
    frames = 9
    mask = ctf_mask(frames, frames, window)
    reach = window or frames
    for i in range(frames):
        for j in range(frames):
            complete = mask[i, 1 + j] or (j == 0 and mask[i, 0])
            masked = mask[frames + i, 1 + j] or (j == 0 and mask[frames + i, 0])
            assert complete == (0 <= i - j <= reach or (j == 0 and i > 0))
            assert masked == (0 < i - j <= reach or (j == 0 and i > 0))
            assert not mask[i, 1 + frames + j]
            assert mask[frames + i, 1 + frames + j] == (i == j)
