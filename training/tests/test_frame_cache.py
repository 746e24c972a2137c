"""K and V in 8 bits: the same bytes as test/engine/frame-cache.test.ts."""

import numpy as np
import pytest
import torch

from magi.frame_cache import eight_bit, packed, through_float16, through_int8
from magi.generation import Plan, generate

KEY = np.array(
    [[[0.5, 1], [-0.5, -0.3], [127, 0.1]], [[0, 2.5e-45], [0, 1e-45], [0, -2.6e-43]]], np.float32
)
VALUE = np.array(
    [
        [[-1.5, 3.3], [2.5, -2.8], [-127, 1e-3]],
        [[1e30, -7], [-3e29, 0.0275590551], [5e27, 0]],
    ],
    np.float32,
)
PACKED = (
    "0000803f0402013c00000000010000000000803feddcd43cde89cb6d87c3613d"
    "017f00da7f0d000200010081ff7f039481007f81da010100"
)


def test_packed_bytes_are_those_of_the_typescript_engine():
    assert packed(KEY, VALUE).hex() == PACKED


def test_values_come_back_as_eight_bits_times_the_scale_of_their_channel():
    scales, steps = eight_bit(VALUE)
    back = through_int8(torch.from_numpy(VALUE)).numpy()
    assert back.dtype == np.float32
    assert np.array_equal(back, steps * scales[:, None])
    assert np.array_equal(through_int8(torch.from_numpy(back)).numpy(), back)


def test_values_lie_within_half_a_step():
    values = torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(0))
    steps = values.abs().amax(1, keepdim=True) / 127
    assert ((through_int8(values) - values).abs() <= 0.5001 * steps).all()


class Listener:
    """A model that notes the keys and values it is given."""

    window, cache_shape, channels = 2, (1, 4, 3), 3

    def __init__(self):
        self.past = None

    def predict(self, latents, mask, role, interval, label, past):
        self.past = past
        return latents, latents[None] + 1 / 3, latents[None] / 7

    def sample(self, z, noise, steps):
        return z + noise


@pytest.mark.parametrize(("kv", "kept"), [("int8", through_int8), ("float16", through_float16)])
def test_the_next_frame_reads_keys_and_values_as_they_are_kept(kv, kept):
    model = Listener()
    plan = Plan(5, 1, lambda _: 0, 1, 1, 1.0)
    first, _ = generate(model, plan, 2, None, kv)
    key, value, filled = model.past
    assert filled.tolist() == [1, 0, 0]
    assert torch.equal(key[:, 0], kept(first[None] + 1 / 3))
    assert torch.equal(value[:, 0], kept(first[None] / 7))
    assert not torch.equal(key[:, 0], first[None] + 1 / 3)
