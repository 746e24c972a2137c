"""Long videos, intervals, starts, diversity and physics, measured on models whose faults are known."""

from dataclasses import replace

import numpy as np
import pytest

from magi.data.physics import Physics
from magi.data.sprites import Sprites, changes, withheld
from magi.data.timeline import COMBAT, CYCLES, LABELS, Phase, phases, standing, timeline
from magi.evaluation import (
    diversity,
    intervals,
    long_videos,
    physics,
    precision,
    quality,
    speeds,
    starts,
)
from magi.evaluation.actions import MODEL
from magi.evaluation.alignment import WAYS, Figure, frame_errors
from magi.evaluation.recurring import recurring_schedule
from magi.evaluation.subject import Subject

WINDOWS = ((0, 16), (48, 64), (84, 100))
SAME, ALIGNED = WAYS


@pytest.fixture(scope="module")
def sprites(archive):
    return Sprites(archive, "test-combo")


@pytest.fixture
def subject(sprites, tmp_path):
    return Subject(
        name="test",
        dataset=lambda split: sprites,
        animate=still,
        reconstruct=lambda frames: frames,
        characters=3,
        seed=0,
        out=tmp_path,
        sheets=1,
    )


def still(request):
    """A model that repeats the last given frame."""
    shown = range(len(request.labels)) if request.shown is None else request.shown
    return np.repeat(request.given[-1:], len(shown), 0)


def shifted(phase, label, shift):
    """The pose `shift` source frames later in the cycle of `label`; poses outside of it stay."""
    if phase.label != label or phase.index < 0:
        return phase.pose
    return CYCLES[label][(phase.index + shift) % len(CYCLES[label])]


class Recall:
    """A model that knows every character: it shows the true frames from `late` source frames on."""

    def __init__(self, dataset: Sprites, late: int = 0, start=None):
        self.dataset, self.late = dataset, late
        self.known = {}
        for index in range(3):
            for direction in range(4):
                recipe = dataset.recipe(index)
                first = dataset.compose(recipe, [("idle", 0)], direction)
                self.known[first.tobytes()] = (recipe, direction)

    def __call__(self, request):
        recipe, direction = self.known[request.given.tobytes()]
        labels = [self.dataset.labels[label - 1] for label in request.labels]
        shown = phases(labels, request.interval, standing(labels[0]))
        poses = [
            shifted(phase, label, self.late)
            for phase, label in zip(shown, labels, strict=True)
        ]
        wanted = range(len(labels)) if request.shown is None else request.shown
        return self.dataset.compose(recipe, [poses[index] for index in wanted], direction)


def test_a_model_in_step_is_right_in_both_ways_and_one_out_of_step_when_aligned(subject, sprites):
    right = long_videos.measure(replace(subject, animate=Recall(sprites)), WINDOWS)
    late = long_videos.measure(replace(subject, animate=Recall(sprites, late=3)), WINDOWS)
    stopped = long_videos.measure(subject, WINDOWS)
    for window in map(long_videos.name, WINDOWS):
        assert right[MODEL][SAME][window]["mean"] == pytest.approx(60)
        assert right[MODEL][ALIGNED][window]["mean"] == pytest.approx(60)
        assert late[MODEL][SAME][window]["mean"] < 55
        assert late[MODEL][ALIGNED][window]["mean"] == pytest.approx(60)
        assert stopped[MODEL][ALIGNED][window]["mean"] < 55


def test_a_model_that_fades_is_worse_at_the_end_by_as_much_as_it_fades(subject, sprites):
    recall = Recall(sprites)

    def fading(request):
        frames = recall(request)
        frames[-16:, ..., :3] //= 4
        return frames

    figures = long_videos.measure(replace(subject, animate=fading), WINDOWS)
    lost = figures[MODEL][SAME]["difference"]
    last = figures[MODEL][SAME][long_videos.name(WINDOWS[-1])]["mean"]
    assert lost["mean"] == pytest.approx(last - 60) and lost["high"] < 0
    assert figures["tokenizer"]["mean"] == pytest.approx(60)
    assert long_videos.name(WINDOWS[1]) == "49-64" and "49-64" in long_videos.table(figures)


def test_only_the_frames_of_the_windows_are_asked_for(subject):
    asked = []

    def listening(request):
        asked.append(request)
        return still(request)

    long_videos.measure(replace(subject, animate=listening), WINDOWS)
    assert {len(request.labels) for request in asked} == {100}
    shown = [*range(16), *range(48, 64), *range(84, 100)]
    assert all(list(request.shown) == shown for request in asked)


