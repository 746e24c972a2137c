import math

import numpy as np
import pytest

from magi.data.clip import Clip
from magi.data.physics import (
    BACKGROUNDS,
    CIRCLE,
    COLOURS,
    MAX_SHAPES,
    SQUARE,
    STATE_COLUMNS,
    TRIANGLE,
    Body,
    Physics,
    World,
    clip,
    random_world,
    render,
    simulate,
)

PRESENT, KIND, COLOUR, X, Y, VX, VY, RADIUS = range(len(STATE_COLUMNS))


def worlds(count: int) -> list[World]:
    return [random_world(np.random.Generator(np.random.PCG64(seed))) for seed in range(count)]


def test_a_seed_gives_the_same_clip_and_another_seed_another_one():
    first, again, other = clip(5, 8), clip(5, 8), clip(6, 8)
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.state, again.state)
    assert first.interval == again.interval
    assert not np.array_equal(first.pixels, other.pixels)


def test_the_dataset_says_what_its_clips_are():
    dataset = Physics(size=64, max_interval=5)
    made = dataset.clip(3, 7)
    assert made.pixels.shape == (7, *dataset.frame_shape) and made.pixels.dtype == np.uint8
    assert made.state.shape == (7, MAX_SHAPES, len(STATE_COLUMNS))
    assert dataset.labels == () and not made.labels.any()
    intervals = {dataset.clip(seed, 1).interval for seed in range(60)}
    assert intervals == set(range(1, 6))


def test_a_longer_clip_begins_with_the_shorter_one():
    short, long = clip(11, 4), clip(11, 40)
    assert np.array_equal(short.pixels, long.pixels[:4])


def test_an_interval_shows_every_so_many_frames_of_the_same_motion():
    fine, coarse = clip(4, 76, interval=1), clip(4, 4, interval=25)
    assert np.allclose(fine.state[::25], coarse.state, atol=1e-4)
    assert np.abs(fine.pixels[::25].astype(int) - coarse.pixels).max() <= 1


