"""The exported graphs as evaluation runs them."""

from pathlib import Path

import numpy as np

from magi.served import ServedModel

SPRITE = Path(__file__).parents[2] / "models" / "sprite"


def test_a_video_is_decoded_alike_whatever_references_came_before():
    rng = np.random.default_rng(3)
    firsts = rng.integers(0, 256, (7, 8, 8, 4), np.uint8).repeat(8, 1).repeat(8, 2)
    firsts[..., 3] = 255
    model = ServedModel(SPRITE)
    latents = model.encode_video(firsts[:2])
    for first in (*firsts, *firsts[::-1]):
        model.decode_video(latents, first)
    for first in (firsts[0], firsts[6], None):
        expected = ServedModel(SPRITE).decode_video(latents, first)
        assert np.array_equal(model.decode_video(latents, first), expected)
    assert np.array_equal(model.encode_video(firsts[:2]), latents)
