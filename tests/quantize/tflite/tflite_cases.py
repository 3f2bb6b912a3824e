"""Small graphs, their quantization by plain ranges, and three ways to run them.

`simulate` is the specification: every operator in float by onnxruntime, every activation rounded to
its 8 bits in between. `run_litert` runs the file that the writer made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from sketches import make_proto, open_session, random_inputs, run_float

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.quantized_graph import (
    ActivationParams,
    QuantizedGraph,
    QuantizedWeight,
    float_form,
)
from quantize.tflite_model import stored_axes, write_tflite

_KEEPS_PARAMETERS = frozenset(
    {
        "AveragePool",
        "DepthToSpace",
        "Flatten",
        "MaxPool",
        "Pad",
        "Reshape",
        "Resize",
        "Slice",
        "SpaceToDepth",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
    }
)
_PROBABILITIES = frozenset({"Sigmoid", "Softmax"})


def affine(low: float, high: float) -> ActivationParams:
    """Parameters of a range, widened to hold 0."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max(high - low, 1e-3) / 255))
    return ActivationParams(scale, int(np.clip(round(-low / scale), 0, 255)))


def quantize_weight(values: NDArray[np.float32], *, per_channel: bool) -> QuantizedWeight:
    axes = tuple(range(1, values.ndim)) if per_channel else None
    peak = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-6)
    scale = (peak / 127).astype(np.float32)
    steps = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
    return QuantizedWeight(steps, scale.reshape(-1))


def quantized(
    graph: FloatGraph, *, per_channel: bool = True, shared: bool = True
) -> QuantizedGraph:
    """Quantize by the ranges of three random samples.

    Args:
        graph: with shapes.
        per_channel: whether weights have a scale a channel.
        shared: whether operators that move values keep their input's parameters.
    """
    samples = [run_float(graph, random_inputs(graph, seed)) for seed in (1, 2, 3)]
    fused = fused_activations(graph)
    activations = {
        name: affine(
            min(float(sample[name].min()) for sample in samples),
            max(float(sample[name].max()) for sample in samples),
        )
        for name in samples[0]
    }
    if shared:
        _share_parameters(graph, activations)
    weights: dict[str, QuantizedWeight] = {}
    for node in graph.nodes:
        if node.op in {"Add", "Mul"}:
            for name in set(node.inputs) & set(graph.constants):
                values = graph.constants[name]
                activations[name] = affine(float(values.min()), float(values.max()))
        elif node.op in {"Conv", "Gemm"}:
            weights |= _quantize_layer(graph, node, activations, per_channel)
    materialised = {name: value for name, value in activations.items() if name not in fused}
    return QuantizedGraph(graph, materialised, weights)


def _share_parameters(graph: FloatGraph, activations: dict[str, ActivationParams]) -> None:
    for node in reversed(graph.nodes):
        if node.op == "Concat":
            activations |= dict.fromkeys(node.inputs, activations[node.outputs[0]])
    for node in graph.nodes:
        if node.op in _KEEPS_PARAMETERS:
            activations[node.outputs[0]] = activations[node.inputs[0]]
        elif node.op in _PROBABILITIES:
            activations[node.outputs[0]] = ActivationParams(1 / 256, 0)


def _quantize_layer(
    graph: FloatGraph, node: Node, activations: Mapping[str, ActivationParams], per_channel: bool
) -> dict[str, QuantizedWeight]:
    weight = quantize_weight(graph.constants[node.inputs[1]], per_channel=per_channel)
    layer = {node.inputs[1]: weight}
    if len(node.inputs) > 2:
        scale = np.float32(activations[node.inputs[0]].scale) * weight.scale
        steps = np.rint(graph.constants[node.inputs[2]] / scale).astype(np.int32)
        layer[node.inputs[2]] = QuantizedWeight(steps, scale.astype(np.float32))
    return layer


def dequantized_graph(case: QuantizedGraph) -> FloatGraph:
    """The float graph with the values that the integers stand for."""
    constants = dict(case.graph.constants)
    for name, weight in case.weights.items():
        scale = weight.scale.reshape(-1, *(1,) * (weight.values.ndim - 1))
        constants[name] = (weight.values * scale).astype(np.float32)
    for name in set(constants) & set(case.activations):
        params = case.activations[name]
        constants[name] = dequantize(quantize(constants[name], params), params)
    graph = case.graph
    return FloatGraph(graph.nodes, graph.inputs, graph.outputs, constants, graph.shapes)


def quantize(values: NDArray[np.float32], params: ActivationParams) -> NDArray[np.int16]:
    """Real values to the int8 form, as int16 so that differences do not wrap."""
    steps = np.rint(values / np.float32(params.scale)) + params.int8_zero_point
    return np.clip(steps, -128, 127).astype(np.int16)


def dequantize(steps: NDArray[Any], params: ActivationParams) -> NDArray[np.float32]:
    return ((steps.astype(np.float32) - params.int8_zero_point) * params.scale).astype(np.float32)


def int8_inputs(case: QuantizedGraph, seed: int = 4) -> dict[str, NDArray[np.int16]]:
    """Inputs on the int8 grid, int8 form, NCHW."""
    real = random_inputs(case.graph, seed)
    return {name: quantize(value, case.activations[name]) for name, value in real.items()}