@pytest.mark.parametrize("labels", [LABELS, tuple(name for name in LABELS if name not in COMBAT)])
def test_every_window_of_a_long_video_shows_the_opening_again(labels):
    windows = long_videos.WINDOWS[:3]
    schedules = [recurring_schedule(np.random.default_rng(seed), labels, windows) for seed in range(8)]
    assert len({tuple(schedule) for schedule in schedules}) == 8
    for schedule in schedules:
        poses = timeline(schedule, 1, standing(schedule[0]))
        for begin, end in windows:
            assert schedule[begin:end] == schedule[:16] and poses[begin:end] == poses[:16]
            assert begin == 0 or schedule[begin - 1] != schedule[0]
        made = changes(schedule)
        assert all(5 <= lasting <= 20 for _, lasting, _ in made)
        assert sum(not withheld(*change) for change in made) <= 1


def test_windows_that_lie_too_near_each_other_cannot_be_compared():
    with pytest.raises(ValueError, match="comes back"):
        recurring_schedule(np.random.default_rng(0), LABELS, ((0, 16), (20, 36)))


def aligned_error(sprites, poses, wanted, start, counted_from=1):
    """How far from right a video of `poses` is, where `wanted` was asked for, in both ways."""
    recipe = fighter(sprites)
    made = sprites.compose(recipe, poses, 2)
    errors = Figure(sprites, recipe, 2).errors(made)
    truth = timeline(wanted, 1, start)
    known = frame_errors(errors, truth, [start.label, *wanted[1:]], counted_from)
    return known[SAME].mean(), known[ALIGNED].mean()


def fighter(sprites):
    return next(sprites.recipe(index) for index in range(20) if sprites.recipe(index).fighter)


@pytest.mark.parametrize("moved", [-1, 1])
def test_a_change_that_comes_a_frame_early_or_late_is_right_when_aligned(sprites, moved):
    start, wanted = standing("walk"), ["walk"] * 6 + ["slash"] * 8
    other = timeline(["walk"] * (6 + moved) + ["slash"] * (8 - moved), 1, start)
    same, aligned = aligned_error(sprites, other, wanted, start)
    assert same > 1e-3 and aligned == pytest.approx(0, abs=1e-9)
    far = timeline(["walk"] * (6 + 4 * moved) + ["slash"] * (8 - 4 * moved), 1, start)
    assert aligned_error(sprites, far, wanted, start)[1] > 1e-3


def test_leaving_out_the_way_back_to_the_standing_pose_is_right_when_aligned(sprites):
    start, wanted = standing("slash"), ["slash"] * 6 + ["walk"] * 8
    straight = [pose for pose in timeline(wanted, 1, start) if pose != ("idle", 0)][:5]
    poses = [start.pose, *straight, *CYCLES["walk"]]
    same, aligned = aligned_error(sprites, poses, wanted, start, counted_from=6)
    assert same > 1e-3 and aligned == pytest.approx(0, abs=1e-9)


def test_another_action_or_none_is_wrong_in_both_ways(sprites):
    start, wanted = Phase("walk", 3), ["run"] * 12
    for poses in (timeline(["jump"] * 12, 1, start), [start.pose] * 12):
        same, aligned = aligned_error(sprites, poses, wanted, start)
        assert same >= aligned > 1e-3


def test_a_model_that_keeps_its_interval_is_nearest_to_its_own_truth(subject, sprites):
    kept = intervals.measure(replace(subject, animate=Recall(sprites)))
    assert kept["nearest to its own truth"]["mean"] == 1
    assert kept["psnr"]["3"]["3"]["mean"] == pytest.approx(60)
    assert kept["psnr"]["3"]["1"]["mean"] < 55
    assert "made at 4" in intervals.table(kept)


def test_a_model_that_ignores_its_interval_is_right_once_in_four(subject, sprites):
    recall = Recall(sprites)
    ignoring = replace(subject, animate=lambda request: recall(replace(request, interval=1)))
    assert intervals.measure(ignoring)["nearest to its own truth"]["mean"] == 0.25


def test_starts_are_in_any_pose_and_changes_at_any_frame(sprites):
    rngs = [np.random.default_rng(seed) for seed in range(150)]
    poses = {starts.any_pose(sprites, 0, rng).name.split(",")[0] for rng in rngs[:60]}
    changes = [starts.any_change(sprites, 0, rng) for rng in rngs]
    assert len(poses) > 15
    assert {start.measured_from for start in changes} == set(range(1, 17))
    for start in changes:
        before, after = start.labels[start.measured_from - 1], start.labels[start.measured_from]
        assert before != after and len(start.truth) - start.measured_from == 16


def test_a_still_model_is_as_good_as_a_copy_at_starts_and_changes(subject):
    figures = starts.measure(subject)
    for kind in starts.KINDS:
        systems = figures[kind]
        assert systems[MODEL]["psnr"] == systems["copy of the first frame"]["psnr"]
        assert systems["tokenizer"]["psnr"]["mean"] == pytest.approx(60)
        assert systems["tokenizer"]["psnrAligned"]["mean"] == pytest.approx(60)
        assert systems[MODEL]["psnr"]["mean"] <= systems[MODEL]["psnrAligned"]["mean"] < 50
    assert "label changes at any frame" in starts.table(figures)


