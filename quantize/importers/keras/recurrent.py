"""LSTM, GRU, SimpleRNN, alone and in both directions.

Masked steps. Keras carries the state over a masked step. A GRU does so exactly when its update
gate is 1, so the mask becomes one more input feature that holds that gate open: from 18 on the
sigmoid rounds to 1 in float32, and the feature adds more than a thousand. Its size lies in the
feature, not in its weight, so that the weights' own range, and so their int8 form, stays as it
was. LSTM and SimpleRNN have no such gate for their output, so a mask on them is refused unless
the caller states that nothing is padded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.importers.keras.layer_call import LayerCall, LayerWriter
from quantize.importers.keras.model_spec import LayerSpec, parse_layer
from quantize.importers.keras.onnx_graph import Tensor

__all__ = ["RECURRENT_LAYERS"]

_KERAS_2 = 2
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "SimpleRNN": (0,)}
"""Keras' place of each gate in ONNX' order (LSTM: input, output, forget, cell)."""

_OPERATORS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
_ACTIVATIONS: Mapping[str, tuple[str, float | None, float | None]] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "linear": ("Affine", 1.0, 0.0),
    "softsign": ("Softsign", None, None),
    "softplus": ("Softplus", None, None),
    "elu": ("Elu", 1.0, None),
}
_HOLD = 1000.0
"""What a masked step adds to the update gate at least."""

_LARGEST_INPUT = 16.0
"""Inputs of a masked step are taken to be no larger: they are constants or normalised values."""


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What a recurrent operator gives: (batch, steps, units), and states (batch, units)."""

    series: Tensor
    states: tuple[Tensor, ...]


def _write_recurrent(call: LayerCall) -> tuple[Tensor, ...]:
    is_backwards = bool(call.option("go_backwards"))
    found = _run(call, "reverse" if is_backwards else "forward")
    result: list[Tensor] = []
    if call.option("return_sequences"):
        series = found.series
        result.append(_reversed(call, series) if is_backwards else series)
    else:
        result.append(found.states[0])
    if call.option("return_state"):
        result += found.states
    return tuple(result)


def _run(call: LayerCall, direction: str) -> _Outputs:
    """One operator over one direction; the series comes back in the order of time."""
    graph, kind, units = call.graph, call.layer.kind, int(call.number("units", 0))
    _check_options(call)
    tensor, padding = call.input, call.input.padding
    weights = _operator_weights(call, kind, units)
    if padding is not None:
        tensor = graph.add_many("Concat", (tensor, _hold(call, weights)), 1, {"axis": 2})[0]
    batch = tensor.shape[0]
    states = [graph.reshape(each, (1, batch, units)) for each in _initial_states(call)]
    inputs = [
        graph.transpose(tensor, [1, 0, 2]),
        *(graph.constant(each, name) for each, name in zip(weights, "WRB", strict=True)),
        None,
        *states,
    ]
    attributes: dict[str, Any] = {"hidden_size": units, "direction": direction}
    attributes.update(_activations(call, kind))
    if kind == "GRU":
        attributes["linear_before_reset"] = int(_is_reset_after(call))
    found = graph.add_many(_OPERATORS[kind], inputs, 3 if kind == "LSTM" else 2, attributes)
    steps = graph.reshape(found[0], (found[0].shape[0], batch, units))
    series = graph.transpose(steps, [1, 0, 2])
    if padding is not None and call.option("zero_output_for_mask"):
        series = graph.add("Mul", series, graph.add("Sub", graph.constant(1.0, "one"), padding))
    return _Outputs(series, tuple(graph.reshape(each, (batch, units)) for each in found[1:]))


def _check_options(call: LayerCall) -> None:
    kind = call.layer.kind
    if call.option("stateful"):
        raise call.refuse("it keeps its state from call to call; save it with stateful=False")
    if call.option("time_major"):
        raise call.refuse("time_major is not supported")
    if call.input.padding is not None and kind != "GRU":
        raise call.refuse(
            "masked steps carry its state, which no ONNX operator does; if no series is ever "
            "padded, say so with --assume-no-padding, or use a GRU"
        )
    if call.input.padding is not None and call.option("recurrent_activation") not in {
        None,
        "sigmoid",
    }:
        raise call.refuse("masked steps with a recurrent activation other than sigmoid")


def _initial_states(call: LayerCall) -> list[Tensor]:
    given = call.keywords.get("initial_state")
    if isinstance(given, Tensor):
        return [given]
    if given is None:
        return list(call.inputs[1:])
    return [each for each in given if isinstance(each, Tensor)]


def _is_reset_after(call: LayerCall) -> bool:
    return bool(call.option("reset_after", call.major_version > _KERAS_2))


