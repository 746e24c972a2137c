"""The comparisons behind the paper's claims, on systems so small that they train in a second."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from magi.claims import runs
from magi.claims.bootstrap import at_frame, distance_from, figure, interval
from magi.claims.cache_time import FULL, NONE, WINDOWED, growth, seconds_by_frame
from magi.claims.comparison import CLAIMS, Claim, compared, verdict
from magi.claims.grid import GRID, HORIZON, PAPER, System, run_of, shared_step, step_cost
from magi.claims.horizon import long_videos
from magi.claims.measures import measured
from magi.claims.report import MARKS, write_report
from magi.claims.runs import FINAL, SHARED, Contexts, Setting, finish, write_json
from magi.claims.step_grid import StepGrid
from magi.claims.videos import Sampling, copied, pixels_of, true_clips
from magi.codec import Codec
from magi.config import ModelConfig, RunConfig, TokenizerConfig, TokenizerTrainConfig, TrainConfig, load_run
from magi.model import Magi
from magi.tokenizer import build_tokenizer

SIZE = 16
TINY = RunConfig(
    name="tiny",
    description="",
    dataset="physics",
    tokenizer=TokenizerConfig(frame_size=SIZE),
    model=ModelConfig(width=16, layers=1, heads=1, head_width=16, head_blocks=1),
    training=TrainConfig(steps=4, frames_per_batch=16, warmup=1, decay=0.5, clips=4),
)
SAMPLING = Sampling(decode_steps=2, head_steps=1, temperature=1.0, seed=0)


def colours(videos: np.ndarray) -> np.ndarray:
    """Features that need no training: mean and change of every channel."""
    by_frame = videos.mean((2, 3)) / 255
    return np.concatenate([by_frame.mean(1), by_frame.std(1)], -1)


@pytest.fixture(scope="module")
def setting(tmp_path_factory) -> Setting:
    folder = tmp_path_factory.mktemp("claims")
    return Setting(TINY, folder / "work", folder / "results", 6, SAMPLING, colours, "colours")


@pytest.fixture(scope="module")
def contexts(setting) -> Contexts:
    return Contexts(setting)


@pytest.fixture(scope="module")
def finished(setting, contexts) -> dict[str, dict]:
    """The file of every run of the grid."""
    for system in GRID:
        assert finish(setting, system, 0, lambda: contexts)
    return {path.stem: json.loads(path.read_text()) for path in setting.results.glob("*.json")}


def test_the_grid_is_every_combination_and_all_cost_the_same():
    base = load_run(Path(__file__).parent.parent / "runs" / "claims.json")
    base = replace(base, training=replace(base.training, frames_per_batch=16, steps=800))
    runs_of_grid = [run_of(base, system, 0) for system in (*GRID, *HORIZON)]
    assert len({run.name for run in runs_of_grid}) == 9
    sizes = [sum(value.numel() for value in Magi.of(run).parameters()) for run in runs_of_grid]
    assert max(sizes) < 1.03 * min(sizes)
    wanted = base.training.steps * step_cost(base)
    for run in runs_of_grid:
        assert abs(run.training.steps * step_cost(run) / wanted - 1) < 0.002
    masked = run_of(base, System("mtf", interval=False, noise=False), 0)
    assert masked.training.steps > 1.3 * base.training.steps
    assert shared_step(base) < (1 - base.training.decay) * masked.training.steps


def test_switches_that_are_off_are_off():
    run = run_of(TINY, System("ctf", interval=False, noise=False), 3)
    assert run.model.max_interval == 1
    assert run.training.noise_levels == 1
    assert run.training.seed == 3
    assert run_of(TINY, HORIZON[1], 0).model.window is None


def test_true_clips_have_no_error_and_a_copy_has_one_that_grows():
    clips, _ = true_clips(32, 6, 16)
    pixels = pixels_of(clips)
    right = measured(clips, pixels, 5, colours)
    assert right["error"].max() == 0
    assert right["psnr"].min() == 60
    assert right["there"].all()
    copy = measured(clips, copied(pixels, 5), 5, colours)
    assert copy["error"][:, -1].mean() > 3 * copy["error"][:, 0].mean() > 0
    assert copy["frame"].shape == (6, 11, 6)
    assert np.array_equal(copied(pixels, 5)[:, :5], pixels[:, :5])


def known_system(seed: int, offset: float, clips: int = 200) -> list[dict[str, np.ndarray]]:
    """Three seeds whose errors differ from clip to clip far more than from system to system."""
    hardness = np.random.default_rng(7).exponential(5, (clips, 1))
    rng = np.random.default_rng(seed)
    video = rng.normal(0, 1, (clips, 3))
    return [
        {"error": hardness + offset + rng.normal(0, 0.3, (clips, 1)), "video": video}
        for _ in range(3)
    ]


def test_a_difference_on_the_same_clips_is_told_far_more_exactly_than_either_side():
    better, worse = (
        figure(known_system(seed, offset), at_frame("error", 1), str(seed))
        for seed, offset in ((0, 0.0), (1, 0.5))
    )
    difference = interval(better - worse)
    assert difference["low"] < -0.5 < difference["high"] < -0.3
    assert interval(better)["high"] - interval(better)["low"] > 0.6


def test_an_interval_covers_what_differs_from_seed_to_seed():
    apart = [known_system(0, offset)[0] for offset in (0.0, 3.0, 6.0)]
    together = [known_system(0, 3.0)[0] for _ in range(3)]
    wide, narrow = (interval(figure(seeds, at_frame("error", 1), "")) for seeds in (apart, together))
    assert wide["high"] - wide["low"] > 3 * (narrow["high"] - narrow["low"])


def test_a_distance_from_the_truth_grows_with_what_is_wrong():
    truth = known_system(0, 0)[0]
    near, far = (
        figure([{"video": truth["video"] + shift}], distance_from(truth), "")[0] for shift in (0.1, 1)
    )
    assert near == pytest.approx(0.03, abs=1e-6)
    assert far == pytest.approx(3, abs=1e-6)


@pytest.mark.parametrize(
    ("better", "worse", "told"),
    [(0.0, 1.0, "holds"), (1.0, 0.0, "the opposite"), (0.0, 0.0, "undecided")],
)
def test_a_claim_holds_where_the_whole_interval_says_so(better, worse, told):
    twin = replace(PAPER, paradigm="mtf")
    claim = Claim("", "error", ((PAPER, twin),))
    systems = {
        system.name: {
            "prediction": {
                "error": figure(known_system(9, offset), at_frame("error", 1), system.name)
            }
        }
        for system, offset in ((PAPER, better), (twin, worse))
    }
    assert verdict(claim, systems, "prediction")["verdict"] == told


def test_every_run_is_measured_at_its_end_and_at_the_shared_step(finished):
    assert len(finished) == len(GRID) == 8
    for known in finished.values():
        assert known["training"]["steps"] > known["training"]["sharedStep"] == 2
        for checkpoint in (FINAL, SHARED):
            for task in runs.TASKS:
                told = known[checkpoint][task]["FD-V"]
                assert told["low"] <= told["mean"] <= told["high"]
        assert known[FINAL] != known[SHARED]
    costs = [known["training"]["multiplyAdds"] for known in finished.values()]
    assert max(costs) < 1.2 * min(costs)


def test_all_runs_share_one_tokenizer(setting):
    tokenizer = TokenizerConfig("plain", SIZE, 3, 8, 4, (8, 8, 8, 8))
    training = TokenizerTrainConfig(steps=1, references=2, targets=1)
    base = replace(TINY, tokenizer=tokenizer, tokenizer_training=training)
    own = replace(setting, base=base, work=setting.work / "plain")
    pools = [runs.pool_of(own, run_of(base, System("ctf", interval, False), 0)) for interval in (True, False)]
    first, second = (codec.tokenizer.state_dict() for _, codec in pools)
    assert all(torch.equal(first[name], value) for name, value in second.items())
    assert len({len(set(pool.interval)) > 1 for pool, _ in pools}) == 2


def test_a_run_that_was_measured_is_not_measured_again_unless_something_changed(
    finished, setting, contexts, monkeypatch
):
    assert not finish(setting, GRID[0], 0, lambda: contexts)
    asked = []
    monkeypatch.setattr(Contexts, "of_model", lambda *_: asked.append(1))
    with pytest.raises(AttributeError):
        finish(replace(setting, encoder="another"), GRID[0], 0, lambda: contexts)
    assert asked


def test_figures_become_a_report_between_the_marks(finished, setting, contexts, tmp_path):
    results = tmp_path / "results"
    for name, known in finished.items():
        write_json(results / f"{name}.json", known)
    command = {"command": "npm run training -- claims"}
    comparison = compared(setting, contexts, [0])
    assert {one["claim"] for one in comparison["claims"]} == {claim.text for claim in CLAIMS}
    write_json(results / "comparison.json", command | comparison)
    write_json(results / "horizon.json", command | long_videos(setting, (0,), 3))
    model, codec = untrained()
    measuring = StepGrid(model, codec, colours, SAMPLING, 3)
    cells = [cell for cell, _ in zip(measuring.cells([]), range(2), strict=False)]
    about = measuring.about() | {"run": "tiny", "trainedSteps": 0}
    write_json(results / "steps.json", command | {"about": about, "cells": cells})
    times = {"run": "tiny", "frames": 4, "decodeSteps": 2, "headSteps": 1}
    seconds = seconds_by_frame(model, SAMPLING, 4)
    write_json(results / "times.json", command | {"about": times, "secondsByFrame": seconds})
    document = tmp_path / "docs" / "results.md"
    document.parent.mkdir()
    document.write_text("before\n" + "\nstale\n".join(MARKS) + "\nafter\n")
    assert write_report(results, document) == ["comparison", "horizon", "steps", "times"]
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "stale" not in text
    for system in (*GRID, *HORIZON):
        assert f"| {system.name} |" in text
    for name in ("horizon", "steps-fdv", "steps-error", "times"):
        svg = document.parent / "pictures" / f"claims-{name}.svg"
        assert f"pictures/{svg.name}" in text
        ElementTree.parse(svg)


def test_a_document_without_marks_is_refused(tmp_path):
    (tmp_path / "results.md").write_text("nothing")
    with pytest.raises(ValueError, match="must hold the lines"):
        write_report(tmp_path, tmp_path / "results.md")


def untrained() -> tuple[Magi, Codec]:
    codec = Codec.load(TINY.tokenizer, Path("nowhere"))
    assert codec.config == build_tokenizer(TINY.tokenizer).config
    return Magi.of(TINY).eval().requires_grad_(False), codec


def test_cells_that_are_known_are_not_measured_again():
    measuring = StepGrid(*untrained(), colours, SAMPLING, 3)
    first, second = (cell for cell, _ in zip(measuring.cells([]), range(2), strict=False))
    assert next(measuring.cells([first]))["headSteps"] == second["headSteps"] == 2
    assert second["multiplyAddsPerFrame"] > first["multiplyAddsPerFrame"]


def test_time_without_a_cache_grows_faster_than_with_one():
    seconds = seconds_by_frame(untrained()[0], SAMPLING, 24)
    assert {len(values) for values in seconds.values()} == {24}
    powers = {name: growth(values) for name, values in seconds.items()}
    assert powers[NONE] > max(powers[WINDOWED], powers[FULL]) + 0.2


def test_growth_is_the_power_of_the_number_of_frames():
    assert growth([1.0] * 200) == pytest.approx(1, abs=0.01)
    assert growth([float(index) for index in range(1, 201)]) == pytest.approx(2, abs=0.03)