def test_a_larger_frame_shows_the_same_motion():
    small, large = clip(9, 16, size=32), clip(9, 16, size=64)
    assert np.allclose(small.state[..., X : RADIUS + 1] * 2, large.state[..., X : RADIUS + 1])
    halved = large.pixels.reshape(16, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(halved - small.pixels).mean() < 3


def test_shapes_stay_inside_and_apart_and_keep_their_energy():
    times = np.arange(400.0)
    for world in worlds(60):
        bodies, gravity = world.bodies, world.gravity
        motion = simulate(world, times)
        for index, body in enumerate(bodies):
            x, y = motion[:, index, 0], motion[:, index, 1]
            assert x.min() >= body.low_x - 1e-6 and x.max() <= body.high_x + 1e-6
            assert y.min() >= body.low_y - 1e-6 and y.max() <= body.high_y + 1e-6
            for other in range(index):
                gap = np.hypot(*(motion[:, index, :2] - motion[:, other, :2]).T)
                assert gap.min() >= body.radius + bodies[other].radius - 1e-6
        mass = np.array([body.radius**2 for body in bodies])
        kinetic = (motion[..., 2] ** 2 + motion[..., 3] ** 2) / 2
        energy = ((kinetic - gravity * motion[..., 1]) * mass).sum(1)
        # Under gravity a shape nearly at rest on the floor is given a little (speed 0.05).
        assert np.ptp(energy) < (0.00125 * 2 if gravity else 1e-9) * mass.sum()


def test_a_straight_path_comes_back_from_a_wall_as_computed_by_hand():
    # 28 is the rightmost centre of a disc of radius 4: there after 6 frames, then back for 4.
    world = World([Body(CIRCLE, 0, 4.0, 22.0, 10.0, 1.0, 0.0)], gravity=0.0)
    assert np.allclose(simulate(world, np.array([0.0, 6.0, 10.0]))[:, 0, 0], [22, 28, 24])


def test_a_fall_reaches_the_floor_as_computed_by_hand():
    # From rest at 10 to the floor at 28: t = sqrt(2 * 18 / 0.01) = 60, speed 0.6; then up again.
    world = World([Body(CIRCLE, 0, 4.0, 10.0, 10.0, 0.0, 0.0)], gravity=0.01)
    motion = simulate(world, np.array([30.0, 59.999, 60.001, 120.0]))[:, 0]
    assert np.allclose(motion[:, 1], [14.5, 28, 28, 10], atol=1e-3)
    assert np.allclose(motion[1:3, 3], [0.6, -0.6], atol=1e-4)


def test_equal_discs_that_meet_head_on_exchange_their_speeds():
    # 12 apart, 4 of it is gap, closing at 0.8: they meet after 5 frames.
    bodies = [Body(CIRCLE, 0, 4.0, 10.0, 16.0, 0.5, 0.0), Body(CIRCLE, 1, 4.0, 22.0, 16.0, -0.3, 0)]
    motion = simulate(World(bodies, 0.0), np.array([4.9, 5.1]))
    assert np.allclose(motion[0, :, 2], [0.5, -0.3])
    assert np.allclose(motion[1, :, 2], [-0.3, 0.5])


def test_a_light_disc_bounces_off_a_heavy_one_by_the_law_of_momentum():
    # Masses 1 and 4; for a head-on elastic bounce v1' = ((m1 - m2) v1 + 2 m2 v2) / (m1 + m2).
    bodies = [Body(CIRCLE, 0, 2.0, 8.0, 16.0, 0.5, 0.0), Body(CIRCLE, 1, 4.0, 20.0, 16.0, 0.0, 0.0)]
    motion = simulate(World(bodies, 0.0), np.array([13.0]))
    assert np.allclose(motion[0, :, 2], [-0.3, 0.2])


def test_speeds_are_those_of_a_slow_video_at_interval_1():
    speeds = []
    for seed in range(200):
        state = clip(seed, 1).state[0]
        state = state[state[:, PRESENT] == 1]
        speeds += np.hypot(state[:, VX], state[:, VY]).tolist()
    assert 0.2 <= min(speeds) and max(speeds) <= 0.9 and 0.4 <= np.mean(speeds) <= 0.7


def test_every_number_of_shapes_kind_and_gravity_occurs_and_colours_differ():
    made = worlds(200)
    assert {len(world.bodies) for world in made} == {1, 2, 3}
    assert {body.kind for world in made for body in world.bodies} == {CIRCLE, SQUARE, TRIANGLE}
    assert 0.25 < np.mean([world.gravity > 0 for world in made]) < 0.55
    for world in made:
        assert len({body.colour for body in world.bodies}) == len(world.bodies)


@pytest.mark.parametrize("kind", [CIRCLE, SQUARE, TRIANGLE])
def test_a_picture_shows_each_shape_where_its_state_says(kind):
    state = np.zeros((2, MAX_SHAPES, len(STATE_COLUMNS)), np.float32)
    state[:, 0] = [[1, kind, 2, x, 20.25, 0, 0, 5] for x in (12.0, 18.5)]
    pixels = render(state, 32, BACKGROUNDS[0]).astype(float)
    assert np.abs(pixels[0, 20, 12] - COLOURS[2]).max() <= 1
    assert np.abs(pixels[0, 2, 2] - BACKGROUNDS[0]).max() <= 1
    cover = np.abs(pixels - BACKGROUNDS[0]).sum(-1)
    cover /= np.abs(COLOURS[2] - BACKGROUNDS[0]).sum()
    centres = np.arange(32) + 0.5
    assert np.allclose((cover.sum(1) * centres).sum(1) / cover.sum((1, 2)), [12, 18.5], atol=0.15)
    middle = (cover.sum(2) * centres).sum(1) / cover.sum((1, 2))
    assert np.allclose(middle, 20.25, atol=0.4)
    area = {CIRCLE: math.pi, SQUARE: math.pi, TRIANGLE: 3 * math.sqrt(3) / 4 * 1.3**2}[kind] * 25
    assert np.allclose(cover.sum((1, 2)), area, rtol=0.06)


def test_what_is_no_clip_is_refused():
    with pytest.raises(ValueError, match="frames 0"):
        clip(0, 0)
    with pytest.raises(ValueError, match="size 8"):
        Physics(size=8)
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="2 frames, labels"):
        Clip(pixels, 1, np.zeros(3, np.int64), np.zeros(2))
    with pytest.raises(ValueError, match="uint8"):
        Clip(pixels.astype(float), 1, np.zeros(2, np.int64), np.zeros(2))
    with pytest.raises(ValueError, match="interval 0"):
        Clip(pixels, 0, np.zeros(2, np.int64), np.zeros(2))