def _operator_weights(
    call: LayerCall, kind: str, units: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """W (1, gates * units, features), R (1, gates * units, units), B (1, 2 * gates * units)."""
    gates, features = len(_GATES[kind]), call.input.shape[-1]
    kernel = call.weight(0, (features, gates * units), "kernel")
    recurrent = call.weight(1, (units, gates * units), "recurrent kernel")
    if call.input.padding is not None:
        row = np.zeros((1, gates * units), np.float32)
        row[0, :units] = _largest(kernel)
        kernel = np.concatenate([kernel, row])
    bias = np.zeros((2, gates * units), np.float32)
    if call.option("use_bias", True):
        has_two = kind == "GRU" and _is_reset_after(call)
        shape = (2, gates * units) if has_two else (gates * units,)
        bias[slice(None) if has_two else 0] = call.weight(2, shape, "bias")
    return (
        _in_gate_order(kind, kernel.T, units)[np.newaxis],
        _in_gate_order(kind, recurrent.T, units)[np.newaxis],
        np.concatenate([_in_gate_order(kind, each, units) for each in bias])[np.newaxis],
    )


def _largest(values: NDArray[np.float32]) -> float:
    return float(np.abs(values).max(initial=0.0)) or 1.0


def _hold(call: LayerCall, weights: Sequence[NDArray[np.float32]]) -> Tensor:
    """The mask as a feature, (batch, steps, 1), that outdoes all else the gate may sum."""
    rest = sum(float(np.abs(each).sum(axis=-1).max()) for each in weights[:2])
    factor = (_HOLD + _LARGEST_INPUT * rest) / _largest(weights[0])
    scale = call.graph.constant(float(np.float32(factor)), "hold")
    return call.graph.add_many("Mul", (call.input.padding, scale), 1, {})[0]


def _in_gate_order(kind: str, values: NDArray[np.float32], units: int) -> NDArray[np.float32]:
    parts = [values[at * units : (at + 1) * units] for at in _GATES[kind]]
    return np.concatenate(parts).astype(np.float32)


def _activations(call: LayerCall, kind: str) -> dict[str, Any]:
    """ONNX' attributes for the gate's and the state's activations; none for the usual ones."""
    default = "hard_sigmoid" if call.major_version == _KERAS_2 else "sigmoid"
    names = [_name(call.option("activation", "tanh"))]
    if kind != "SimpleRNN":
        names.insert(0, _name(call.option("recurrent_activation", default)))
    if names in (["tanh"], ["sigmoid", "tanh"]):
        return {}
    if kind == "LSTM":
        names.append(names[-1])
    slope = 0.2 if call.major_version == _KERAS_2 else 1 / 6
    known = {**_ACTIVATIONS, "hard_sigmoid": ("HardSigmoid", slope, 0.5)}
    for name in names:
        if name not in known:
            raise call.refuse(f"activation '{name}'; supported: {', '.join(sorted(known))}")
    found = [known[name] for name in names]
    attributes: dict[str, Any] = {"activations": [each[0] for each in found]}
    for at, name in ((1, "activation_alpha"), (2, "activation_beta")):
        numbers = [each[at] for each in found if each[at] is not None]
        if numbers:
            attributes[name] = numbers
    return attributes


def _name(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("config")
    return "linear" if value is None else str(value)


def _reversed(call: LayerCall, series: Tensor) -> Tensor:
    """The steps last first."""
    graph = call.graph
    ends = [graph.constant([each], name) for each, name in ((-1, "start"), (-(2**31), "end"))]
    axis, step = graph.constant([1], "axis"), graph.constant([-1], "step")
    return graph.add("Slice", series, *ends, axis, step)


def _write_bidirectional(call: LayerCall) -> tuple[Tensor, ...]:
    """One pass each way; the way back is given in the order of time."""
    forward = parse_layer(call.option("layer"))
    stated = call.option("backward_layer")
    backward = parse_layer(stated) if stated else forward
    for each in (forward, backward):
        if each.kind not in _OPERATORS:
            raise call.refuse(f"it wraps a '{each.kind}'; {', '.join(_OPERATORS)} are supported")
    if len(call.inputs) > 1 or call.keywords.get("initial_state") is not None:
        raise call.refuse("initial states are not supported")
    half = len(call.weights) // 2
    ways = [
        _run(_as_layer(call, forward, call.weights[:half]), "forward"),
        _run(_as_layer(call, backward, call.weights[half:]), "reverse"),
    ]
    is_series = bool(forward.config.get("return_sequences"))
    pair = [each.series if is_series else each.states[0] for each in ways]
    merged = _merge(call, pair)
    if forward.config.get("return_state"):
        return (*merged, *ways[0].states, *ways[1].states)
    return merged


def _as_layer(call: LayerCall, layer: LayerSpec, weights: Sequence[NDArray[Any]]) -> LayerCall:
    named = replace(layer, name=f"{call.layer.name}/{layer.name}")
    return replace(call, layer=named, weights=weights, keywords={})


def _merge(call: LayerCall, pair: list[Tensor]) -> tuple[Tensor, ...]:
    graph, mode = call.graph, call.option("merge_mode", "concat")
    if mode is None:
        return tuple(pair)
    if mode == "concat":
        return graph.add_many("Concat", pair, 1, {"axis": pair[0].rank - 1})
    if mode == "ave":
        return (graph.add("Mul", graph.add("Add", *pair), graph.constant(0.5, "half")),)
    operators = {"sum": "Add", "mul": "Mul"}
    if mode not in operators:
        raise call.refuse(f"merge_mode '{mode}'; concat, sum, mul, ave and None are supported")
    return (graph.add(operators[mode], *pair),)


def _write_cell(call: LayerCall) -> tuple[Tensor, ...]:
    """The RNN layer around one of Keras' own cells."""
    cell = parse_layer(call.option("cell"))
    kind = cell.kind.removesuffix("Cell")
    if not cell.kind.endswith("Cell") or kind not in _OPERATORS:
        raise call.refuse(
            f"it runs a '{cell.kind}'; LSTMCell, GRUCell, SimpleRNNCell are supported"
        )
    config = {**cell.config, **{k: v for k, v in call.layer.config.items() if k != "cell"}}
    layer = replace(call.layer, kind=kind, config=config)
    return _write_recurrent(replace(call, layer=layer))


RECURRENT_LAYERS: Mapping[str, LayerWriter] = {
    "LSTM": _write_recurrent,
    "GRU": _write_recurrent,
    "SimpleRNN": _write_recurrent,
    "RNN": _write_cell,
    "Bidirectional": _write_bidirectional,
}
