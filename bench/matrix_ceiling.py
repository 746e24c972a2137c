"""Writes matrix-ceiling.onnx: a chain of 8-bit products of 64 rows with 384 x 1536 matrices, each
DynamicQuantizeLinear and MatMulInteger, as onnxruntime's quantize_dynamic makes them.

    training/.venv/bin/python bench/matrix_ceiling.py

The weights are constants that the runtime folds when it loads the graph: rates do not depend on
their values, and the file stays small.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

ROWS, INNER, OUTER, PRODUCTS = 64, 384, 1536, 8


def constant(name: str, dtype: int, dims: list[int], value: int) -> onnx.NodeProto:
    filler = helper.make_tensor("value", dtype, [1], [value])
    return helper.make_node("ConstantOfShape", [f"{name}_shape"], [name], value=filler)


def main() -> None:
    shapes = [helper.make_tensor("weights_shape", TensorProto.INT64, [2], [INNER, OUTER])]
    bounds = {"start": 0, "end": INNER, "axis": 1}
    shapes += [helper.make_tensor(k, TensorProto.INT64, [1], [v]) for k, v in bounds.items()]
    nodes = [constant("weights", TensorProto.INT8, [INNER, OUTER], 3)]
    rows = "rows"
    for index in range(PRODUCTS):
        quantised = [f"quantised_{index}", f"scale_{index}", f"zero_{index}"]
        product, narrow = f"product_{index}", f"narrow_{index}"
        nodes.append(helper.make_node("DynamicQuantizeLinear", [rows], quantised))
        nodes.append(
            helper.make_node("MatMulInteger", [quantised[0], "weights", quantised[2]], [product])
        )
        nodes.append(helper.make_node("Slice", [product, "start", "end", "axis"], [narrow]))
        rows = "result" if index == PRODUCTS - 1 else f"rows_{index}"
        nodes.append(helper.make_node("Cast", [narrow], [rows], to=TensorProto.FLOAT))
    graph = helper.make_graph(
        nodes,
        "matrix_ceiling",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [ROWS, INNER])],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, [ROWS, INNER])],
        shapes,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, Path(__file__).with_name("matrix-ceiling.onnx"))


if __name__ == "__main__":
    main()
