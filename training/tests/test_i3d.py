"""A user's I3D network, here one that averages colours."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from magi.i3d import I3d


def network(path, batch="N", size=224):
    shape = [batch, 3, "T", size, size]
    pool = helper.make_node("GlobalAveragePool", ["video"], ["pooled"])
    graph = helper.make_graph(
        [pool],
        "i3d",
        [helper.make_tensor_value_info("video", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [batch, 3, 1, 1, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("batch", ["N", 1])
def test_videos_come_as_rgb_in_minus_1_to_1_whatever_the_network_takes_at_once(tmp_path, batch):
    clips = np.zeros((5, 4, 8, 8, 4), np.uint8)
    clips[..., 0], clips[..., 3] = 255, 255
    clips[1, ..., 3] = 0
    features = I3d(network(tmp_path / "i3d.onnx", batch)).features(clips)
    assert features.shape == (5, 3)
    assert features[0] == pytest.approx([1, -1, -1], abs=1e-5)
    assert features[1] == pytest.approx([2 * 128 / 255 - 1] * 3, abs=1e-5)


def test_a_network_of_another_input_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"small.onnx.*112.*224"):
        I3d(network(tmp_path / "small.onnx", size=112))
