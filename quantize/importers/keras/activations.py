"""Activation functions, as options of other layers and as layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.model_spec import parse_layer
from quantize.importers.keras.onnx_graph import OnnxGraph, Tensor

__all__ = ["ACTIVATION_LAYERS", "apply_activation"]

_KERAS_2 = 2
_SIX = 6.0


def apply_activation(call: LayerCall, tensor: Tensor, value: Any) -> Tensor:
    """Apply the activation that a layer's option names.

    Args:
        call: the layer.
        tensor: what it is applied to.
        value: a name; None; a serialized function; or a serialized activation layer.

    Raises:
        UnsupportedInputError: an unknown activation, by name.
    """
    if value is None:
        return tensor
    if isinstance(value, dict):
        kind = str(value.get("class_name"))
        if kind in ACTIVATION_LAYERS:
            spec = parse_layer({**value, "config": value.get("config") or {}})
            found = ACTIVATION_LAYERS[kind](replace(call.on(tensor), layer=spec, weights=()))
            return found if isinstance(found, Tensor) else found[0]
        value = value.get("config")
        value = value.get("name") if isinstance(value, dict) else value
    name = str(value)
    if name == "hard_sigmoid":
        return _hard_sigmoid(call, tensor)
    write = _FUNCTIONS.get(name)
    if write is None:
        raise call.refuse(
            f"activation '{name}' is not supported; supported: {', '.join(sorted(_FUNCTIONS))}"
        )
    return write(call.graph, tensor)


def _hard_sigmoid(call: LayerCall, tensor: Tensor) -> Tensor:
    """Keras 2 takes 0.2 x + 0.5, Keras 3 takes x / 6 + 0.5."""
    slope = 0.2 if call.major_version == _KERAS_2 else 1 / _SIX
    return call.graph.add("HardSigmoid", tensor, alpha=slope, beta=0.5)


def _clip(graph: OnnxGraph, tensor: Tensor, low: float | None, high: float | None) -> Tensor:
    bounds = [
        None if bound is None else graph.constant(float(bound), name)
        for name, bound in (("low", low), ("high", high))
    ]
    return graph.add("Clip", tensor, *bounds)


def _times(graph: OnnxGraph, tensor: Tensor, factor: float) -> Tensor:
    return graph.add("Mul", tensor, graph.constant(float(factor), "factor"))


def _swish(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    return graph.add("Mul", tensor, graph.add("Sigmoid", tensor))


def _gelu(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    """Hendrycks and Gimpel 2016: x / 2 (1 + erf(x / sqrt 2)), in the order of exporters."""
    scaled = graph.add("Div", tensor, graph.constant(math.sqrt(2), "root_of_two"))
    shifted = graph.add("Add", graph.add("Erf", scaled), graph.constant(1.0, "one"))
    return _times(graph, graph.add("Mul", tensor, shifted), 0.5)


def _gelu_tanh(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    cube = graph.add("Mul", graph.add("Mul", tensor, tensor), tensor)
    inner = graph.add("Add", tensor, _times(graph, cube, 0.044715))
    curve = graph.add("Tanh", _times(graph, inner, math.sqrt(2 / math.pi)))
    return _times(
        graph, graph.add("Mul", tensor, graph.add("Add", curve, graph.constant(1.0, "one"))), 0.5
    )


def _mish(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    return graph.add("Mul", tensor, graph.add("Tanh", graph.add("Softplus", tensor)))


def _log_sigmoid(graph: OnnxGraph, tensor: Tensor) -> Tensor:
    return graph.add("Neg", graph.add("Softplus", graph.add("Neg", tensor)))


def _one(op: str, **attributes: Any) -> Callable[[OnnxGraph, Tensor], Tensor]:
    def write(graph: OnnxGraph, tensor: Tensor) -> Tensor:
        return graph.add(op, tensor, **attributes)

    return write


_FUNCTIONS: Mapping[str, Callable[[OnnxGraph, Tensor], Tensor]] = {
    "linear": lambda _graph, tensor: tensor,
    "relu": _one("Relu"),
    "relu6": lambda graph, tensor: _clip(graph, tensor, 0.0, _SIX),
    "sigmoid": _one("Sigmoid"),
    "tanh": _one("Tanh"),
    "softmax": _one("Softmax", axis=-1),
    "log_softmax": _one("LogSoftmax", axis=-1),
    "softplus": _one("Softplus"),
    "softsign": _one("Softsign"),
    "elu": _one("Elu", alpha=1.0),
    "celu": _one("Celu", alpha=1.0),
    "selu": _one("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "exponential": _one("Exp"),
    "leaky_relu": _one("LeakyRelu", alpha=0.2),
    "hard_silu": _one("HardSwish"),
    "hard_swish": _one("HardSwish"),
    "hard_tanh": lambda graph, tensor: _clip(graph, tensor, -1.0, 1.0),
    "silu": _swish,
    "swish": _swish,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "mish": _mish,
    "log_sigmoid": _log_sigmoid,
    "tanh_shrink": lambda graph, tensor: graph.add("Sub", tensor, graph.add("Tanh", tensor)),
    "hard_sigmoid": _one("HardSigmoid", alpha=1 / _SIX, beta=0.5),
}


def _write_activation(call: LayerCall) -> Tensor:
    return apply_activation(call, call.input, call.option("activation", "linear"))


def _write_relu(call: LayerCall) -> Tensor:
    """Below the threshold negative_slope * (x - threshold), above it x, at most max_value."""
    slope, threshold = call.number("negative_slope", 0.0), call.number("threshold", 0.0)
    highest = call.number("max_value", math.inf)
    graph, tensor = call.graph, call.input
    if threshold:
        return _thresholded_relu(call, slope, threshold, highest)
    if slope:
        tensor = graph.add("LeakyRelu", tensor, alpha=slope)
        return tensor if math.isinf(highest) else _clip(graph, tensor, None, highest)
    return graph.add("Relu", tensor) if math.isinf(highest) else _clip(graph, tensor, 0.0, highest)


def _thresholded_relu(call: LayerCall, slope: float, threshold: float, highest: float) -> Tensor:
    graph, tensor = call.graph, call.input
    at = graph.constant(threshold, "threshold")
    is_above = graph.add("Cast", graph.add("GreaterOrEqual", tensor, at), to=_float_type())
    kept = graph.add("Mul", tensor, is_above)
    if not math.isinf(highest):
        kept = _clip(graph, kept, None, highest)
    if not slope:
        return kept
    below = _clip(graph, graph.add("Sub", tensor, at), None, 0.0)
    return graph.add("Add", kept, _times(graph, below, slope))


def _float_type() -> int:
    import onnx

    return int(onnx.TensorProto.FLOAT)


def _write_leaky_relu(call: LayerCall) -> Tensor:
    slope = call.number("negative_slope", call.number("alpha", 0.3))
    return call.graph.add("LeakyRelu", call.input, alpha=slope)


def _write_prelu(call: LayerCall) -> Tensor:
    shared = {axis - 1 for axis in call.option("shared_axes") or ()}
    expected = tuple(1 if at in shared else size for at, size in enumerate(call.input.shape[1:]))
    slope = call.weight(0, expected, "alpha")
    return call.graph.add("PRelu", call.input, call.graph.constant(slope, "slope"))


def _write_elu(call: LayerCall) -> Tensor:
    return call.graph.add("Elu", call.input, alpha=call.number("alpha", 1.0))


def _write_softmax(call: LayerCall) -> Tensor:
    axis = call.option("axis", -1)
    if isinstance(axis, list):
        if len(axis) != 1:
            raise call.refuse(f"softmax over several axes {axis}")
        axis = axis[0]
    if call.input.padding is not None:
        raise call.refuse("softmax over masked steps")
    return call.graph.add("Softmax", call.input, axis=int(axis))


def _write_thresholded(call: LayerCall) -> Tensor:
    """Keras 2's ThresholdedReLU: x above theta, otherwise 0."""
    at = call.graph.constant(np.float32(call.number("theta", 1.0)), "threshold")
    is_above = call.graph.add("Greater", call.input, at)
    return call.graph.add("Mul", call.input, call.graph.add("Cast", is_above, to=_float_type()))


ACTIVATION_LAYERS: Mapping[str, LayerWriter] = {
    "Activation": _write_activation,
    "ReLU": _write_relu,
    "LeakyReLU": _write_leaky_relu,
    "PReLU": _write_prelu,
    "ELU": _write_elu,
    "Softmax": _write_softmax,
    "ThresholdedReLU": _write_thresholded,
}
