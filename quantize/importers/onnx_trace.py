"""One run of a static model: every tensor's shape and type, and the value of every constant one.

Since the input shapes are fixed, every tensor's shape is what one run gives; and whatever
depends on constants and shapes only has the value that one run gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.onnx_session import open_session, run_session

__all__ = ["Trace", "trace_model"]

_SHAPE_READERS = frozenset({"Shape", "Size"})
_RANDOM = ("Random", "Bernoulli", "Multinomial")


@dataclass(frozen=True, slots=True)
class Trace:
    """What one run showed.

    Attributes:
        shapes: of every tensor that is not constant.
        constants: initializers, and every tensor that depends on nothing but constants and shapes.
        dtypes: numpy's name for the type of every tensor in `shapes` that is not float32.
    """

    shapes: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, NDArray[Any]]
    dtypes: Mapping[str, str]


def trace_model(model: Any, input_shapes: Mapping[str, tuple[int, ...]]) -> Trace:
    """Run a model once on zeros with every tensor as an output.

    Args:
        model: `onnx.ModelProto` with static inputs.
        input_shapes: of its inputs.

    Raises:
        InputError: onnxruntime refuses or fails.
    """
    import onnx

    traced = onnx.ModelProto()
    traced.CopyFrom(model)
    del traced.graph.output[:]
    names = [name for node in traced.graph.node for name in node.output if name]
    traced.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = open_session(traced.SerializeToString(), optimise=False, threads=1)
    types = _input_types(model)
    zeros = {name: np.zeros(shape, types[name]) for name, shape in input_shapes.items()}
    found = dict(zip(names, run_session(session, names, zeros), strict=True))
    constants = {
        tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer
    }
    arrays: dict[str, NDArray[Any]] = dict(zeros)
    for node in model.graph.node:
        is_constant = _is_constant(node, constants)
        for name in filter(None, node.output):
            value = found[name]
            if not isinstance(value, np.ndarray):
                continue
            if is_constant:
                constants[name] = value
            else:
                arrays[name] = value
    return Trace(
        shapes={name: tuple(array.shape) for name, array in arrays.items()},
        constants=constants,
        dtypes={
            name: array.dtype.name for name, array in arrays.items() if array.dtype != np.float32
        },
    )


def _input_types(model: Any) -> dict[str, np.dtype[Any]]:
    import onnx

    to_numpy = onnx.helper.tensor_dtype_to_np_dtype
    return {each.name: to_numpy(each.type.tensor_type.elem_type) for each in model.graph.input}


def _is_constant(node: Any, constants: Mapping[str, NDArray[Any]]) -> bool:
    if node.domain not in {"", "ai.onnx"} or node.op_type.startswith(_RANDOM):
        return False
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        return False
    if node.op_type in _SHAPE_READERS:
        return True
    return all(name in constants for name in node.input if name)
