"""Dataset `physics`: one to three shapes that move and bounce off the walls and each other.

The world is a square of 32 units. Shapes are circles, squares and triangles that do not turn; in
some clips gravity pulls them down, and the background tells which. Every bounce is elastic: walls
are met by the drawn outline, other shapes as discs of the shape's radius with mass radius^2.

Between two bounces a path is a parabola, so the motion is computed from bounce to bounce instead
of in small time steps: it is exact at any time, the same for every interval and resolution, and
loses no energy however long the video. Time is counted in source frames; frame t of a clip shows
source frame t * interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from magi.data.clip import Clip

WORLD = 32.0
MAX_SHAPES = 3
CIRCLE, SQUARE, TRIANGLE = range(3)

STATE_COLUMNS = ("present", "kind", "colour", "x", "y", "vx", "vy", "radius")
"""Last axis of a clip's state [T, MAX_SHAPES, columns]; the rows of absent shapes are all 0.

x, y (centre, y down) and radius are in pixels of the clip, vx and vy in pixels per source frame,
kind is CIRCLE, SQUARE or TRIANGLE, colour an index into COLOURS.
"""

COLOURS = np.array(
    [
        (235, 64, 52),
        (66, 200, 80),
        (70, 120, 245),
        (250, 205, 50),
        (205, 80, 225),
        (60, 210, 215),
    ],
    np.float32,
)
BACKGROUNDS = np.array([(16, 18, 28), (46, 38, 34)], np.float32)
"""Background without gravity, and with it."""

_GRAVITY_SHARE = 0.4
_RADIUS = (3.0, 5.0)
_SPEED = (0.3, 0.9)  # units per source frame
_SIDEWAYS_SPEED = (0.2, 0.6)  # the same, under gravity
_GRAVITY = (0.008, 0.02)  # units per source frame^2
_MIN_FLOOR_SPEED = 0.05
"""A slower bounce off the floor leaves it with this speed: a shape never comes to rest, and the
number of bounces in a source frame stays bounded."""

_SQUARE_HALF = math.sqrt(math.pi) / 2  # half the side over the radius: as much area as the disc
_TRIANGLE_TOP = 1.3  # circumradius of the triangle over the radius
_COS_30 = math.sqrt(3) / 2
_EXTENTS = {
    CIRCLE: (1.0, 1.0, 1.0, 1.0),
    SQUARE: (_SQUARE_HALF,) * 4,
    TRIANGLE: (
        _TRIANGLE_TOP * _COS_30,
        _TRIANGLE_TOP * _COS_30,
        _TRIANGLE_TOP,
        _TRIANGLE_TOP / 2,
    ),
}
"""How far the outline reaches left, right, up and down from the centre, over the radius."""


@dataclass
class Body:
    """One shape, in world units; x, y, vx, vy are its state at the current time."""

    kind: int
    colour: int
    radius: float
    x: float
    y: float
    vx: float
    vy: float

    def __post_init__(self) -> None:
        left, right, up, down = (self.radius * share for share in _EXTENTS[self.kind])
        self.low_x, self.high_x = left, WORLD - right
        self.low_y, self.high_y = up, WORLD - down


@dataclass
class World:
    """The shapes of a clip at time 0, and the gravity that acts on all of them."""

    bodies: list[Body]
    gravity: float


class Physics:
    """The dataset: `clip(seed, frames)` at a fixed size and range of intervals."""

    labels: tuple[str, ...] = ()
    source = ""

    def __init__(self, size: int = 32, max_interval: int = 25):
        """size: width and height of a frame in pixels. max_interval: largest interval drawn."""
        if size < 16 or max_interval < 1:
            raise ValueError(f"size {size} must be at least 16, max_interval {max_interval} 1")
        self.size = size
        self.max_interval = max_interval
        self.frame_shape = (size, size, 3)

    def clip(self, seed: int, frames: int, interval: int | None = None) -> Clip:
        """The clip of `seed`: pixels uint8 [T, size, size, 3], state float32 as STATE_COLUMNS.

        interval: None draws it from 1..max_interval; a given one shows the same motion at that
        speed. A longer clip begins with the shorter one, a larger one shows the same motion.
        """
        return clip(seed, frames, self.size, self.max_interval, interval)


def clip(
    seed: int,
    frames: int,
    size: int = 32,
    max_interval: int = 25,
    interval: int | None = None,
) -> Clip:
    """See `Physics.clip`."""
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = int(rng.integers(1, max_interval + 1))
    interval = drawn if interval is None else interval
    if frames < 1 or interval < 1:
        raise ValueError(f"frames {frames} and interval {interval} must be at least 1")
    world = random_world(rng)
    motion = simulate(world, np.arange(frames) * float(interval))  # [T, N, 4]
    motion *= size / WORLD
    state = np.zeros((frames, MAX_SHAPES, len(STATE_COLUMNS)), np.float32)
    for index, body in enumerate(world.bodies):
        state[:, index, :3] = 1, body.kind, body.colour
        state[:, index, 3:7] = motion[:, index]
        state[:, index, 7] = body.radius * size / WORLD
    return Clip(
        pixels=render(state, size, BACKGROUNDS[int(world.gravity > 0)]),
        interval=interval,
        labels=np.zeros(frames, np.int64),
        state=state,
    )


def random_world(rng: np.random.Generator) -> World:
    """One to three shapes of different colours that do not touch each other or a wall."""
    gravity = float(rng.uniform(*_GRAVITY)) if rng.random() < _GRAVITY_SHARE else 0.0
    colours = rng.permutation(len(COLOURS))
    count = int(rng.integers(1, MAX_SHAPES + 1))
    bodies: list[Body] = []
    while len(bodies) < count:
        speed = float(rng.uniform(*(_SIDEWAYS_SPEED if gravity else _SPEED)))
        angle = float(rng.uniform(0, 2 * math.pi))
        body = Body(
            kind=int(rng.integers(3)),
            colour=int(colours[len(bodies)]),
            radius=float(rng.uniform(*_RADIUS)),
            x=0.0,
            y=0.0,
            vx=math.copysign(speed, math.cos(angle)) if gravity else speed * math.cos(angle),
            vy=0.0 if gravity else speed * math.sin(angle),
        )
        body.x = float(rng.uniform(body.low_x, body.high_x))
        body.y = float(rng.uniform(body.low_y, body.high_y))
        if all(_gap(body, other) > 0.5 for other in bodies):
            bodies.append(body)
    return World(bodies, gravity)


def simulate(world: World, times: np.ndarray) -> np.ndarray:
    """x, y, vx, vy of every shape at rising `times` (source frames): float64 [T, N, 4].

    Leaves the bodies of `world` at the last bounce before the last time.
    """
    starts, segments = [0.0], [_snapshot(world)]
    while True:
        delay, bounce, bodies = _next_bounce(world)
        if starts[-1] + delay > times[-1]:
            break
        _advance(world, delay)
        bounce(*bodies)
        starts.append(starts[-1] + delay)
        segments.append(_snapshot(world))
    segment = np.searchsorted(starts, times, side="right") - 1  # [T]
    motion = np.array(segments)[segment]  # [T, N, 4]
    elapsed = (times - np.array(starts)[segment])[:, None]
    motion[..., 0] += motion[..., 2] * elapsed
    motion[..., 1] += (motion[..., 3] + world.gravity / 2 * elapsed) * elapsed
    motion[..., 3] += world.gravity * elapsed
    return motion


def render(state: np.ndarray, size: int, background: np.ndarray) -> np.ndarray:
    """Pictures uint8 [T, size, size, 3] of `state` as STATE_COLUMNS; edges are one pixel soft."""
    frames = len(state)
    pixels = np.empty((frames, size, size, 3), np.float32)
    pixels[:] = background
    centres = np.arange(size, dtype=np.float32) + 0.5
    for index in range(state.shape[1]):
        present, kind, colour, *_, radius = state[0, index]
        if not present:
            continue
        dx = (centres - state[:, index, 3, None])[:, None, :]  # [T, 1, W]
        dy = (centres - state[:, index, 4, None])[:, :, None]  # [T, H, 1]
        cover = np.clip(0.5 - _DISTANCES[int(kind)](dx, dy, float(radius)), 0, 1)[..., None]
        pixels += cover * (COLOURS[int(colour)] - pixels)
    return (pixels + 0.5).astype(np.uint8)


def _circle(dx: np.ndarray, dy: np.ndarray, radius: float) -> np.ndarray:
    return np.sqrt(dx * dx + dy * dy) - radius


def _square(dx: np.ndarray, dy: np.ndarray, radius: float) -> np.ndarray:
    return np.maximum(np.abs(dx), np.abs(dy)) - radius * _SQUARE_HALF


def _triangle(dx: np.ndarray, dy: np.ndarray, radius: float) -> np.ndarray:
    """Pointing up; the largest distance from its three sides."""
    slope = np.abs(dx) * _COS_30 - dy * 0.5
    return np.maximum(slope, dy) - radius * _TRIANGLE_TOP / 2


_DISTANCES = {CIRCLE: _circle, SQUARE: _square, TRIANGLE: _triangle}
"""Signed distance in pixels from a shape's outline, negative inside."""