def simulate(
    case: QuantizedGraph, inputs: Mapping[str, NDArray[np.int16]]
) -> list[NDArray[np.int16]]:
    """What the quantized graph means: float operators between roundings to 8 bits.

    Returns:
        The outputs in int8 form, NCHW.
    """
    graph = dequantized_graph(case)
    constants = dict(graph.constants)
    protos: list[onnx.NodeProto] = []
    rounded: dict[str, str] = {}
    for node in graph.nodes:
        protos.append(make_proto(node, [rounded.get(name, name) for name in node.inputs]))
        name = node.outputs[0]
        if name not in case.activations:
            continue
        params = case.activations[name]
        constants[f"{name}:scale"] = np.float32(params.scale)
        constants[f"{name}:zero"] = np.uint8(params.zero_point)
        ends = (f"{name}:scale", f"{name}:zero")
        protos.append(helper.make_node("QuantizeLinear", [name, *ends], [f"{name}:q"]))
        protos.append(helper.make_node("DequantizeLinear", [f"{name}:q", *ends], [f"{name}:dq"]))
        rounded[name] = f"{name}:dq"
    sown = FloatGraph(graph.nodes, graph.inputs, graph.outputs, constants, graph.shapes)
    session = open_session(protos, sown, graph.outputs)
    real = {name: dequantize(value, case.activations[name]) for name, value in inputs.items()}
    results = session.run(list(graph.outputs), real)
    return [
        quantize(value, case.activations[name])
        for name, value in zip(graph.outputs, results, strict=True)
    ]


def to_stored(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1)) if values.ndim == 4 else values


def to_onnx_order(values: NDArray[Any]) -> NDArray[Any]:
    return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values


def interpreter(content: bytes, *, delegate: bool = True) -> Any:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    made = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    made.allocate_tensors()
    return made


def run_litert(
    content: bytes,
    inputs: Sequence[NDArray[Any]],
    *,
    delegate: bool = True,
    graph: FloatGraph | None = None,
) -> list[NDArray[Any]]:
    """Run on inputs in NCHW, cast to the model's type; outputs come back in NCHW.

    With a graph, ends that the layout leaves in another order are turned by it.
    """
    axes = stored_axes(graph) if graph else {}
    engine = interpreter(content, delegate=delegate)
    for detail, value in zip(engine.get_input_details(), inputs, strict=True):
        order = axes.get(detail["name"])
        stored = to_stored(value) if order is None else np.ascontiguousarray(value.transpose(order))
        engine.set_tensor(detail["index"], stored.astype(detail["dtype"]))
    engine.invoke()
    results = []
    for detail, name in zip(
        engine.get_output_details(), graph.outputs if graph else [""] * 9, strict=False
    ):
        value = engine.get_tensor(detail["index"])
        order = axes.get(name)
        results.append(
            to_onnx_order(value) if order is None else value.transpose(np.argsort(order))
        )
    return results


def run_onnx(
    content: bytes, case: QuantizedGraph, inputs: Mapping[str, NDArray[np.int16]]
) -> list[NDArray[np.int16]]:
    """Run the int8 ONNX of a case, float32 at its ends; inputs and outputs in int8 form."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = list(case.graph.outputs)
    real = {name: dequantize(value, case.activations[name]) for name, value in inputs.items()}
    values = session.run(names, real)
    return [
        quantize(value, case.activations[name]) for name, value in zip(names, values, strict=True)
    ]


def worst_steps(content: bytes, case: QuantizedGraph, seed: int = 4) -> tuple[int, int]:
    """Largest distance to `simulate` in output steps: with XNNPACK, with the built-in kernels."""
    inputs = int8_inputs(case, seed)
    expected = simulate(case, inputs)
    worst = []
    for delegate in (True, False):
        actual = run_litert(content, list(inputs.values()), delegate=delegate, graph=case.graph)
        worst.append(
            max(
                int(np.abs(a.astype(np.int16) - e).max())
                for a, e in zip(actual, expected, strict=True)
            )
        )
        for a, e in zip(actual, expected, strict=True):
            assert a.shape == e.shape
    return worst[0], worst[1]


def float_error(graph: FloatGraph, seed: int = 4) -> float:
    """Largest distance of the float file to onnxruntime, as a part of each output's range.

    Integers and truth values must be the same. With XNNPACK and with the built-in kernels.
    """
    content = write_tflite(float_form(graph), io="float32")
    axes = stored_axes(graph)
    inputs = random_inputs(graph, seed)
    expected = run_float(graph, inputs)
    worst = 0.0
    for delegate in (True, False):
        engine = interpreter(content, delegate=delegate)
        for detail in engine.get_input_details():
            name = detail["name"]
            stored = np.ascontiguousarray(inputs[name].transpose(axes[name]))
            engine.set_tensor(detail["index"], stored.astype(detail["dtype"]))
        engine.invoke()
        for detail, name in zip(engine.get_output_details(), graph.outputs, strict=True):
            actual = engine.get_tensor(detail["index"]).transpose(np.argsort(axes[name]))
            worst = max(worst, _distance(actual, expected[name]))
    return worst


def _distance(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    assert actual.shape == expected.shape
    if expected.dtype != np.float32:
        np.testing.assert_array_equal(actual, expected)
        return 0.0
    span = max(float(np.ptp(expected)), float(np.abs(expected).max()), 1e-3)
    return float(np.abs(actual - expected).max()) / span


def operator_names(content: bytes) -> list[str]:
    """The file's operators in order."""
    engine = interpreter(content, delegate=False)
    return [details["op_name"] for details in engine._get_ops_details()]


def delegated_parts(content: bytes) -> list[tuple[set[str], set[str]]]:
    """(inputs, outputs) by tensor name of every part that XNNPACK took over."""
    engine = interpreter(content)
    names = {detail["index"]: detail["name"] for detail in engine.get_tensor_details()}
    return [
        (
            {names[int(index)] for index in details["inputs"]},
            {names[int(index)] for index in details["outputs"]},
        )
        for details in engine._get_ops_details()
        if details["op_name"] == "DELEGATE"
    ]
