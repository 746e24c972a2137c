"""Weights in 8 bits per output channel, for one of two reasons.

`quantised` computes matrix products in 8 bits, activations dynamically, for speed. Standard operators
only (DynamicQuantizeLinear, MatMulInteger); onnxruntime fuses them. `stored` keeps the arithmetic in
float32 and only stores large weights in 8 bits, for graphs that are large and seldom run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

_OUTPUT_AXES = {"Conv": 0, "MatMul": 1}
"""Where the output channels lie in the weight of an operator."""
_STORED_VALUES = 4096
"""Smaller weights are not worth the operator that unpacks them."""
_MOVES = ("Gather", "Reshape")
"""Operators that only move values: behind them, a quarter of the bytes moves."""


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` whose products with constant weights are in 8 bits. Several products of one
    activation share its quantisation."""
    model = copy.deepcopy(model)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    _Graph(model.graph, weights).quantise()
    used = {name for node in _all_nodes(model.graph) for name in node.input}
    del model.graph.initializer[:]
    model.graph.initializer.extend(
        tensor for name, tensor in sorted(weights.items()) if name in used
    )
    return model


def has_eight_bits(model: onnx.ModelProto) -> bool:
    """Whether any weight of a graph that `quantised` or `stored` made is in 8 bits."""
    return any(tensor.data_type == TensorProto.INT8 for tensor in model.graph.initializer)


class _Graph:
    """One graph while its products are rewritten; new weights go to the outermost graph."""

    def __init__(self, graph: onnx.GraphProto, weights: dict[str, TensorProto]):
        self.graph = graph
        self.weights = weights
        self.makers = {output: node for node in graph.node for output in node.output}
        self.nodes: list[NodeProto] = []
        self.made: dict[str, tuple[str, str, str]] = {}

    def quantise(self) -> None:
        for node in self.graph.node:
            for inner in inner_graphs(node):
                _Graph(inner, self.weights).quantise()
            weight = self.weights.get(node.input[1]) if node.op_type == "MatMul" else None
            if weight is None:
                self.nodes.append(node)
            else:
                self._product(node, weight)
        del self.graph.node[:]
        self.graph.node.extend(_without_dead(self.nodes, self.graph))

    def _emit(self, kind: str, inputs: list[str], outputs: list[str], **attributes) -> list[str]:
        self.nodes.append(
            helper.make_node(kind, inputs, outputs, name=f"{outputs[0]}_{kind}", **attributes)
        )
        return outputs

    def _product(self, node: NodeProto, weight: TensorProto) -> None:
        whole, scale, zero = self._activation(node.input[0])
        integers, scales = self._weight(weight)
        out = node.output[0]
        self._emit("MatMulInteger", [whole, integers, zero], [f"{out}_sum"])
        self._emit("Cast", [f"{out}_sum"], [f"{out}_float"], to=TensorProto.FLOAT)
        self._emit("Mul", [scale, scales], [f"{out}_scale"])
        self._emit("Mul", [f"{out}_float", f"{out}_scale"], [out])

    def _activation(self, name: str) -> tuple[str, str, str]:
        """Names of the uint8 values of `name`, their scale and zero point."""
        if name in self.made:
            return self.made[name]
        moves, source = [], name
        while (maker := self.makers.get(source)) and maker.op_type in _MOVES:
            moves.insert(0, maker)
            source = maker.input[0]
        if not any(move.op_type == "Gather" for move in moves):
            moves, source = [], name
        if source not in self.made:
            outputs = [f"{source}_{part}" for part in ("uint8", "scale", "zero")]
            self.made[source] = tuple(self._emit("DynamicQuantizeLinear", [source], outputs))
        whole, scale, zero = self.made[source]
        for move in moves:
            moved = copy.deepcopy(move)
            moved.name, moved.input[0] = f"{move.name}_uint8", whole
            whole = moved.output[0] = f"{move.output[0]}_uint8"
            self.nodes.append(moved)
        self.made[name] = whole, scale, zero
        return self.made[name]

    def _weight(self, weight: TensorProto) -> tuple[str, str]:
        """Names of the int8 values of a weight [k, n] and of their scales [n]."""
        names = f"{weight.name}_int8", f"{weight.name}_scale"
        if names[0] not in self.weights:
            integers, scales = _rounded(numpy_helper.to_array(weight), axis=1)
            for name, array in zip(names, (integers, scales), strict=True):
                self.weights[name] = numpy_helper.from_array(array, name)
        return names


def stored(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of `model` whose large weights of convolutions and products are stored in 8 bits and
    unpacked whenever it runs."""
    model = copy.deepcopy(model)
    graph = model.graph
    axes = {node.input[1]: _OUTPUT_AXES[node.op_type] for node in graph.node if node.op_type in _OUTPUT_AXES}
    kept, unpacking = [], []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.name not in axes or values.size < _STORED_VALUES or values.ndim < 2:
            kept.append(weight)
            continue
        names = [f"{weight.name}_{part}" for part in ("int8", "scale", "zero")]
        integers, scales = _rounded(values, axes[weight.name])
        # Zeros are the default, but native onnxruntime, asked for exact products, gets that one wrong.
        arrays = integers, scales, np.zeros(len(scales), np.int8)
        kept += [numpy_helper.from_array(*each) for each in zip(arrays, names, strict=True)]
        unpacking.append(
            helper.make_node(
                "DequantizeLinear",
                names,
                [weight.name],
                name=f"{weight.name}_unpacked",
                axis=axes[weight.name],
            )
        )
    nodes = [*unpacking, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return model


def _rounded(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 values, and float32 scales of the channels along `axis`."""
    others = tuple(each for each in range(values.ndim) if each != axis)
    largest = np.abs(values).max(others, keepdims=True)
    scales = np.maximum(largest / 127, np.finfo(np.float32).tiny).astype(np.float32)
    return np.round(values / scales).astype(np.int8), scales.reshape(-1)


def inner_graphs(node: NodeProto) -> Iterator[onnx.GraphProto]:
    """The graphs that a node runs, such as the body of a Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g


def _all_nodes(graph: onnx.GraphProto) -> Iterator[NodeProto]:
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from _all_nodes(inner)


def _without_dead(nodes: list[NodeProto], graph: onnx.GraphProto) -> list[NodeProto]:
    """The nodes that an output of the graph depends on, in order."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(nodes):
        if needed & set(node.output):
            kept.insert(0, node)
            needed |= set(node.input)
            for inner in inner_graphs(node):
                needed |= {name for within in _all_nodes(inner) for name in within.input}
    return kept
