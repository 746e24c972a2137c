"""Exported graphs compute what PyTorch computes."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from magi.backbone import Conditions
from magi.codec import Codec
from magi.config import ModelConfig, TokenizerConfig
from magi.eight_bits import has_eight_bits, quantised, stored
from magi.generation import Past, TorchFrames
from magi.graphs import (
    SHARD_BYTES,
    backbone_graphs,
    backbone_inputs,
    head_graphs,
    multiply_adds,
    put_into_shards,
    tokenizer_graphs,
)
from magi.head import flow_sample, flow_times
from magi.model import Magi
from magi.optimised import optimised
from magi.served import session_options
from magi.tokenizer import build_tokenizer

CHANNELS = 8
LARGE_OPERATORS = {"Cast", "Pad", "ScatterElements"}
"""V8 takes up to 108 MiB to compile one of them: docs/decisions/0011-memory.md."""


def roughened(module: torch.nn.Module) -> torch.nn.Module:
    """Weights that start at zero would hide a mistake."""
    torch.manual_seed(1)
    for parameter in module.parameters():
        parameter.data += torch.randn_like(parameter) * 0.05
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def model() -> Magi:
    config = ModelConfig(
        width=64, layers=2, heads=2, window=3, head_width=48, labels=("a",), max_interval=4
    )
    return roughened(Magi(config, tokens=9, channels=CHANNELS))


def run(graph, inputs):
    """Outputs of a graph; inputs that it does not have are left out."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), session_options())
    asked = {value.name: np.asarray(inputs[value.name]) for value in session.get_inputs()}
    return session.run(None, asked)


def named(graph, inputs):
    return dict(zip((value.name for value in graph.graph.output), run(graph, inputs), strict=True))


def drawn(graphs, inputs):
    """Indices and colours of the decoder on the sketch."""
    return run(graphs["decoder"], inputs | named(graphs["sketch"], inputs))


def run_backbone(graphs, inputs):
    """z, k, v of the backbone on the outputs of the past graph."""
    return run(graphs["backbone"], inputs | named(graphs["past"], inputs))


def distance(made, expected) -> float:
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(made, expected, strict=True))


@pytest.fixture(scope="module")
def backbone(model):
    return backbone_graphs(model.backbone, CHANNELS)


@pytest.mark.parametrize(("role", "level", "interval", "label"), [(0, 0, 1, 0), (1, 5, 4, 1)])
def test_the_backbone_graph_equals_pytorch(model, backbone, role, level, interval, label):
    inputs = backbone_inputs(model.backbone, CHANNELS)
    for name, value in zip(
        ("role", "noise_level", "interval", "label"), (role, level, interval, label), strict=True
    ):
        inputs[name] = torch.tensor([value], dtype=torch.int32)
    inputs["mask"] = (torch.arange(9) % 2).float()
    inputs["filled"] = torch.tensor([1.0, 0.0, 1.0, 1.0])
    expected = model.backbone.frame(*inputs.values())
    assert distance(run_backbone(backbone, inputs), expected) < 1e-4


def test_an_empty_slot_changes_nothing(model, backbone):
    inputs = backbone_inputs(model.backbone, CHANNELS)
    inputs["filled"] = torch.tensor([1.0, 0.0, 1.0, 1.0])
    first = run_backbone(backbone, inputs)
    inputs["past_k"][:, 1] += 3
    inputs["past_v"][:, 1] -= 3
    second = run_backbone(backbone, inputs)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_eight_bits_stay_near_float_and_hold_a_quarter_of_the_bytes(model, backbone):
    inputs = backbone_inputs(model.backbone, CHANNELS)
    small = quantised(backbone["backbone"])
    z = run_backbone(backbone, inputs)[0]
    error = np.abs(run_backbone(backbone | {"backbone": small}, inputs)[0] - z).mean()
    assert 0 < error < 0.05 * np.abs(z).mean() + 0.02
    weights = [node for node in small.graph.node if node.op_type == "MatMulInteger"]
    assert len(weights) == 2 * 6 + 1


@pytest.mark.parametrize(("rows", "steps"), [(1, 1), (2, 8), (9, 25)])
def test_the_head_graph_equals_pytorch_for_any_rows_and_steps(model, rows, steps):
    graphs = head_graphs(model.head, CHANNELS, 64)
    z, noise = torch.randn(rows, 64), torch.randn(rows, CHANNELS)
    known = named(graphs["steps"], {"times": flow_times(steps)})
    made = run(graphs["head"], known | {"z": z, "noise": noise})
    assert distance(made, [flow_sample(model.head, z, noise, steps)]) < 1e-4