def test_frames_that_are_all_alike_have_no_diversity():
    alike = np.full((6, 8, 8, 3), 90, np.uint8)
    known = diversity.diversity_of(alike)
    assert known["mean"] == pytest.approx(0, abs=1e-6) and known["different"] == 0


def test_the_distance_of_two_frames_is_what_one_computes_by_hand():
    frames = np.zeros((3, 4, 4, 3), np.uint8)
    frames[1], frames[2] = 51, 102  # 0.2 and 0.4 away: pairs of 0.2, 0.2 and 0.4
    known = diversity.diversity_of(frames)
    assert known["mean"] == pytest.approx(0.8 / 3)
    assert known["low"] >= 0.2 - 1e-9 and known["high"] <= 0.4 + 1e-9 and known["different"] == 1


def test_warmer_first_frames_of_other_seeds_lie_farther_apart(subject, sprites):
    def drawing(request):
        assert len(request.given) == 0
        noise = np.random.default_rng(request.seed).integers(0, 255, (1, 64, 64, 4), np.uint8)
        noise[..., 3] = 255
        warmth = 0.7 if request.temperature is None else request.temperature
        return (noise * warmth).astype(np.uint8)

    figures = diversity.measure(replace(subject, animate=drawing))
    cold, mild, warm = (figures[f"temperature {degrees}"]["mean"] for degrees in ("0", "0.5", "1"))
    assert cold == pytest.approx(0, abs=1e-6) and 0 < mild < warm
    assert mild < figures[diversity.SERVED]["mean"] < warm
    assert diversity.TRUE in diversity.table(figures)


def test_precision_is_the_difference_on_the_same_videos(subject, sprites):
    assert precision.measure(subject) == {}
    assert "--float-model" in precision.table({})
    figures = precision.measure(replace(subject, float_animate=Recall(sprites)))
    assert figures["float"]["mean"] == pytest.approx(60)
    assert figures["difference"]["mean"] == pytest.approx(figures[MODEL]["mean"] - 60)


def test_a_model_that_knows_the_laws_of_motion_makes_no_error(subject):
    dataset = Physics(16)
    clips = physics.contexts(dataset, 3, physics.GIVEN + 8)
    answers = {clip.pixels[: physics.GIVEN].tobytes(): clip.pixels for clip in clips}
    knowing = replace(
        subject,
        dataset=lambda split: dataset,
        animate=lambda request: answers[request.given.tobytes()],
        features={"FD-V": lambda videos: videos.mean((2, 3)).reshape(len(videos), -1) / 255},
    )
    figures = physics.measure(knowing, after=(1, 4, 8))
    assert figures[MODEL]["positionErrorPixels"]["8"]["mean"] == 0
    assert figures[MODEL]["framesWithinRadius"]["mean"] == 8
    assert figures[MODEL]["distances"]["FD-V"]["first 8"]["mean"] == pytest.approx(0, abs=1e-6)
    copy = figures[physics.COPY]
    assert copy["positionErrorPixels"]["8"]["mean"] > copy["positionErrorPixels"]["1"]["mean"] > 0
    assert "FD-V, first 8 frames" in physics.table(figures)


@pytest.mark.parametrize("pace", [1, 3])
def test_shapes_move_as_far_as_the_interval_says_or_as_the_model_has_it(subject, pace):
    dataset = Physics(32)

    def paced(request):
        index = request.seed
        return dataset.clip(physics.FIRST_SEED + index, 2, pace * request.interval).pixels

    figures = speeds.measure(replace(subject, dataset=lambda split: dataset, animate=paced))
    true, made = (figures["1"][name]["moved"]["mean"] for name in (speeds.TRUE, MODEL))
    assert made == pytest.approx(pace * true, rel=0.2)
    assert figures["25"][speeds.TRUE]["moved"]["mean"] > figures["4"][speeds.TRUE]["moved"]["mean"]
    assert "25" in speeds.table(figures)


def test_a_model_that_loses_every_shape_moves_nothing(subject):
    def empty(request):
        return np.concatenate([request.given, np.zeros_like(request.given)])

    figures = speeds.measure(replace(subject, dataset=lambda split: Physics(32), animate=empty))
    assert figures["8"][MODEL] == {"moved": None, "there": figures["8"][MODEL]["there"]}
    assert figures["8"][MODEL]["there"]["mean"] == 0
    assert "nothing is left" in speeds.table(figures)
    assert quality.speeds(figures)["movedPixels"] == {}
