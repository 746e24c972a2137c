"""ONNX graphs of a model: traced from PyTorch, their weights put into shards."""

from __future__ import annotations

import copy
import math

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from magi.backbone import Backbone
from magi.codec import Codec
from magi.config import LATENT_BOUND
from magi.eight_bits import inner_graphs
from magi.fused import FusedFrame, TurnedPast, past_names
from magi.head import DiffusionHead
from magi.row_decoder import ReferenceRows, RowDecoder
from magi.tokenizer import PALETTE_SIZE

OPSET = 20
SHARD_BYTES = 8 * 2**20
_INLINE_BYTES = 256
"""Initializers up to this size stay in the graph: shape inference needs the small ones."""


class Product(nn.Module):
    """A linear layer as a plain matrix product, which can be put into 8 bits."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().t().contiguous(), requires_grad=False)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight
        return y if self.bias is None else y + self.bias


def with_products(module: nn.Module) -> nn.Module:
    """A copy of `module` whose linear layers are `Product`s."""
    module = copy.deepcopy(module).eval().requires_grad_(False)
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, Product(child))
    return module


def trace(
    module: nn.Module,
    inputs: dict[str, Tensor],
    outputs: list[str],
    dynamic: dict[str, dict[int, str]] | None = None,
) -> onnx.ModelProto:
    """The ONNX graph of `module(*inputs)`; `dynamic` names free dimensions of inputs."""
    shapes = None
    if dynamic:
        shapes = tuple(
            {axis: torch.export.Dim(name, min=2) for axis, name in dynamic.get(key, {}).items()}
            for key in inputs
        )
    program = torch.onnx.export(
        module.eval(),
        tuple(inputs.values()),
        input_names=list(inputs),
        output_names=outputs,
        opset_version=OPSET,
        dynamo=True,
        dynamic_shapes=shapes,
        external_data=False,
        verbose=False,
    )
    model = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]
    return model


class _Encoder(nn.Module):
    def __init__(self, codec: Codec):
        super().__init__()
        self.codec = with_products(codec.tokenizer)
        self.mean, self.deviation = codec.mean.cpu(), codec.deviation.cpu()

    def forward(self, frame: Tensor, *features: Tensor) -> Tensor:
        # Feature maps above a quarter of the resolution are not read by the encoder.
        known = [[None, None, *features]] if features else []
        latents = self.codec.encode(frame, *known)
        normalised = (latents - self.mean) / self.deviation
        return normalised.clamp(-LATENT_BOUND, LATENT_BOUND)[0]


class _Decoder(nn.Module):
    def __init__(self, codec: Codec):
        super().__init__()
        self.codec = with_products(codec.tokenizer)
        self.mean, self.deviation = codec.mean.cpu(), codec.deviation.cpu()

    def forward(self, latents: Tensor) -> Tensor:
        return self.codec.decode((latents * self.deviation + self.mean)[None])


class _Sketch(nn.Module):
    def __init__(self, codec: Codec, features: list[str]):
        super().__init__()
        self.rows = RowDecoder(codec.tokenizer)
        self.features = features
        self.mean, self.deviation = codec.mean.cpu(), codec.deviation.cpu()

    def forward(self, latents: Tensor, *features: Tensor) -> Tensor:
        known = dict(zip(self.features, features, strict=True))
        return self.rows.sketch(latents * self.deviation + self.mean, known)


class _ReferencedDecoder(nn.Module):
    def __init__(self, codec: Codec, features: list[str]):
        super().__init__()
        self.rows = RowDecoder(codec.tokenizer)
        self.features = features
        self.size = codec.config.frame_size
        self.colour_indices = torch.arange(PALETTE_SIZE, dtype=torch.int32).unsqueeze(1)

    def forward(self, sketch: Tensor, palette: Tensor, *features: Tensor) -> tuple[Tensor, Tensor]:
        known = dict(zip(self.features, features, strict=True))
        scores = self.rows.scores(sketch, known)
        colours = (scores.softmax(-1) @ palette.clamp(min=0)).t()
        indices = F.embedding(scores.argmax(-1), self.colour_indices)
        return indices.view(self.size, -1), colours.view(1, 4, self.size, -1)


class _Reference(nn.Module):
    def __init__(self, codec: Codec):
        super().__init__()
        self.rows = ReferenceRows(with_products(codec.tokenizer))

    def forward(self, reference: Tensor, palette: Tensor, has_reference: Tensor):
        return tuple(self.rows(reference, palette, has_reference).values())


def backbone_inputs(backbone: Backbone, channels: int) -> dict[str, Tensor]:
    """Example inputs of `Backbone.frame`, in its order."""
    config, tokens = backbone.config, backbone.tokens
    past = (config.layers, config.window + 1, tokens, config.width)

    def integer(value: int) -> Tensor:
        # One tensor for two inputs would make the exporter merge them.
        return torch.full((1,), value, dtype=torch.int32)

    return {
        "latents": torch.randn(tokens, channels),
        "mask": torch.ones(tokens),
        "role": integer(0),
        "noise_level": integer(0),
        "interval": integer(1),
        "label": integer(0),
        "past_k": torch.randn(past),
        "past_v": torch.randn(past),
        "filled": torch.ones(config.window + 1),
    }


def backbone_graphs(backbone: Backbone, channels: int) -> dict[str, onnx.ModelProto]:
    """`past` and `backbone`; see docs/model-format.md."""
    inputs = backbone_inputs(backbone, channels)
    past = {name: inputs.pop(name) for name in ("past_k", "past_v", "filled")}
    names = past_names(backbone.config.layers)
    turn = TurnedPast(backbone)
    turned = dict(zip(names, turn(*past.values()), strict=True))
    return {
        "past": trace(turn, past, names),
        "backbone": trace(
            FusedFrame(with_products(backbone)), inputs | turned, ["z", "k", "v"]
        ),
    }


class _Steps(nn.Module):
    def __init__(self, head: DiffusionHead):
        super().__init__()
        self.head = with_products(head)

    def forward(self, times: Tensor):
        return self.head.modulate_time(times[:-1]), times[1:] - times[:-1]


class _Prelude(nn.Module):
    def __init__(self, head: DiffusionHead):
        super().__init__()
        self.head = with_products(head)

    def forward(self, z: Tensor):
        return self.head.modulate_condition(z)


class _Step(nn.Module):
    def __init__(self, head: DiffusionHead):
        super().__init__()
        self.head = with_products(head)

    def forward(self, x: Tensor, by_time: Tensor, length: Tensor, start: Tensor, modulation: Tensor):
        return x + length * self.head.velocity(x, start, modulation + by_time)


def head_graphs(head: DiffusionHead, channels: int, condition: int) -> dict[str, onnx.ModelProto]:
    """`steps`, what the solver's times say, and `head`, a prelude and a Scan over the Euler steps.
    See docs/model-format.md."""
    rows, points = 3, 5
    z, times = torch.randn(rows, condition), torch.linspace(1, 0, points)
    names = ["by_time", "lengths"]
    steps = trace(_Steps(head), {"times": times}, names, {"times": {0: "points"}})
    prelude = trace(_Prelude(head), {"z": z}, ["start", "modulation"], {"z": {0: "n"}})
    by_time, lengths = _Steps(head)(times)
    start, modulation = _Prelude(head)(z)
    step = trace(
        _Step(head),
        {
            "x": torch.randn(rows, channels),
            "by_time": by_time[0],
            "length": lengths[0],
            "start": start,
            "modulation": modulation,
        },
        ["x_next"],
        {"x": {0: "n"}, "start": {0: "n"}, "modulation": {0: "n"}},
    )
    body = _prefixed(step.graph, "step_", keep={"start", "modulation"})
    scan = helper.make_node(
        "Scan",
        ["noise", *names],
        ["latents"],
        name="euler",
        num_scan_inputs=2,
        body=helper.make_graph(list(body.node), "step", list(body.input[:3]), list(body.output)),
    )
    inputs = {
        "noise": ["n", channels],
        "by_time": ["steps", by_time.shape[1]],
        "lengths": ["steps"],
    }
    graph = helper.make_graph(
        [*prelude.graph.node, scan],
        "head",
        [*prelude.graph.input, *(_float_value(*each) for each in inputs.items())],
        [_float_value("latents", ["n", channels])],
        [*prelude.graph.initializer, *body.initializer],
    )
    model = helper.make_model(graph, opset_imports=prelude.opset_import)
    model.ir_version = prelude.ir_version
    onnx.checker.check_model(model)
    return {"steps": steps, "head": model}


def _float_value(name: str, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _prefixed(graph: onnx.GraphProto, prefix: str, keep: set[str]) -> onnx.GraphProto:
    """A copy of `graph` with every name prefixed but those in `keep`."""
    graph = copy.deepcopy(graph)

    def renamed(name: str) -> str:
        return name if not name or name in keep else prefix + name

    for node in graph.node:
        node.name = renamed(node.name)
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = renamed(name)
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = renamed(value.name)
    return graph


def tokenizer_graphs(codec: Codec) -> dict[str, onnx.ModelProto]:
    """Encoder and decoder; of a referenced tokenizer also the reference graph and the sketch that
    its decoder begins with."""
    config = codec.config
    frame = torch.rand(1, config.frame_channels, config.frame_size, config.frame_size)
    latents = torch.randn(config.tokens, config.latent_channels)
    if not codec.referenced:
        decoder = trace(_Decoder(codec), {"latents": latents}, ["frame"])
        return {
            "encoder": trace(_Encoder(codec), {"frame": frame}, ["latents"]),
            "decoder": decoder,
        }
    null = codec.null_reference()
    palette = null.colours[0]
    blank = torch.zeros(config.frame_size, config.frame_size, dtype=torch.int32)
    about = {"reference": blank, "palette": palette, "has_reference": torch.zeros(1)}
    parts = ReferenceRows(codec.tokenizer)(*about.values())
    maps = [name for name in parts if name.startswith("map_")]
    drawn = [name for name in parts if name.startswith("recall_") or name in ("keys", "values")]
    rest = [name for name in parts if name not in (*maps, *drawn)]

    def inputs(names: list[str]) -> dict[str, Tensor]:
        return {f"features_{name}": parts[name].clone() for name in names}

    sketch = _Sketch(codec, drawn)
    seen = {"latents": latents, **inputs(drawn)}
    return {
        "reference": trace(_Reference(codec), about, list(inputs(list(parts)))),
        "encoder": trace(_Encoder(codec), {"frame": frame, **inputs(maps)}, ["latents"]),
        "sketch": trace(sketch, seen, ["sketch"]),
        "decoder": trace(
            _ReferencedDecoder(codec, rest),
            {"sketch": sketch(*seen.values()), "palette": palette, **inputs(rest)},
            ["indices", "colours"],
        ),
    }


def multiply_adds(model: onnx.ModelProto) -> int:
    """Multiply-adds of the matrix products, convolutions and attentions of a float graph with
    static shapes."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*inferred.input, *inferred.output, *inferred.value_info)
    }
    shapes |= {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    return sum(_multiply_adds(node, shapes) for node in inferred.node)


def _multiply_adds(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    if node.op_type in ("MatMul", "Gemm"):
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    if node.op_type == "Conv":
        return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "MultiHeadAttention":
        return 2 * math.prod(shapes[node.input[0]]) * shapes[node.input[1]][1]
    return 0


def head_multiply_adds(head: DiffusionHead, channels: int, condition: int) -> dict:
    """Of `steps` for one step; of `head` for one token, once and for every step."""
    width, blocks = head.width, len(head.first)
    modulations = (3 * blocks + 2) * width
    return {
        "steps": head.time[0].in_features * width + width * width + width * modulations,
        "head": {
            "fixed": condition * width + width * modulations,
            "perStep": 2 * channels * width + 2 * blocks * width * width,
        },
    }


def put_into_shards(model: onnx.ModelProto, name: str) -> tuple[bytes, dict[str, bytes]]:
    """The graph without its weights, and the shards that hold them, each at most 8 MiB."""
    model = copy.deepcopy(model)
    del model.graph.value_info[:]
    shards: list[bytearray] = []
    for tensor in _initializers(model.graph):
        values = numpy_helper.to_array(tensor)
        raw = np.ascontiguousarray(values).tobytes()
        if len(raw) <= _INLINE_BYTES:
            continue
        if len(raw) > SHARD_BYTES:
            raise ValueError(f"{name}: {tensor.name} has {len(raw)} bytes, a shard {SHARD_BYTES}")
        if not shards or len(shards[-1]) + len(raw) > SHARD_BYTES:
            shards.append(bytearray())
        offset = len(shards[-1])
        shards[-1] += raw
        shards[-1] += bytes(-len(raw) % 16)
        for part in ("raw_data", "float_data", "int32_data", "int64_data"):
            tensor.ClearField(part)
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (
            ("location", f"{name}-{len(shards) - 1}.bin"),
            ("offset", offset),
            ("length", len(raw)),
        ):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
    files = {f"{name}-{index}.bin": bytes(shard) for index, shard in enumerate(shards)}
    return model.SerializeToString(deterministic=True), files


def _initializers(graph: onnx.GraphProto) -> list[TensorProto]:
    found = list(graph.initializer)
    for node in graph.node:
        for inner in inner_graphs(node):
            found += _initializers(inner)
    return found
