"""What the file itself promises: names, numbers, versions, bytes; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from networks import NETWORKS
from sketches import Sketch
from tflite_cases import (
    interpreter,
    quantized,
    worst_steps,
)

from edge.bundle.manifest import ImageInput, ModelMetadata, Output, Resize
from edge.bundle.manifest_reader import model_metadata_to_json
from edge.errors import UnsupportedInputError
from edge.model_metadata import read_model_metadata
from quantize.graph import FloatGraph, Node
from quantize.operators import OPERATORS as QUANTIZED_OPERATORS
from quantize.quantized_graph import ActivationParams, QuantizedGraph, float_form
from quantize.tflite.schema import FusedActivation, Padding, TensorType, load_schema
from quantize.tflite_model import WRITTEN_OPERATORS, write_tflite

schema = load_schema()

# What int8 kernels with scales a channel had in TensorFlow 2.3 (2020) already; CONV_2D 6 (groups)
# and MUL 3 are used only where the network needs them.
_VERSIONS = {
    ("ADD", 2),
    ("CONCATENATION", 2),
    ("CONV_2D", 3),
    ("DEPTHWISE_CONV_2D", 3),
    ("FULLY_CONNECTED", 4),
    ("LOGISTIC", 2),
    ("MAX_POOL_2D", 2),
    ("MEAN", 2),
    ("MUL", 2),
    ("PAD", 2),
    ("RESHAPE", 1),
    ("SOFTMAX", 2),
}


def _unpack(content: bytes) -> Any:
    return schema.ModelT.InitFromPackedBuf(content)


def _operator_names() -> dict[int, str]:
    return {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


@pytest.mark.parametrize("name", NETWORKS)
def test_equal_graphs_give_equal_bytes(name: str) -> None:
    assert write_tflite(quantized(NETWORKS[name]())) == write_tflite(quantized(NETWORKS[name]()))


def test_the_file_says_who_made_it_and_what_it_is() -> None:
    content = write_tflite(quantized(NETWORKS["residual"]()))
    model = _unpack(content)
    assert content[4:8] == b"TFL3"
    assert (model.version, model.description) == (3, b"edgedx")


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_the_ends_have_the_graphs_names_in_the_graphs_order(io: Any) -> None:
    case = quantized(NETWORKS["segmentation"]())
    engine = interpreter(write_tflite(case, io=io))
    inputs, outputs = engine.get_input_details(), engine.get_output_details()
    assert [each["name"] for each in inputs] == list(case.graph.inputs)
    assert [each["name"] for each in outputs] == list(case.graph.outputs)
    assert {each["dtype"] for each in (*inputs, *outputs)} == {getattr(np, io)}
    assert [tuple(each["shape"]) for each in inputs] == [(1, 9, 7, 2)]


def test_activations_carry_the_very_scales_of_the_graph() -> None:
    """float32 bit for bit, the zero point 128 lower."""
    case = quantized(NETWORKS["dense"]())
    engine = interpreter(write_tflite(case), delegate=False)
    found = {each["name"]: each["quantization"] for each in engine.get_tensor_details()}
    for name, params in case.activations.items():
        scale, zero_point = found[name]
        assert np.float32(scale) == np.float32(params.scale)
        assert zero_point == params.zero_point - 128


def test_weights_are_int8_with_a_scale_a_channel_on_the_axis_of_their_operator() -> None:
    case = quantized(NETWORKS["inverted_residual"]())
    model = _unpack(write_tflite(case))
    [subgraph] = model.subgraphs
    axes = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
    names = _operator_names()
    seen = set()
    for operator in subgraph.operators:
        code = names[model.operatorCodes[operator.opcodeIndex].builtinCode]
        if code not in axes:
            continue
        seen.add(code)
        weight, bias = (subgraph.tensors[index] for index in operator.inputs[1:])
        channels = weight.shape[axes[code]]
        assert weight.quantization.quantizedDimension == axes[code]
        assert (weight.type, bias.type) == (TensorType.INT8, TensorType.INT32)
        assert len(weight.quantization.scale) == len(bias.quantization.scale) == channels
        assert not np.any(weight.quantization.zeroPoint)
        assert model.buffers[weight.buffer].data.view(np.int8).min() >= -127
    assert seen == set(axes)


def test_operator_versions_are_the_lowest_that_mean_the_same() -> None:
    names = _operator_names()
    found = set()
    for network in NETWORKS.values():
        model = _unpack(write_tflite(quantized(network())))
        found |= {(names[code.builtinCode], code.version) for code in model.operatorCodes}
        assert all(code.deprecatedBuiltinCode == code.builtinCode for code in model.operatorCodes)
    assert found == _VERSIONS


def test_float_files_ask_for_the_first_version_of_every_operator() -> None:
    for network in NETWORKS.values():
        model = _unpack(write_tflite(float_form(network()), io="float32"))
        assert {code.version for code in model.operatorCodes} == {1}


def test_a_newer_version_is_asked_for_only_where_an_older_kernel_would_be_wrong() -> None:
    """Groups came with CONV_2D 6, multipliers of 1 and more with MUL 3."""
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.conv(sketch.input(1, 4, 3, 3), (4, 2, 1, 1), group=2)
    case = quantized(sketch.graph(sketch.node("Mul", image, image)))
    narrow = {case.graph.outputs[0]: ActivationParams(1e-5, 128)}
    for activations, version in ((case.activations, 2), ({**case.activations, **narrow}, 3)):
        model = _unpack(write_tflite(replace(case, activations=activations)))
        names = _operator_names()
        found = {(names[code.builtinCode], code.version) for code in model.operatorCodes}
        assert found == {("CONV_2D", 6), ("MUL", version)}


def test_constants_are_stored_once_and_aligned() -> None:
    """Kernels read int32 biases in place; the schema asks for 16 bytes."""
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.input(1, 3, 8, 8)
    first = sketch.conv(image, (3, 3, 3, 3), pads=(1,) * 4)
    second = sketch.node("Conv", first, *sketch.nodes[0].inputs[1:], pads=(1,) * 4)
    content = write_tflite(quantized(sketch.graph(second)))
    model = schema.Model.GetRootAs(content)
    datas = [
        model.Buffers(index).DataAsNumpy()
        for index in range(model.BuffersLength())
        if not model.Buffers(index).DataIsNone()
    ]
    assert len({data.tobytes() for data in datas}) == len(datas)
    base = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    assert {(data.__array_interface__["data"][0] - base) % 16 for data in datas} == {0}


def test_metadata_is_found_by_the_runtime() -> None:
    case = quantized(NETWORKS["residual"]())
    size = Resize(width=32, height=32)
    stated = ModelMetadata(
        format=1,
        inputs=(
            ImageInput(
                name="input0",
                shape=(1, 3, 32, 32),
                layout="NCHW",
                colour="rgb",
                resize=size,
                mean=(0.0,) * 3,
                std=(1.0,) * 3,
            ),
        ),
        outputs=(
            Output(name="scores", kind="regression", labels=("a", "b", "c"), activation="none"),
        ),
    )
    content = write_tflite(case, metadata=model_metadata_to_json(stated))
    assert read_model_metadata(content, ".tflite") == stated
    assert read_model_metadata(write_tflite(case), ".tflite") is None
    interpreter(content).invoke()


def test_our_names_have_the_schemas_values() -> None:
    for ours, theirs in (
        (TensorType, schema.TensorType),
        (Padding, schema.Padding),
        (FusedActivation, schema.ActivationFunctionType),
    ):
        assert {each.name: each.value for each in ours} == {
            each.name: getattr(theirs, each.name) for each in ours
        }


def test_every_operator_that_is_quantized_can_be_written() -> None:
    assert set(QUANTIZED_OPERATORS) <= WRITTEN_OPERATORS


def test_unknown_operators_are_refused_with_all_their_names() -> None:
    graph = FloatGraph(
        nodes=(
            Node("Loop", ("x",), ("y",), name="repeated"),
            Node("Relu", ("y",), ("r",), name="active"),
            Node("Unique", ("r",), ("z",)),
        ),
        inputs=("x",),
        outputs=("z",),
        constants={},
        shapes={},
    )
    with pytest.raises(
        UnsupportedInputError, match=r"2 of 3 nodes: repeated \(Loop\), z \(Unique\)"
    ):
        write_tflite(QuantizedGraph(graph, {}, {}))


def test_nodes_that_cannot_be_written_are_named_together() -> None:
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.input(1, 3, 8, 8)
    pooled = sketch.node("MaxPool", image, kernel_shape=(2, 2), dilations=(2, 2))
    bounds = [sketch.constant(np.float32(bound)) for bound in (0.1, 0.5)]
    case = quantized(sketch.graph(sketch.node("Clip", pooled, *bounds)))
    with pytest.raises(UnsupportedInputError) as caught:
        write_tflite(case)
    message = str(caught.value)
    assert message.startswith("2 nodes cannot be written")
    assert "MaxPool_0 (MaxPool): pooling with dilations (2, 2)" in message
    assert "Clip_1 (Clip): its bounds (0.10000000149011612, 0.5) leave out 0" in message
    assert "\n" not in message


def _one_node(op: str, shape: tuple[int, ...], *extra: Any, **attributes: Any) -> QuantizedGraph:
    sketch = Sketch(np.random.default_rng(1))
    operands = [sketch.constant(each) for each in extra]
    return quantized(sketch.graph(sketch.node(op, sketch.input(*shape), *operands, **attributes)))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        pytest.param(
            lambda: _one_node(
                "AveragePool",
                (1, 2, 6, 6),
                kernel_shape=(3, 3),
                strides=(2, 2),
                pads=(1, 1, 1, 1),
            ),
            "not TFLite's SAME",
            id="padding_left_out_of_an_average",
        ),
        pytest.param(
            lambda: _one_node(
                "AveragePool", (1, 2, 6, 6), kernel_shape=(3, 3), strides=(2, 2), ceil_mode=1
            ),
            "ceil_mode of AveragePool",
            id="ceil_mode_of_an_average",
        ),
        pytest.param(
            lambda: _one_node("Div", (1, 6), np.ones((1, 6), np.float32)),
            "no int8 DIV",
            id="int8_quotient",
        ),
        pytest.param(
            lambda: _one_node("Gemm", (3, 4), np.ones((4, 2), np.float32), transB=0),
            "import it as transB=1",
            id="gemm_not_transposed",
        ),
        pytest.param(
            lambda: _one_node("Conv", (1, 2, 6), np.ones((2, 2, 3), np.float32)),
            "its window has 1 dimensions",
            id="one_dimensional_convolution",
        ),
        pytest.param(
            lambda: _one_node("Concat", (1, 2), np.ones((1, 2), np.float32), axis=0),
            "are constants",
            id="constant_joined",
        ),
        pytest.param(
            lambda: _one_node("Clip", (1, 9), np.array(0.5, np.float32), np.array(1, np.float32)),
            "leave out 0",
            id="bounds_without_zero",
        ),
    ],
)
def test_what_cannot_be_exact_is_refused(case: Any, message: str) -> None:
    with pytest.raises(UnsupportedInputError, match=message):
        write_tflite(case())


def test_an_activation_whose_range_leaves_bounds_that_tflite_has_not_is_not_fused() -> None:
    """The convolution saturates at the range, and a QUANTIZE after it at the bounds."""
    sketch = Sketch(np.random.default_rng(1))
    bounds = [sketch.constant(np.float32(value)) for value in (-0.5, 0.5)]
    convolved = sketch.conv(sketch.input(1, 2, 4, 4), (3, 2, 1, 1))
    case = quantized(sketch.graph(sketch.node("Clip", convolved, *bounds)))
    wide = {case.graph.outputs[0]: ActivationParams(0.1, 128)}
    wider = replace(case, activations={**case.activations, **wide})
    assert max(worst_steps(write_tflite(wider), wider)) <= 1


def test_an_activation_without_parameters_is_refused_by_name() -> None:
    case = quantized(NETWORKS["gated"]())
    missing = case.graph.nodes[1].outputs[0]
    kept = {name: value for name, value in case.activations.items() if name != missing}
    with pytest.raises(UnsupportedInputError, match=f"tensor {missing} has no int8 parameters"):
        write_tflite(replace(case, activations=kept))
