"""Training: what learns, what a checkpoint keeps, and that history is really used."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from magi.backbone import Conditions
from magi.codec import Codec
from magi.config import ModelConfig, RunConfig, TokenizerConfig, TrainConfig, load_run
from magi.data.clip import Clip
from magi.data.physics import Physics
from magi.head import CosineDdpm, DiffusionHead, flow_loss, flow_sample
from magi.model import Magi, token_weights
from magi.schedule import learning_rate_factor
from magi.train import clip_length, load_model, tokenize, train


SIZE = 16
"""Width and height of a frame: the smallest that shows the shapes, so that training takes seconds."""


class LabelledPhysics(Physics):
    """Physics with labels made up from the clip's seed, to train the label table."""

    labels = ("a", "b")

    def clip(self, seed: int, frames: int, interval: int | None = None) -> Clip:
        made = super().clip(seed, frames, interval)
        return replace(made, labels=np.full(frames, seed % 3, np.int64))


def nano(steps: int, **changes) -> RunConfig:
    return RunConfig(
        name="test",
        description="",
        dataset="physics",
        tokenizer=TokenizerConfig(frame_size=SIZE),
        model=ModelConfig(width=64, layers=2, heads=2, head_width=64, labels=("a", "b")),
        training=TrainConfig(
            **{
                "steps": steps,
                "frames_per_batch": 64,
                "curriculum": ((0.5, 4), (0.5, 8)),
                "warmup": 20,
                "learning_rate": 4e-3,
                "clips": 400,
            }
            | changes
        ),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nano")
    run = nano(200)
    train(run, LabelledPhysics(SIZE), folder, "cpu")
    model, known = load_model(run, folder)
    return run, folder, model, known


def changed_token_error(model: Magi, latents, history, conditions) -> float:
    """Error on hidden tokens that changed since the previous frame, the same noise every time."""
    frames = latents.shape[1]
    hidden = torch.ones(latents.shape[:3], dtype=torch.bool)
    hidden[:, :, ::3] = False
    levels = torch.zeros(latents.shape[:2], dtype=torch.long)
    z = model.backbone(history, levels, latents, hidden, conditions)
    changed = token_weights(latents, 1.0) > 1.3
    counted = hidden & changed & (torch.arange(frames) >= 2).view(1, -1, 1)
    assert counted.sum() > 200
    torch.manual_seed(9)
    return flow_loss(model.head, latents[counted], z[counted]).mean().item()


def held_out_batch(run, folder):
    """Clips that training did not see."""
    codec = Codec.load(run.tokenizer, folder)
    clips = [LabelledPhysics(SIZE).clip(1_000_000 + index, 8) for index in range(64)]
    latents = torch.stack([codec.encode_video(clip.pixels) for clip in clips])
    interval = torch.tensor([clip.interval for clip in clips])
    labels = torch.from_numpy(np.stack([clip.labels for clip in clips]))
    return latents, Conditions(interval, labels)


def test_the_true_history_predicts_changed_tokens_better_than_a_shuffled_one(trained):
    run, folder, model, _ = trained
    latents, conditions = held_out_batch(run, folder)
    true = changed_token_error(model, latents, latents, conditions)
    others = changed_token_error(model, latents, latents.roll(1, 0), conditions)
    assert true < 0.9 * others


def test_training_lowers_the_loss(trained):
    _, folder, _, known = trained
    losses = [json.loads(line)["loss"] for line in (folder / "history.jsonl").open()]
    assert losses[-1] < 0.7 * losses[0]
    assert known["step"] == 200


@pytest.mark.parametrize("table", ["intervals", "noise_levels", "labels", "roles", "places"])
def test_every_embedding_is_used_and_trained(trained, table):
    run, folder, model, _ = trained
    latents, conditions = held_out_batch(run, folder)
    again = load_model(run, folder)[0].requires_grad_()
    torch.manual_seed(0)
    again.loss(latents, conditions, run.training)[0].backward()
    rows = getattr(again.backbone, table).grad.abs().sum(-1) > 0
    assert rows.float().mean() > 0.5
    learned = getattr(model.backbone, table)
    torch.manual_seed(run.training.seed)
    untrained = getattr(Magi.of(run).backbone, table)
    assert ((learned - untrained).abs().amax(-1) > 1e-3).float().mean() > 0.5
    levels = torch.zeros(latents.shape[:2], dtype=torch.long)
    hidden = torch.ones(latents.shape[:3], dtype=torch.bool)
    z = model.backbone(latents, levels, latents, hidden, conditions)
    getattr(model.backbone, table).data += 0.5 * torch.randn_like(learned)
    moved = model.backbone(latents, levels, latents, hidden, conditions)
    getattr(model.backbone, table).data.copy_(load_model(run, folder)[0].backbone.state_dict()[table])
    assert (z - moved).abs().mean() > 1e-3


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_run_goes_on_at_its_checkpoint(tmp_path, optimiser):
    steady = {"warmup": 1, "decay": 0.0, "curriculum": ((1.0, 4),), "clips": 40, "optimiser": optimiser}
    run, dataset = nano(7, **steady), LabelledPhysics(SIZE)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(run, dataset, whole, "cpu")
    train(run, dataset, parts, "cpu", steps=4)
    assert torch.load(parts / "model.pt", weights_only=True)["step"] == 4
    train(run, dataset, parts, "cpu")
    first, second = (
        torch.load(folder / "model.pt", weights_only=True) for folder in (whole, parts)
    )
    assert first["step"] == second["step"] == 7
    for part in ("model", "average"):
        assert all(torch.equal(first[part][name], value) for name, value in second[part].items())


def test_a_pool_is_made_again_for_another_tokenizer(tmp_path):
    run = nano(1, clips=5)
    tokenize(run, LabelledPhysics(SIZE), tmp_path, "cpu")
    made = (tmp_path / "pool" / "labels.npy").stat().st_mtime_ns
    tokenize(run, LabelledPhysics(SIZE), tmp_path, "cpu")
    assert (tmp_path / "pool" / "labels.npy").stat().st_mtime_ns == made
    (tmp_path / "pool" / "tokenizer.sha256").write_text("of another tokenizer")
    tokenize(run, LabelledPhysics(SIZE), tmp_path, "cpu")
    assert (tmp_path / "pool" / "labels.npy").stat().st_mtime_ns > made


def test_latents_of_the_pool_are_normalised(tmp_path):
    run = nano(1)
    pool = tokenize(run, LabelledPhysics(SIZE), tmp_path, "cpu")
    values = pool.latents[:200].astype(np.float32)
    assert np.abs(values.mean((0, 1, 2))).max() < 0.2
    assert np.abs(values.std((0, 1, 2)) - 1).max() < 0.25
    assert np.abs(values).max() <= 4


def test_the_curriculum_lengthens_clips():
    settings = TrainConfig(steps=100, curriculum=((0.25, 4), (0.25, 8), (0.5, 16)))
    assert [clip_length(settings, step) for step in (0, 24, 25, 49, 50, 99)] == [4, 4, 8, 8, 16, 16]


def test_the_learning_rate_rises_stays_and_falls():
    factors = [learning_rate_factor(step, 1000, 100, 0.25) for step in range(1000)]
    assert factors[0] == 0.01
    assert factors[99] == factors[700] == 1
    assert factors[-1] < 0.03
    assert all(a >= b for a, b in zip(factors[750:], factors[751:], strict=False))


def test_a_run_file_with_an_unknown_key_names_it(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text(
        json.dumps(
            {
                "name": "bad",
                "description": "",
                "dataset": "physics",
                "tokenizer": {},
                "model": {"widht": 3},
            }
        )
    )
    with pytest.raises(ValueError, match="model.widht"):
        load_run(path)


@pytest.mark.parametrize(
    ("tokenizer", "message"),
    [
        ({"frame_size": 30}, "frame_size 30: must be a multiple of tokenizer.downscale 4"),
        ({"kind": "plain", "downscale": 8, "widths": [8, 8]}, r"widths \[8, 8\]: one for every halving"),
    ],
)
def test_a_run_file_whose_sizes_do_not_fit_each_other_says_so(tmp_path, tokenizer, message):
    path = tmp_path / "bad.json"
    content = {"name": "bad", "description": "", "dataset": "physics", "model": {}}
    path.write_text(json.dumps(content | {"tokenizer": {"frame_size": 32} | tokenizer}))
    with pytest.raises(ValueError, match=message):
        load_run(path)


def trained_head(loss) -> DiffusionHead:
    """A head that learned the values +1 for condition a and -1 for condition b."""
    torch.manual_seed(0)
    head = DiffusionHead(channels=2, condition=2, width=64, blocks=2)
    optimiser = torch.optim.Adam(head.parameters(), 3e-3)
    for _ in range(500):
        z = torch.eye(2)[torch.randint(0, 2, (128,))]
        clean = z[:, :1] * 2 - 1 + 0.05 * torch.randn(128, 2)
        optimiser.zero_grad()
        loss(head, clean, z).mean().backward()
        optimiser.step()
    return head.requires_grad_(False)


@pytest.mark.parametrize("mode", ["flow", "ddpm"])
def test_a_head_samples_what_it_was_trained_on(mode):
    ddpm = CosineDdpm()
    head = trained_head(flow_loss if mode == "flow" else ddpm.loss)
    z = torch.eye(2).repeat(100, 1)
    torch.manual_seed(1)
    noise = torch.randn(200, 2)
    made = flow_sample(head, z, noise, 8) if mode == "flow" else ddpm.sample(head, z, noise, 100)
    wanted = z[:, :1] * 2 - 1
    assert (made - wanted).abs().mean() < 0.2


def test_a_shift_trains_the_head_at_noisier_times():
    class Listener(DiffusionHead):
        def modulate_time(self, time):
            seen.append(time)
            return super().modulate_time(time)

    seen = []
    head = Listener(channels=2, condition=2, width=64, blocks=1)
    for shift in (0.0, 1.5):
        torch.manual_seed(0)
        flow_loss(head, torch.randn(8, 2), torch.randn(8, 2), shift=shift)
    middle, later = seen
    assert torch.allclose(later.logit(), middle.logit() + 1.5, atol=1e-4)


def test_a_shift_of_ddpm_is_refused():
    with pytest.raises(ValueError, match="training.time_shift: only a rectified flow"):
        replace(nano(1, time_shift=1.0), model=ModelConfig(diffusion="ddpm"))


def test_changed_tokens_weigh_more_and_never_more_than_the_cap():
    latents = torch.zeros(1, 3, 2, 4)
    latents[0, 1:, 0] = 10
    weights = token_weights(latents, 2.0)
    assert weights.tolist() == [[[1.0, 1.0], [3.0, 1.0], [1.0, 1.0]]]


def test_an_interval_is_told_to_the_model():
    run = nano(1)
    model = Magi.of(run).requires_grad_(False)
    latents = torch.randn(1, 4, run.tokenizer.tokens, 48)
    levels = torch.zeros(1, 4, dtype=torch.long)
    hidden = torch.ones(1, 4, run.tokenizer.tokens, dtype=torch.bool)
    labels = torch.zeros(1, 4, dtype=torch.long)
    slow, fast = (
        model.backbone(latents, levels, latents, hidden, Conditions(torch.tensor([i]), labels))
        for i in (1, 25)
    )
    assert not torch.allclose(slow, fast)


def test_own_history_keeps_frame_0_and_replaces_about_half_of_the_others():
    run = nano(1)
    model = Magi.of(run).requires_grad_(False)
    latents = torch.randn(32, 8, run.tokenizer.tokens, run.tokenizer.latent_channels)
    conditions = Conditions(torch.ones(32, dtype=torch.long), torch.zeros(32, 8, dtype=torch.long))
    torch.manual_seed(0)
    seen = model.own_history(latents, conditions)
    changed = (seen != latents).flatten(2).any(-1)
    assert not changed[:, 0].any()
    assert 0.4 < changed[:, 1:].float().mean() < 0.6


def test_what_the_history_shows_changes_the_loss():
    run = nano(1)
    model = Magi.of(run).requires_grad_(False)
    torch.nn.init.normal_(model.head.leave.weight, std=0.1)
    torch.nn.init.normal_(model.head.condition_modulation.weight, std=0.1)
    latents = torch.randn(4, 8, run.tokenizer.tokens, run.tokenizer.latent_channels)
    conditions = Conditions(torch.ones(4, dtype=torch.long), torch.zeros(4, 8, dtype=torch.long))

    def loss(history):
        torch.manual_seed(0)
        return model.loss(latents, conditions, run.training, history)[0]

    assert torch.equal(loss(None), loss(latents))
    assert not torch.equal(loss(None), loss(latents.roll(1, 0)))
