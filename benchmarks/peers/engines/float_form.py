"""An int8 ONNX model back in float: what other engines are given where no float file is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

__all__ = ["float_form"]


def float_form(data: bytes) -> bytes:
    """Take the quantization out of a model of QuantizeLinear and DequantizeLinear pairs.

    Weights become the real numbers that their integers stand for. A pair around an activation
    goes; where its range begins at zero it had been a ReLU too, and a Clip to the range stays.

    Args:
        data: the int8 ONNX file.

    Returns:
        A float ONNX file with the same inputs and outputs.

    Raises:
        InputError: a scale or zero point is no constant, so it is not such a model.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(data)
    graph = model.graph
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    names: dict[str, str] = {}
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            node.input[:] = [names.get(each, each) for each in node.input]
            nodes.append(node)
            continue
        source, output = names.get(node.input[0], node.input[0]), node.output[0]
        scale, zero_point = _grid(node, constants)
        if source in constants:
            real = _real(constants[source], scale, zero_point, _axis(node))
            graph.initializer.append(numpy_helper.from_array(real, output))
        elif node.op_type == "QuantizeLinear" and zero_point == np.iinfo(zero_point.dtype).min:
            nodes.append(_clip(source, output, scale, graph))
        else:
            names[output] = source
    _keep_output_names(graph, names, nodes)
    del graph.node[:]
    graph.node.extend(nodes)
    used = {each for node in nodes for each in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _grid(node: Any, constants: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        return constants[node.input[1]], constants[node.input[2]]
    except (IndexError, KeyError) as error:
        raise InputError(
            f"{node.op_type} of '{node.input[0]}' has no constant scale and zero point; "
            "give the float model instead"
        ) from error


def _axis(node: Any) -> int:
    return next((int(each.i) for each in node.attribute if each.name == "axis"), 1)


def _real(
    steps: NDArray[Any], scale: NDArray[Any], zero_point: NDArray[Any], axis: int
) -> NDArray[np.float32]:
    if scale.ndim and scale.size > 1:
        shape = [1] * steps.ndim
        shape[axis] = scale.size
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    centred = steps.astype(np.float64) - zero_point.astype(np.float64)
    return np.asarray(centred * scale.astype(np.float64), np.float32)


def _clip(source: str, output: str, scale: NDArray[Any], graph: Any) -> Any:
    import onnx
    from onnx import numpy_helper

    limits = {"low": 0.0, "high": 255.0 * float(scale)}
    for name, value in limits.items():
        array = np.array(value, np.float32)
        graph.initializer.append(numpy_helper.from_array(array, f"{output}/{name}"))
    return onnx.helper.make_node("Clip", [source, f"{output}/low", f"{output}/high"], [output])


def _keep_output_names(graph: Any, names: dict[str, str], nodes: list[Any]) -> None:
    for output in graph.output:
        source = names.get(output.name)
        for node in nodes:
            node.output[:] = [output.name if each == source else each for each in node.output]
            node.input[:] = [output.name if each == source else each for each in node.input]
