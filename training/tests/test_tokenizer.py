"""Tokenizers: what goes in comes out, and looks come from the reference."""

import numpy as np
import pytest
import torch

from magi.codec import Codec
from magi.config import ModelConfig, RunConfig, TokenizerConfig, TokenizerTrainConfig, load_run
from magi.data.palette import as_colours, fixed_palette, frame_palette, nearest_indices
from magi.data.physics import Physics
from magi.tokenizer import build_tokenizer, to_grid, to_tokens
from magi.tokenizer_training import referenced_loss, train_tokenizer

RED, GREEN, BLUE = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)
SMALL = TokenizerConfig("referenced", 64, 4, 16, 8, (8, 16, 24, 32, 40))


def square(colour, left: int) -> np.ndarray:
    frame = np.zeros((64, 64, 4), np.uint8)
    frame[20:40, left : left + 16] = colour
    return frame


def test_patches_are_exact():
    codec = Codec(build_tokenizer(TokenizerConfig()), torch.zeros(48), torch.ones(48), None)
    frames = Physics(32).clip(1, 3).pixels
    assert np.array_equal(codec.decode(codec.encode(frames)), frames)


def test_a_plain_tokenizer_learns_to_reconstruct(tmp_path):
    config = TokenizerConfig("plain", 32, 3, 8, 8, (16, 24, 32, 48))
    settings = TokenizerTrainConfig(
        references=2, targets=4, learning_rate=3e-3, kl=1e-5, warmup=10
    )
    run = RunConfig("plain", "", "physics", config, ModelConfig(), tokenizer_training=settings)
    clip = Physics(32).clip(500_000, 8).pixels

    def error(steps: int) -> float:
        train_tokenizer(run, Physics(32), tmp_path, "cpu", steps)
        codec = Codec.load(config, tmp_path)
        return np.abs(codec.decode(codec.encode(clip)).astype(float) - clip).mean()

    first = error(5)
    assert error(80) < 0.5 * first


def test_a_referenced_tokenizer_starts_as_a_copy_of_its_reference():
    torch.manual_seed(0)
    tokenizer = build_tokenizer(SMALL)
    codec = Codec(tokenizer, torch.zeros(8), torch.ones(8), np.array([0], "<u4"))
    reference = square(RED, 10)
    made = codec.decode(torch.zeros(1, 16, 8), codec.reference(reference))[0]
    assert (made == reference).all(-1).mean() > 0.9


def test_a_referenced_tokenizer_only_uses_colours_of_the_reference():
    codec = Codec(build_tokenizer(SMALL), torch.zeros(8), torch.ones(8), np.array([0], "<u4"))
    reference = square(RED, 10)
    reference[50:60, 50:60] = BLUE
    latents = torch.randn(4, 16, 8) * 3
    made = codec.decode(latents, codec.reference(reference))
    colours = {tuple(colour) for colour in made.reshape(-1, 4)}
    assert colours <= {(0, 0, 0, 0), RED, BLUE}


def test_a_referenced_tokenizer_learns_where_things_went():
    """Squares that move: after training the latents tell the place, the reference the colour."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(SMALL)
    optimiser = torch.optim.AdamW(tokenizer.parameters(), 2e-3)
    rng = np.random.default_rng(0)
    settings = TokenizerTrainConfig(kl=1e-4, noise=0.05)

    def batch(colours):
        rows = []
        for colour in colours:
            places = rng.integers(4, 44, 4)
            frames = np.stack([square(colour, int(place)) for place in places])
            palette = frame_palette(frames[0])
            indices = nearest_indices(frames, palette)
            pixels = frames[1:].transpose(0, 3, 1, 2).astype(np.float32) / 255
            rows.append(
                (indices[0], as_colours(palette), np.float32(1), pixels, indices[1:].astype(np.int64))
            )
        return [torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True)]

    for _ in range(150):
        colours = [tuple(rng.integers(0, 256, 3)) + (255,) for _ in range(4)]
        loss, _ = referenced_loss(tokenizer, batch(colours), settings)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    codec = Codec(tokenizer, torch.zeros(8), torch.ones(8), np.array([0], "<u4"))
    codec.mean.zero_()
    first, later = square(GREEN, 8), square(GREEN, 30)
    raw = tokenizer.encode(
        torch.from_numpy(later).permute(2, 0, 1)[None].float() / 255,
        codec.reference(first).features,
    )
    codec.deviation = raw.abs().max() / 3 * torch.ones(8)
    made = codec.decode_video(codec.encode_video(np.stack([first, later])), first)[1]
    solid = later[..., 3] > 0
    assert (made == later).all(-1)[solid].mean() > 0.8
    assert (made == later).all(-1).mean() > 0.9


def test_tokens_and_grid_are_the_same_values():
    grid = torch.randn(2, 3, 4, 4)
    assert torch.equal(to_grid(to_tokens(grid), 4), grid)


def test_a_palette_begins_with_transparent_and_has_every_colour():
    frame = square(RED, 10)
    frame[0, 0] = (9, 9, 9, 0)
    palette = frame_palette(frame)
    assert palette.tolist() == [0, 0xFF0000FF]
    assert nearest_indices(frame, palette)[0, 0] == 0
    assert as_colours(palette)[2:, 3].tolist() == [-1.0] * 62


def test_a_palette_of_too_many_colours_keeps_the_most_frequent():
    frame = np.zeros((64, 64, 4), np.uint8)
    frame[..., 3] = 255
    frame[..., 0] = np.arange(64)[:, None]
    frame[..., 1] = np.where(np.arange(64) < 20, 0, np.arange(64))[None]
    palette = frame_palette(frame)
    assert len(palette) == 64
    assert len(set(palette.tolist())) == 64


def test_a_missing_colour_becomes_its_nearest():
    frame = square((250, 5, 0, 255), 3)
    palette = np.array([0, 0xFF0000FF, 0xFFFF0000], "<u4")
    assert set(nearest_indices(frame, palette).ravel()) == {0, 1}


def test_the_fixed_palette_has_64_colours_near_the_data():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (40, 8, 8, 4)).astype(np.uint8)
    frames[..., 3] = 255
    palette = fixed_palette(frames)
    assert palette[0] == 0
    assert 50 <= len(palette) <= 64


@pytest.mark.parametrize("name", ["filmed", "nano", "sprite"])
def test_the_committed_run_files_can_be_read(name):
    from magi.__main__ import RUNS

    run = load_run(RUNS / f"{name}.json")
    assert run.licence
    assert run.tokenizer.tokens == run.tokenizer.grid**2
    sampling = {"decodeSteps", "headSteps", "temperature"}
    assert {"frames", "framesPerSecond"} | sampling == set(run.defaults) - {"firstFrame"}
    assert set(run.defaults.get("firstFrame", sampling)) == sampling
