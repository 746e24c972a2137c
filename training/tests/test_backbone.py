"""The property that everything rests on: one pass over a clip equals frame after frame on a cache.
With masked teacher forcing it holds for a cache of masked frames only, which inference never has."""

import pytest
import torch

from magi.backbone import COMPLETE, MASKED, Conditions
from magi.config import PARADIGMS, ModelConfig
from magi.generation import Past, TorchFrames
from magi.model import Magi

FRAMES = 20


def small_model(window: int | None, paradigm: str = "ctf") -> Magi:
    torch.manual_seed(3)
    config = ModelConfig(
        width=32,
        layers=3,
        heads=2,
        window=window,
        head_width=32,
        labels=("a", "b"),
        max_interval=5,
        paradigm=paradigm,
    )
    model = Magi(config, tokens=4, channels=6)
    for name, parameter in model.named_parameters():
        if "anchor_offset" in name or "table" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    return model.requires_grad_(False)


def clip():
    torch.manual_seed(4)
    latents = torch.randn(1, FRAMES, 4, 6)
    levels = torch.zeros(1, FRAMES, dtype=torch.long)
    hidden = torch.rand(1, FRAMES, 4) < 0.6
    conditions = Conditions(torch.tensor([3]), torch.randint(0, 3, (1, FRAMES)))
    return latents, levels, hidden, conditions


def frame_by_frame(model: Magi, remembered: torch.Tensor) -> torch.Tensor:
    """Condition vectors [FRAMES, S, width] of the masked frames on a cache of the same frames, whose
    tokens are hidden where `remembered` [FRAMES, S] says."""
    latents, _, hidden, conditions = clip()
    past = Past(model.config.window, TorchFrames(model).cache_shape)
    made = []
    for frame in range(FRAMES):
        slots = past.slots()

        def run(role, mask, frame=frame, slots=slots):
            told = torch.tensor([role]), torch.tensor([0]), conditions.interval
            label = conditions.labels[:, frame]
            return model.backbone.frame(latents[0, frame], mask.float(), *told, label, *slots)

        made.append(run(MASKED, hidden[0, frame])[0])
        _, key, value = run(COMPLETE, remembered[frame])
        past.append(frame, key, value)
    return torch.stack(made)


@pytest.mark.parametrize("window", [8, 2, None])
def test_parallel_pass_equals_cached_frame_by_frame(window):
    model = small_model(window)
    assert FRAMES > 2 * (window or 0) + 1
    latents, levels, hidden, conditions = clip()
    parallel = model.backbone(latents, levels, latents, hidden, conditions)[0]
    cached = frame_by_frame(model, torch.zeros_like(hidden[0]))
    assert torch.allclose(cached, parallel, atol=1e-5)


@pytest.mark.parametrize("window", [8, 2, None])
def test_masked_teacher_forcing_equals_a_cache_of_masked_frames_and_of_no_others(window):
    model = small_model(window, "mtf")
    latents, levels, hidden, conditions = clip()
    parallel = model.backbone.masked_stream(latents, levels, hidden, conditions)[0]
    cached = frame_by_frame(model, hidden[0])
    assert torch.allclose(cached, parallel, atol=1e-5)
    inferred = frame_by_frame(model, torch.zeros_like(hidden[0]))
    assert torch.allclose(inferred[0], parallel[0], atol=1e-5)
    apart = (inferred - parallel).abs().amax((1, 2))
    assert (apart[1:] > 1e-2).all()


def test_leaving_out_the_last_complete_frame_changes_nothing():
    model = small_model(8)
    latents, levels, hidden, conditions = clip()
    whole = model.backbone(latents, levels, latents, hidden, conditions)
    shorter = model.backbone(latents[:, :-1], levels[:, :-1], latents, hidden, conditions)
    assert torch.allclose(whole, shorter, atol=1e-5)


@pytest.mark.parametrize("window", [2, None])
def test_a_masked_frame_sees_its_past_and_itself_and_nothing_else(window):
    model = small_model(window)
    latents, levels, hidden, conditions = clip()
    hidden = torch.zeros_like(hidden)
    target = 7
    complete = latents.clone().requires_grad_()
    masked = latents.clone().requires_grad_()
    model.backbone(complete, levels, masked, hidden, conditions)[0, target].square().sum().backward()
    from_history = complete.grad[0].abs().sum((1, 2)) > 0
    from_masked = masked.grad[0].abs().sum((1, 2)) > 0
    # Stacked layers see further than one window, but never the frame itself or the future.
    reach = target if window is None else window * model.config.layers
    expected = torch.tensor([(target - reach <= j < target) or j == 0 for j in range(FRAMES)])
    assert torch.equal(from_history, expected)
    assert torch.equal(from_masked, torch.arange(FRAMES) == target)


def test_hidden_tokens_do_not_leak():
    model = small_model(8)
    latents, levels, hidden, conditions = clip()
    masked = latents.clone().requires_grad_()
    model.backbone(latents, levels, masked, hidden, conditions).square().sum().backward()
    touched = masked.grad.abs().sum(-1) > 0
    assert torch.equal(touched, ~hidden)


@pytest.mark.parametrize("window", [2, None])
def test_masked_teacher_forcing_sees_what_is_visible_of_the_past_and_nothing_else(window):
    model = small_model(window, "mtf")
    latents, levels, hidden, conditions = clip()
    target = 7
    shown = latents.clone().requires_grad_()
    z = model.backbone.masked_stream(shown, levels, hidden, conditions)
    z[0, target].square().sum().backward()
    reach = target if window is None else window * model.config.layers
    seen = torch.tensor([(target - reach <= j <= target) or j == 0 for j in range(FRAMES)])
    assert torch.equal(shown.grad[0].abs().sum(-1) > 0, seen.unsqueeze(1) & ~hidden[0])


def test_both_paradigms_have_the_same_parameters():
    shapes = [
        {name: value.shape for name, value in small_model(8, paradigm).named_parameters()}
        for paradigm in PARADIGMS
    ]
    assert shapes[0] == shapes[1]