def codec_of(kind: str) -> Codec:
    config = {
        "patches": TokenizerConfig(),
        "plain": TokenizerConfig("plain", 32, 3, 8, 4, (8, 16, 24, 32)),
        "referenced": TokenizerConfig("referenced", 64, 4, 16, 8, (8, 16, 24, 32, 40)),
    }[kind]
    palette = np.array([0, 0xFF0000FF, 0xFF00FF00, 0xFFFFFFFF], "<u4")
    channels = config.latent_channels
    tokenizer = build_tokenizer(config)
    if kind != "patches":
        roughened(tokenizer)
    mean, deviation = torch.linspace(-1, 1, channels), torch.linspace(0.5, 2, channels)
    return Codec(tokenizer, mean, deviation, palette)


@pytest.mark.parametrize("kind", ["patches", "plain"])
def test_tokenizer_graphs_equal_pytorch(kind):
    codec = codec_of(kind)
    size = codec.config.frame_size
    frame = np.random.default_rng(0).integers(0, 256, (1, size, size, 3)).astype(np.uint8)
    graphs = tokenizer_graphs(codec)
    pixels = frame.transpose(0, 3, 1, 2).astype(np.float32) / 255
    latents = codec.encode(frame)
    assert distance(run(graphs["encoder"], {"frame": pixels}), [latents[0]]) < 1e-4
    made = run(graphs["decoder"], {"latents": latents[0]})[0]
    decoded = codec.decode(latents)[0].transpose(2, 0, 1)
    assert np.abs(made[0] * 255 - decoded).max() <= 0.51


def test_a_graph_tells_whether_it_is_in_eight_bits(backbone):
    """The convolutions of a plain decoder are no products with a matrix and stay float."""
    whole = backbone["backbone"]
    assert has_eight_bits(quantised(whole)) and not has_eight_bits(whole)
    assert not has_eight_bits(quantised(tokenizer_graphs(codec_of("plain"))["decoder"]))


def test_referenced_tokenizer_graphs_equal_pytorch():
    codec = codec_of("referenced")
    rng = np.random.default_rng(0)
    colours = codec.palette.view(np.uint8).reshape(-1, 4)
    first, second = colours[rng.integers(0, 4, (2, 64, 64))]
    graphs = tokenizer_graphs(codec)
    for reference in (codec.null_reference(), codec.reference(first)):
        inputs = {
            "reference": reference.neighbours[0, :, 40].reshape(64, 64).to(torch.int32),
            "palette": reference.colours[0],
            "has_reference": reference.given,
        }
        known = inputs | named(graphs["reference"], inputs)
        latents = codec.encode(second[None], reference)
        pixels = second.transpose(2, 0, 1)[None].astype(np.float32) / 255
        made = run(graphs["encoder"], known | {"frame": pixels})
        assert distance(made, [latents[0]]) < 1e-4
        indices, soft = drawn(graphs, known | {"latents": latents[0]})
        decoded = codec.decode(latents, reference)[0]
        words = reference.palette[indices].astype("<u4")
        same = (words.view(np.uint8).reshape(64, 64, 4) == decoded).all(-1)
        assert same.mean() > 0.999
        assert soft.shape == (1, 4, 64, 64)
        assert soft.min() >= 0
        assert soft.max() <= 1 + 1e-5


def test_eight_bits_move_neighbourhoods_as_bytes_and_change_few_colours():
    codec = codec_of("referenced")
    rng = np.random.default_rng(0)
    colours = codec.palette.view(np.uint8).reshape(-1, 4)
    reference = codec.reference(colours[rng.integers(0, 4, (64, 64))])
    graphs = tokenizer_graphs(codec)
    inputs = {
        "reference": reference.neighbours[0, :, 40].reshape(64, 64).to(torch.int32),
        "palette": reference.colours[0],
        "has_reference": reference.given,
        "latents": torch.randn(16, 8),
    }
    known = inputs | named(graphs["reference"], inputs)
    small = {name: quantised(graphs[name]) for name in ("sketch", "decoder")}
    nodes = [node for graph in small.values() for node in graph.graph.node]
    assert "Conv" not in [node.op_type for node in nodes]
    moved = [name for node in nodes if node.op_type == "Gather" for name in node.output]
    assert len([name for name in moved if name.endswith("_uint8")]) == 9
    before, colours = drawn(graphs, known)
    after, small_colours = drawn(small, known)
    assert (before != after).mean() < 0.02
    assert 0 < np.abs(colours - small_colours).mean() < 0.02


