"""The property that everything rests on: one pass over a clip equals frame after frame on a cache."""

import pytest
import torch

from magi.backbone import COMPLETE, MASKED, Conditions
from magi.config import ModelConfig
from magi.generation import Past, TorchFrames
from magi.model import Magi

FRAMES = 20


def small_model(window: int | None) -> Magi:
    torch.manual_seed(3)
    config = ModelConfig(
        width=32, layers=3, heads=2, window=window, head_width=32, labels=("a", "b"), max_interval=5
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


@pytest.mark.parametrize("window", [8, 2, None])
def test_parallel_pass_equals_cached_frame_by_frame(window):
    model = small_model(window)
    assert FRAMES > 2 * (window or 0) + 1
    latents, levels, hidden, conditions = clip()
    parallel = model.backbone(latents, levels, latents, hidden, conditions)[0]
    past = Past(window, TorchFrames(model).cache_shape)
    for frame in range(FRAMES):
        slots = past.slots()

        def run(role, mask, level=0, frame=frame, slots=slots):
            return model.backbone.frame(
                latents[0, frame],
                mask,
                torch.tensor([role]),
                torch.tensor([level]),
                conditions.interval,
                conditions.labels[:, frame],
                *slots,
            )

        z, _, _ = run(MASKED, hidden[0, frame].float())
        assert torch.allclose(z, parallel[frame], atol=1e-5), f"frame {frame}"
        _, key, value = run(COMPLETE, torch.zeros(4))
        past.append(frame, key, value)


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