def _snapshot(world: World) -> list[tuple[float, float, float, float]]:
    return [(body.x, body.y, body.vx, body.vy) for body in world.bodies]


def _advance(world: World, delay: float) -> None:
    for body in world.bodies:
        body.x += body.vx * delay
        body.y += (body.vy + world.gravity / 2 * delay) * delay
        body.vy += world.gravity * delay


def _next_bounce(world: World) -> tuple[float, Callable[..., None], tuple[Body, ...]]:
    """Delay until the next bounce (inf if none), the function that does it, and its bodies."""
    best: tuple[float, Callable[..., None], tuple[Body, ...]] = math.inf, _bounce_apart, ()
    bodies = world.bodies
    for index, body in enumerate(bodies):
        delay = _wall_delay(body.x, body.vx, body.low_x, body.high_x)
        if delay < best[0]:
            best = delay, _bounce_sideways, (body,)
        if world.gravity:
            delay, bounce = _falling_delay(body, world.gravity), _bounce_falling
        else:
            delay, bounce = _wall_delay(body.y, body.vy, body.low_y, body.high_y), _bounce_upright
        if delay < best[0]:
            best = delay, bounce, (body,)
        for other in bodies[:index]:
            delay = _meeting_delay(body, other)
            if delay < best[0]:
                best = delay, _bounce_apart, (body, other)
    return best


