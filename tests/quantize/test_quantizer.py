"""Ranges become integer parameters that int8 arithmetic can use."""

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.errors import InputError, UnsupportedInputError
from quantize.calibration import TensorRange, calibrate
from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.importers.onnx_importer import import_model
from quantize.quantized_graph import QuantizedGraph
from quantize.quantizer import quantize_graph
from quantize.same_scale import materialised_tensors, same_scale_groups
from quantize.uniform import BIAS_LIMIT

MODELS = [tiny.residual_cnn, tiny.depthwise_cnn, tiny.concat_cnn, tiny.gated_cnn]


def quantized(build) -> QuantizedGraph:
    graph = import_model(build())
    return quantize_graph(graph, calibrate(graph, tiny.pictures(8)))


@pytest.mark.parametrize("build", MODELS)
def test_every_materialised_tensor_and_every_weight_has_parameters(build) -> None:
    found = quantized(build)
    assert set(materialised_tensors(found.graph)) <= set(found.activations)
    for node in found.graph.nodes:
        if node.op in {"Conv", "Gemm"}:
            assert set(node.inputs[1:]) <= set(found.weights)


@pytest.mark.parametrize("build", MODELS)
def test_a_same_scale_group_has_one_scale_and_zero_point(build) -> None:
    found = quantized(build)
    for members in same_scale_groups(found.graph).values():
        assert len({found.activations[name] for name in members}) == 1


@pytest.mark.parametrize("build", MODELS)
def test_a_bias_has_the_scale_of_input_times_weight_and_room_to_spare(build) -> None:
    found = quantized(build)
    for node in found.graph.nodes:
        if node.op not in {"Conv", "Gemm"}:
            continue
        weight, bias = (found.weights[name] for name in node.inputs[1:])
        source = np.float32(found.activations[node.inputs[0]].scale)
        assert np.array_equal(bias.scale, source * weight.scale)
        assert bias.values.dtype == np.int32
        assert int(np.abs(bias.values.astype(np.int64)).max()) <= BIAS_LIMIT
        assert weight.values.dtype == np.int8
        assert int(weight.values.min()) >= -127


def test_a_fused_relu_starts_at_zero_and_a_fused_relu6_ends_at_six() -> None:
    for build in (tiny.residual_cnn, tiny.depthwise_cnn):
        found = quantized(build)
        for activation in fused_activations(found.graph).values():
            params = found.activations[activation.outputs[0]]
            assert params.zero_point == 0
            if activation.op == "Clip":
                assert 255 * params.scale <= 6.0 * (1 + 1e-6)


def test_sigmoid_and_softmax_outputs_have_the_prescribed_parameters() -> None:
    found = quantized(tiny.gated_cnn)
    sigmoid = next(node for node in found.graph.nodes if node.op == "Sigmoid")
    params = found.activations[sigmoid.outputs[0]]
    assert (params.scale, params.zero_point, params.int8_zero_point) == (1 / 256, 0, -128)


def _graph(*nodes: Node, **constants: np.ndarray) -> FloatGraph:
    names = [node.outputs[0] for node in nodes]
    shapes = dict.fromkeys(["image", *names], (1, 2, 4, 4))
    shapes.update({name: (1, 4, 4, 4) for name in names if name == "joined"})
    return FloatGraph(nodes, ("image",), (names[-1],), constants, shapes)


def test_joining_a_sigmoid_with_values_beyond_one_is_refused() -> None:
    graph = _graph(
        Node("Sigmoid", ("image",), ("gate",), name="gate"),
        Node("Concat", ("gate", "image"), ("joined",), {"axis": 1}, name="join"),
    )
    with pytest.raises(UnsupportedInputError, match=r"prescribes 0 \.\. 1"):
        quantize_graph(graph, calibrate(graph, tiny.pictures(2, (1, 2, 4, 4))))


def test_a_missing_range_is_named() -> None:
    graph = _graph(Node("Relu", ("image",), ("out",), name="relu"))
    with pytest.raises(InputError, match="'image' has no calibrated range"):
        quantize_graph(graph, {"out": TensorRange(0, 1)})


def test_a_scalar_constant_is_exact() -> None:
    graph = _graph(
        Node("Mul", ("image", "sixth"), ("out",), name="scale"),
        sixth=np.array(1 / 6, np.float32),
    )
    ranges = {"image": TensorRange(-1, 1), "out": TensorRange(-1, 1)}
    params = quantize_graph(graph, ranges).activations["sixth"]
    assert params.zero_point == 0
    assert 255 * params.scale == pytest.approx(1 / 6, rel=1e-6)


def _one_conv(weight: np.ndarray, bias: np.ndarray, *, output: float) -> QuantizedGraph:
    graph = _graph(
        Node("Conv", ("image", "weight", "bias"), ("out",), {"pads": (0,) * 4}, name="layer"),
        weight=weight.astype(np.float32),
        bias=bias.astype(np.float32),
    )
    ranges = {"image": TensorRange(-1, 1), "out": TensorRange(-output, output)}
    return quantize_graph(graph, ranges)


def test_a_channel_of_next_to_nothing_still_has_a_usable_multiplier() -> None:
    weight = np.array([[1e-30, 0.0], [0.5, 0.5]]).reshape(2, 2, 1, 1)
    found = _one_conv(weight, np.zeros(2), output=1.0)
    scale = found.weights["weight"].scale.astype(np.float64)
    multiplier = scale * found.activations["image"].scale / found.activations["out"].scale
    assert multiplier.min() >= 2.0**-24 * (1 - 1e-6)


def test_a_bias_far_above_its_weights_widens_them_instead_of_overflowing() -> None:
    weight = np.array([[1e-9, 1e-9], [0.5, 0.5]]).reshape(2, 2, 1, 1)
    found = _one_conv(weight, np.array([1e3, 0.1]), output=1e3)
    bias = found.weights["bias"]
    assert abs(int(bias.values[0])) <= BIAS_LIMIT
    back = bias.values * bias.scale.astype(np.float64)
    assert np.abs(back - [1e3, 0.1]) == pytest.approx(0, abs=float(bias.scale.max()))


def test_weights_beyond_any_multiplier_are_refused_by_layer() -> None:
    weight = np.full((2, 2, 1, 1), 1e6)
    with pytest.raises(UnsupportedInputError, match="layer 'layer'"):
        _one_conv(weight, np.zeros(2), output=1e-3)
