"""What a label schedule shows, frame by frame."""

from magi.data.timeline import CYCLES, LABELS, STANDING, Phase, standing, timeline


def sixteen(label):
    return timeline([label] * 16, 1, standing(label))


def test_the_four_measured_actions_follow_their_published_timelines():
    walk = [("idle", 0)] + [("walk", i % 8) for i in range(15)]
    assert sixteen("walk") == walk
    assert sixteen("run") == [("idle", 0)] + [("run", i % 8) for i in range(15)]
    jump = [STANDING] * 2 + [("jump", i) for i in range(6)]
    assert sixteen("jump") == jump * 2
    guard = [("guard", 0), ("guard", 1)]
    slash = [STANDING, *guard, *[("slash", i) for i in range(7)], *guard]
    assert sixteen("slash") == slash + [("slash", i) for i in range(4)]


def test_walk_and_run_keep_the_phase_of_the_step():
    poses = timeline(["walk"] * 4 + ["run"] * 3, 1, standing("walk"))
    assert poses[3:6] == [("walk", 2), ("run", 3), ("run", 4)]


def test_an_action_left_before_its_end_returns_through_the_standing_pose():
    poses = timeline(["slash"] * 6 + ["walk"] * 3, 1, standing("slash"))
    assert poses[5:] == [("slash", 2), STANDING, ("walk", 0), ("walk", 1)]


def test_an_action_left_at_its_end_goes_on_at_once():
    cycle = CYCLES["swing"]
    labels = ["swing"] * (len(cycle) + 1) + ["walk"] * 2
    assert timeline(labels, 1, standing("swing"))[-3:] == [cycle[-1], ("walk", 0), ("walk", 1)]


def test_a_video_may_start_in_any_pose():
    assert timeline(["walk"] * 3, 1, Phase("walk", 6)) == [("walk", 6), ("walk", 7), ("walk", 0)]
    assert timeline(["run"] * 2, 1, Phase("jump", 3)) == [("jump", 2), STANDING]


def test_the_interval_leaves_source_frames_out():
    every = timeline(["run"] * 13, 1, standing("run"))
    assert timeline(["run"] * 5, 3, standing("run")) == every[::3]


def test_every_pair_of_labels_can_follow_each_other():
    for first in LABELS:
        for second in LABELS:
            for moment in range(1, 16):
                poses = timeline([first] * moment + [second] * 16, 1, standing(first))
                assert set(poses[-4:]) <= {*CYCLES[second], STANDING}