def _wall_delay(position: float, velocity: float, low: float, high: float) -> float:
    if velocity > 0:
        return max(0.0, (high - position) / velocity)
    return max(0.0, (low - position) / velocity) if velocity < 0 else math.inf


def _falling_delay(body: Body, gravity: float) -> float:
    """Until the ceiling or, if it is too high, the floor."""
    to_ceiling = body.vy * body.vy - 2 * gravity * (body.y - body.low_y)
    if body.vy < 0 and to_ceiling > 0:
        return max(0.0, (-body.vy - math.sqrt(to_ceiling)) / gravity)
    to_floor = body.vy * body.vy + 2 * gravity * (body.high_y - body.y)
    return max(0.0, (-body.vy + math.sqrt(max(0.0, to_floor))) / gravity)


def _meeting_delay(one: Body, other: Body) -> float:
    """Until two discs touch: gravity acts on both alike, so their distance changes linearly."""
    x, y = one.x - other.x, one.y - other.y
    vx, vy = one.vx - other.vx, one.vy - other.vy
    approach = x * vx + y * vy
    if approach >= 0:
        return math.inf
    speed2 = vx * vx + vy * vy
    reach = one.radius + other.radius
    root2 = approach * approach - speed2 * (x * x + y * y - reach * reach)
    return max(0.0, (-approach - math.sqrt(root2)) / speed2) if root2 > 0 else math.inf


def _bounce_sideways(body: Body) -> None:
    body.x = body.high_x if body.vx > 0 else body.low_x
    body.vx = -body.vx


def _bounce_upright(body: Body) -> None:
    body.y = body.high_y if body.vy > 0 else body.low_y
    body.vy = -body.vy


def _bounce_falling(body: Body) -> None:
    floor = body.vy >= 0
    _bounce_upright(body)
    if floor:
        body.y, body.vy = body.high_y, min(body.vy, -_MIN_FLOOR_SPEED)


def _bounce_apart(one: Body, other: Body) -> None:
    """Elastic bounce of two discs along the line of their centres."""
    x, y = one.x - other.x, one.y - other.y
    approach = x * (one.vx - other.vx) + y * (one.vy - other.vy)
    mass, other_mass = one.radius**2, other.radius**2
    impulse = 2 * approach / ((mass + other_mass) * (x * x + y * y))
    one.vx -= impulse * other_mass * x
    one.vy -= impulse * other_mass * y
    other.vx += impulse * mass * x
    other.vy += impulse * mass * y


def _gap(one: Body, other: Body) -> float:
    return math.hypot(one.x - other.x, one.y - other.y) - one.radius - other.radius
