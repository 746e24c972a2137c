"""Noise that any language can make again from its place."""

import numpy as np
import pytest

from magi.noise import decode_order, normal, philox, quantile_table

# Known answers of Philox4x32-10 from the Random123 distribution (kat_vectors).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_its_published_answers(counter, key, expected):
    made = philox(np.array(counter, np.uint32), key)
    assert tuple(int(word) for word in made) == expected


def test_noise_is_normal():
    values = normal(5, 1, 1, np.arange(4000), 16, 1.0).ravel()
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.01
    assert abs((np.abs(values) < 1).mean() - 0.6827) < 0.01


def test_a_value_depends_on_its_place_alone():
    whole = normal(2**45 + 3, 9, 2, np.arange(16), 12, 0.5)
    part = normal(2**45 + 3, 9, 2, np.array([7, 3]), 12, 0.5)
    assert np.array_equal(part, whole[[7, 3]])


@pytest.mark.parametrize(
    "other", [(6, 1, 1), (5 + 2**32, 1, 1), (5, 2, 1), (5, 1, 2)], ids=["seed", "high", "frame", "step"]
)
def test_seed_frame_and_step_each_change_the_noise(other):
    seed, frame, step = other
    first = normal(5, 1, 1, np.arange(4), 8, 1.0)
    assert not np.isclose(first, normal(seed, frame, step, np.arange(4), 8, 1.0)).any()


def test_temperature_scales_the_noise():
    assert np.allclose(normal(1, 1, 1, np.arange(4), 8, 0.25) * 4, normal(1, 1, 1, np.arange(4), 8, 1.0))


def test_the_decode_order_is_a_permutation_that_differs_from_frame_to_frame():
    first, second = decode_order(1, 0, 64), decode_order(1, 1, 64)
    assert sorted(first) == list(range(64))
    assert not np.array_equal(first, second)


def test_the_quantile_table_is_odd_and_rising():
    table = quantile_table()
    assert np.all(np.diff(table) > 0)
    assert np.allclose(table, -table[::-1], atol=1e-6)
