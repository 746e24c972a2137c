"""The optimiser: who moves which parameter, and how rates rise and fall."""

from dataclasses import replace

import pytest
import torch

from magi.config import ModelConfig, TrainConfig
from magi.model import Magi
from magi.optimiser import Optimiser, hidden_matrices

CONFIG = ModelConfig(width=16, layers=1, heads=1, head_width=16, head_blocks=1)
MUON = TrainConfig(optimiser="muon", learning_rate=1e-2, muon_learning_rate=1e-2)


def model() -> Magi:
    torch.manual_seed(0)
    made = Magi(CONFIG, tokens=4, channels=3)
    for value in made.parameters():
        value.grad = torch.randn_like(value)
    return made


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_every_parameter_is_moved_by_one_optimiser(optimiser):
    magi = model()
    parts = Optimiser(magi, replace(MUON, optimiser=optimiser)).parts
    moved = [value for part in parts for group in part.param_groups for value in group["params"]]
    assert sorted(map(id, moved)) == sorted(map(id, magi.parameters()))


def test_muon_moves_hidden_matrices_and_none_that_meets_latents_or_times():
    magi = Magi(CONFIG, tokens=4, channels=32)
    hidden = set(hidden_matrices(magi))
    assert {magi.head.first[0].weight, magi.head.time[2].weight} < hidden
    outer = magi.backbone.enter, magi.head.enter, magi.head.leave, magi.head.time[0]
    assert not hidden & {layer.weight for layer in outer}


def test_the_state_of_another_optimiser_is_refused():
    saved = Optimiser(model(), MUON).state_dict()
    with pytest.raises(ValueError, match="trained with another optimiser; remove model.pt"):
        Optimiser(model(), replace(MUON, optimiser="adamw")).load_state_dict(saved)


def test_a_step_of_muon_is_orthogonal():
    magi = model()
    weight = magi.head.first[0].weight
    before = weight.detach().clone()
    Optimiser(magi, MUON).step(1.0)
    sizes = torch.linalg.svdvals((weight.detach() - before) / MUON.muon_learning_rate)
    assert sizes.max() / sizes.min() < 2 < torch.linalg.cond(weight.grad)


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_the_factor_scales_every_rate(optimiser):
    magi = model()
    made = Optimiser(magi, replace(MUON, optimiser=optimiser))
    before = [value.detach().clone() for value in magi.parameters()]
    made.step(0.0)
    assert all(map(torch.equal, before, magi.parameters()))
    made.step(0.5)
    made.step(0.5)
    assert [group["lr"] for part in made.parts for group in part.param_groups] == pytest.approx(
        [5e-3] * (2 if optimiser == "adamw" else 3)
    )


def test_an_unknown_optimiser_is_refused():
    with pytest.raises(ValueError, match="training.optimiser 'sgd': one of adamw, muon"):
        TrainConfig(optimiser="sgd")
