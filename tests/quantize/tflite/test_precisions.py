"""Integer, dynamic and float nodes in one file, and pixels at its beginning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import NETWORKS
from sketches import Sketch, random_inputs, run_float
from tflite_cases import (
    delegated_parts,
    dequantize,
    float_error,
    interpreter,
    operator_names,
    quantize_weight,
    quantized,
    run_litert,
)

from quantize.quantized_graph import ActivationParams, Precision, QuantizedGraph, float_form
from quantize.tflite.schema import TensorType, load_schema
from quantize.tflite_model import write_tflite

_NHWC = (0, 2, 3, 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_float_form_of_a_network_is_onnxruntimes(name: str) -> None:
    assert float_error(NETWORKS[name]()) <= 2e-6


@pytest.mark.parametrize("name", NETWORKS)
def test_a_float_network_is_one_part_without_transposes(name: str) -> None:
    content = write_tflite(float_form(NETWORKS[name]()), io="float32")
    assert len(delegated_parts(content)) == 1
    assert not {"TRANSPOSE", "PADV2", "QUANTIZE"} & set(operator_names(content))


def test_a_float_node_between_integer_ones_is_quantized_around_once() -> None:
    """Two readers of either side share one QUANTIZE and one DEQUANTIZE."""
    sketch = Sketch(np.random.default_rng(1))
    first = sketch.conv(sketch.input(1, 3, 6, 5), (4, 3, 3, 3))
    curved = sketch.node("Mul", sketch.node("Tanh", first), sketch.node("Sin", first))
    left, right = (sketch.conv(curved, (2, 4, 1, 1)) for _ in range(2))
    graph = sketch.graph(sketch.node("Add", left, right))
    floats = {
        node.name: Precision.FLOAT for node in graph.nodes if node.op in {"Tanh", "Sin", "Mul"}
    }
    case = replace(quantized(graph), precisions=floats)
    content = write_tflite(case)
    names = operator_names(content)
    assert (names.count("DEQUANTIZE"), names.count("QUANTIZE")) == (1, 1)
    real = random_inputs(graph, 2)
    params = {name: case.activations[name] for name in (*graph.inputs, *graph.outputs)}
    [(source, values)] = real.items()
    steps = np.rint(values / params[source].scale) + params[source].int8_zero_point
    [output] = graph.outputs
    for delegate in (True, False):
        [actual] = run_litert(content, [steps.clip(-128, 127)], delegate=delegate)
        distance = np.abs(dequantize(actual, params[output]) - run_float(graph, real)[output])
        assert distance.max() <= 8 * params[output].scale


@pytest.mark.parametrize(("per_channel", "version"), [(True, 12), (False, 9)])
def test_a_dynamic_layer_has_int8_weights_between_float_ends(
    per_channel: bool, version: int
) -> None:
    """Scales a channel ask for the version from which a runtime reads them all."""
    sketch = Sketch(np.random.default_rng(1))
    source = sketch.input(3, 64)
    graph = sketch.graph(sketch.node("Relu", sketch.gemm(source, 16, 64)))
    layer = graph.nodes[0]
    weight = quantize_weight(graph.constants[layer.inputs[1]], per_channel=per_channel)
    precisions = {layer.name: Precision.DYNAMIC, graph.nodes[1].name: Precision.FLOAT}
    case = QuantizedGraph(graph, {}, {layer.inputs[1]: weight}, precisions)
    content = write_tflite(case, io="int8")
    schema = load_schema()
    model = schema.ModelT.InitFromPackedBuf(content)
    [code] = model.operatorCodes
    assert (code.builtinCode, code.version) == (schema.BuiltinOperator.FULLY_CONNECTED, version)
    types = [model.subgraphs[0].tensors[at].type for at in model.subgraphs[0].operators[0].inputs]
    assert types == [TensorType.FLOAT32, TensorType.INT8, TensorType.FLOAT32]
    values = random_inputs(graph, 1)
    expected = run_float(graph, values)[graph.outputs[0]]
    for delegate in (True, False):
        [actual] = run_litert(content, [values[source]], delegate=delegate)
        assert np.abs(actual - expected).max() <= 0.03 * np.ptp(expected)


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.FLOAT])
def test_pixels_go_in_as_they_are(precision: Precision) -> None:
    """A uint8 input with the scale of its DequantizeLinear, read by one operator."""
    sketch = Sketch(np.random.default_rng(1))
    image = sketch.input(1, 3, 6, 5, dtype="uint8")
    scale, zero = sketch.constant(np.float32(0.02)), sketch.constant(np.uint8(110))
    real = sketch.node("DequantizeLinear", image, scale, zero)
    graph = sketch.graph(sketch.conv(real, (4, 3, 3, 3)))
    if precision is Precision.FLOAT:
        case = float_form(graph)
    else:
        case = quantized(graph)
        case = replace(case, activations={**case.activations, real: ActivationParams(0.02, 110)})
        layer = graph.nodes[1]
        weight, bias = (case.weights[name] for name in layer.inputs[1:])
        step = (np.float32(0.02) * weight.scale).astype(np.float32)
        exact = np.rint(graph.constants[layer.inputs[2]] / step).astype(np.int32)
        shifted = replace(bias, values=exact, scale=step)
        case = replace(case, weights={**case.weights, layer.inputs[2]: shifted})
    content = write_tflite(case, io="float32")
    engine = interpreter(content)
    [detail] = engine.get_input_details()
    assert (detail["dtype"], detail["quantization"]) == (np.uint8, (np.float32(0.02), 110))
    first = "QUANTIZE" if precision is Precision.INT8 else "DEQUANTIZE"
    assert operator_names(content)[0] == first
    assert len(delegated_parts(content)) == 1
    pixels = np.random.default_rng(5).integers(0, 256, (1, 3, 6, 5)).astype(np.uint8)
    engine.set_tensor(detail["index"], np.ascontiguousarray(pixels.transpose(_NHWC)))
    engine.invoke()
    [output] = engine.get_output_details()
    actual = engine.get_tensor(output["index"]).transpose(0, 3, 1, 2)
    expected = run_float(graph, {image: pixels})[graph.outputs[0]]
    steps = 3 * case.activations[graph.outputs[0]].scale if case.activations else 1e-5
    assert np.abs(actual - expected).max() <= max(steps, 0.05 if case.activations else 0)


def test_integers_and_truth_values_have_types_of_their_own() -> None:
    sketch = Sketch(np.random.default_rng(1))
    category = sketch.input(1, 3, dtype="int64")
    mask = sketch.node("Equal", category, sketch.constant(np.array([0], np.int64)))
    graph = sketch.graph(mask, sketch.node("Add", category, category))
    engine = interpreter(write_tflite(float_form(graph)))
    assert [each["dtype"] for each in engine.get_input_details()] == [np.int32]
    assert [each["dtype"] for each in engine.get_output_details()] == [np.bool_, np.int32]
    assert float_error(graph) == 0