def test_no_graph_is_served_with_an_operator_that_is_large_in_webassembly(model, backbone):
    graphs = backbone | head_graphs(model.head, CHANNELS, 64) | tokenizer_graphs(codec_of("referenced"))
    for name in ("backbone", "sketch", "decoder"):
        graphs[name] = quantised(graphs[name])
    for name, graph in graphs.items():
        served = stored(optimised(graph)).graph
        assert not LARGE_OPERATORS & {node.op_type for node in served.node}, name


def test_an_optimised_graph_answers_as_before(model, backbone):
    inputs = backbone_inputs(model.backbone, CHANNELS)
    small = quantised(backbone["backbone"])
    rewritten = optimised(small)
    assert len(rewritten.graph.node) < len(small.graph.node)
    before, after = (run_backbone(backbone | {"backbone": each}, inputs) for each in (small, rewritten))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_weights_stored_in_eight_bits_change_an_encoder_little_and_halve_even_a_small_one():
    frame = {"frame": torch.rand(1, 3, 32, 32)}
    whole = optimised(tokenizer_graphs(codec_of("plain"))["encoder"])
    small = stored(whole)
    assert has_eight_bits(small) and not has_eight_bits(whole)
    assert small.ByteSize() < 0.5 * whole.ByteSize()
    (before,), (after,) = run(whole, frame), run(small, frame)
    assert 0 < np.abs(before - after).mean() < 0.02


def test_eight_bits_reach_into_a_scan(model):
    graphs = head_graphs(model.head, CHANNELS, 64)
    torch.manual_seed(0)
    z, noise = torch.randn(200, 64), torch.randn(200, CHANNELS)
    inputs = {"z": z, "noise": noise, "times": flow_times(4)}
    known = inputs | named(graphs["steps"], inputs)
    whole, small = run(graphs["head"], known)[0], run(quantised(graphs["head"]), known)[0]
    assert 0 < np.abs(whole - small).mean() < 0.05 * np.abs(whole).mean()


def test_shards_keep_to_their_size_and_give_the_weights_back(model, tmp_path):
    graphs = backbone_graphs(model.backbone, CHANNELS)
    graph = graphs["backbone"]
    content, shards = put_into_shards(graph, "backbone")
    assert all(len(shard) <= SHARD_BYTES for shard in shards.values())
    assert len(content) < sum(map(len, shards.values())) / 2
    (tmp_path / "backbone.onnx").write_bytes(content)
    for name, shard in shards.items():
        (tmp_path / name).write_bytes(shard)
    inputs = backbone_inputs(model.backbone, CHANNELS)
    inputs |= named(graphs["past"], inputs)
    whole = run(graph, inputs)
    session = onnxruntime.InferenceSession(tmp_path / "backbone.onnx", session_options())
    asked = {value.name: np.asarray(inputs[value.name]) for value in session.get_inputs()}
    parted = session.run(None, asked)
    assert all(np.array_equal(a, b) for a, b in zip(whole, parted, strict=True))


def test_multiply_adds_count_the_matrix_products(model, backbone):
    width, tokens, layers, slots = 64, 9, 2, 4
    per_layer = tokens * (2 * 4 * width * width + 8 * width * width)
    spatial = layers * 2 * tokens * tokens * width
    temporal = layers * 2 * tokens * slots * width
    expected = tokens * CHANNELS * width + layers * per_layer + spatial + temporal
    assert multiply_adds(backbone["backbone"]) == expected
    assert multiply_adds(backbone["past"]) == 0


def test_a_history_of_committed_frames_gives_what_one_parallel_pass_gives(model):
    """The same check that golden vectors carry to other implementations."""
    torch.manual_seed(2)
    frames = 9
    clip = torch.randn(1, frames, 9, CHANNELS)
    hidden = torch.rand(1, frames, 9) < 0.5
    conditions = Conditions(torch.tensor([2]), torch.ones(1, frames, dtype=torch.long))
    levels = torch.zeros(1, frames, dtype=torch.long)
    expected = model.backbone(clip, levels, clip, hidden, conditions)[0]
    torch_frames = TorchFrames(model)
    past = Past(torch_frames.window, torch_frames.cache_shape)
    for frame in range(frames):
        slots = past.slots()
        z, _, _ = torch_frames.predict(clip[0, frame], hidden[0, frame].float(), 0, 2, 1, slots)
        assert torch.allclose(z, expected[frame], atol=1e-5)
        _, key, value = torch_frames.predict(clip[0, frame], torch.zeros(9), 1, 2, 1, slots)
        past.append(frame, key, value)


def test_golden_vectors_can_be_read_back():
    from magi.golden import tensor

    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    entry = json.loads(json.dumps(tensor(values)))
    import base64

    read = np.frombuffer(base64.b64decode(entry["base64"]), entry["dtype"]).reshape(entry["shape"])
    assert np.array_equal(read, values)
