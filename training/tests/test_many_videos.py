"""Many videos at once are the same videos as one by one, and what they cost is counted."""

import pytest
import torch
from torch import nn

from magi.arithmetic import multiply_adds, of_generated_frame, of_training_step
from magi.config import ModelConfig, RunConfig, TokenizerConfig, TrainConfig
from magi.generation import Plan, TorchFrames, generate
from magi.many_videos import generate_many
from magi.model import Magi

FRAMES = 7


def rough_model(window: int | None, paradigm: str) -> Magi:
    config = ModelConfig(
        width=32,
        layers=2,
        heads=2,
        window=window,
        head_width=24,
        labels=("a",),
        max_interval=4,
        paradigm=paradigm,
    )
    torch.manual_seed(5)
    model = Magi(config, tokens=9, channels=6)
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter) * 0.05
    return model.requires_grad_(False)


def plan_of(seed: int, decode_steps: int = 3) -> Plan:
    return Plan(seed, 1 + seed % 3, lambda frame: (frame + seed) % 2, decode_steps, 2, 1.0)


@pytest.mark.parametrize("paradigm", ["ctf", "mtf"])
@pytest.mark.parametrize("window", [2, None])
def test_videos_of_a_batch_are_those_made_one_by_one(window, paradigm):
    model = rough_model(window, paradigm)
    plans = [plan_of(seed) for seed in (4, 5, 11)]
    torch.manual_seed(6)
    given = torch.randn(3, 2, 9, 6)
    together = torch.stack(list(generate_many(model, plans, FRAMES, given)), dim=1)
    for plan, known, made in zip(plans, given, together, strict=True):
        alone = torch.stack(list(generate(TorchFrames(model), plan, FRAMES, known, "float32")))
        assert torch.allclose(made, alone, atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1e-1)


def test_videos_of_a_batch_with_other_steps_are_refused():
    plans = [plan_of(0), plan_of(1, decode_steps=4)]
    with pytest.raises(ValueError, match="same steps"):
        next(generate_many(rough_model(2, "ctf"), plans, 2))


def test_a_linear_layer_costs_rows_times_in_times_out_and_three_times_that_in_training():
    layer = nn.Linear(5, 7)
    rows = torch.randn(11, 5, requires_grad=True)
    assert multiply_adds(lambda: layer(rows)) == 11 * 5 * 7
    assert multiply_adds(lambda: layer(rows).sum().backward()) == 3 * 11 * 5 * 7


def test_a_frame_costs_the_same_anywhere_in_a_window_and_more_with_more_decode_steps():
    model = rough_model(2, "ctf")
    few, later = (of_generated_frame(model, plan_of(0), index) for index in (3, 6))
    assert few == later
    assert of_generated_frame(model, plan_of(0, decode_steps=9), 3) > 2 * few


def test_masked_teacher_forcing_trains_at_little_more_than_half_the_cost():
    def cost(paradigm: str) -> int:
        return of_training_step(
            RunConfig(
                name="",
                description="",
                dataset="physics",
                tokenizer=TokenizerConfig(frame_size=16),
                model=ModelConfig(width=64, layers=4, heads=2, head_width=16, paradigm=paradigm),
                training=TrainConfig(frames_per_batch=32, batch_repeat=1),
            )
        )

    assert 0.5 < cost("mtf") / cost("ctf") < 0.6
