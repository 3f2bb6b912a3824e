"""LSTM, GRU and RNN as steps of Gemm and elementwise operators, with shared weights.

The input's part of every step is one Gemm for all steps; the state's part is a Gemm a step, all of
which read the same weights. Gate order and equations: ONNX operator specification of LSTM, GRU and
RNN, opset 14; LSTM: Hochreiter and Schmidhuber 1997, GRU: Cho et al. 2014.

Why not UNIDIRECTIONAL_SEQUENCE_LSTM: measured in LiteRT 2.3 on x86-64 (1 thread, 64 units, minimum
of 50), the steps are one XNNPACK partition and the fused kernel is none. 24 steps of 41 inputs:
0.026 ms float and 0.014 ms dynamic (36.9 dB) against 0.048 and 0.044 ms (34.3 dB, one scale a
tensor); 48 steps of 76: 0.058 and 0.035 ms (36.5 dB) against 0.112 and 0.095 ms (33.9 dB). And the
fused kernel keeps its state between invocations unless it is reset. Its file is smaller: 110
against 149 kB, and 146 against 224 kB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import UnsupportedInputError
from quantize.graph import Node
from quantize.graph_draft import GraphDraft
from quantize.quantized_graph import Precision, QuantizedGraph, QuantizedWeight

__all__ = ["RECURRENT_OPERATORS", "unroll_recurrent"]

RECURRENT_OPERATORS = frozenset({"GRU", "LSTM", "RNN"})

_GATES = {"GRU": 3, "LSTM": 4, "RNN": 1}
_WEIGHTS, _RECURRENCE, _BIASES, _LENGTHS, _STATE, _CELL = 1, 2, 3, 4, 5, 6


def unroll_recurrent(
    quantized: QuantizedGraph, chosen: frozenset[str] | None = None
) -> QuantizedGraph:
    """Write out recurrent nodes.

    Args:
        quantized: the graph.
        chosen: names of the nodes to write out; None for all.

    Returns:
        A graph without them. A DYNAMIC node's Gemms are DYNAMIC and have the rows of its integer
        weights, where it has such; everything else is FLOAT.

    Raises:
        UnsupportedInputError: sequences of different lengths.
    """
    nodes = [
        node
        for node in quantized.graph.nodes
        if node.op in RECURRENT_OPERATORS and (chosen is None or node.name in chosen)
    ]
    if not nodes:
        return quantized
    sheet = _Sheet(quantized)
    for node in nodes:
        _unroll(sheet, node)
    return sheet.finish()


class _Sheet:
    """A quantized graph while recurrent nodes are written out."""

    def __init__(self, quantized: QuantizedGraph) -> None:
        self._quantized = quantized
        self.draft = GraphDraft(quantized.graph)
        self.weights: dict[str, QuantizedWeight] = dict(quantized.weights)
        self.precisions: dict[str, Precision] = dict(quantized.precisions)
        self.prefix = ""
        self.nodes: list[Node] = []
        self._begun = 0

    def begin(self, node: Node) -> None:
        """Start with a recurrent node."""
        self.prefix, self.nodes = f"{node.op.lower()}{self._begun}", []
        self._begun += 1

    def shape(self, name: str) -> tuple[int, ...]:
        return self.draft.shape(name)

    def node(
        self,
        op: str,
        inputs: tuple[str, ...],
        shape: tuple[int, ...],
        attributes: Mapping[str, Any] | None = None,
    ) -> str:
        """A float node and the tensor it writes."""
        # Short, since there are thousands (with the layer's name they were a fifth of the file),
        # and numbered here: the draft would look for the next free number each time.
        name = self.draft.add_tensor(f"{self.prefix}.{len(self.nodes)}", shape)
        self.nodes.append(Node(op, inputs, (name,), attributes or {}, name))
        self.precisions[name] = Precision.FLOAT
        return name

    def gemm(self, source: str, layer: _Layer, rows: int, precision: Precision) -> str:
        name = self.node(
            "Gemm",
            (source, layer.weights, layer.bias),
            (rows, self.shape(layer.weights)[0]),
            {"transB": 1},
        )
        self.precisions[name] = precision
        return name

    def slice(self, source: str, axis: int, start: int, length: int) -> str:
        shape = list(self.shape(source))
        if length == shape[axis]:
            return source
        shape[axis] = length
        bounds = tuple(self.integers(each) for each in ((start,), (start + length,), (axis,)))
        return self.node("Slice", (source, *bounds), tuple(shape))

    def reshape(self, source: str, shape: tuple[int, ...]) -> str:
        return self.node("Reshape", (source, self.integers(shape)), shape)

    def concat(self, parts: list[str], axis: int) -> str:
        if len(parts) == 1:
            return parts[0]
        shape = list(self.shape(parts[0]))
        shape[axis] *= len(parts)
        return self.node("Concat", tuple(parts), tuple(shape), {"axis": axis})

    def binary(self, op: str, left: str, right: str) -> str:
        return self.node(op, (left, right), self.shape(left))

    def unary(self, op: str, source: str) -> str:
        return self.node(op, (source,), self.shape(source))

    def integers(self, values: tuple[int, ...]) -> str:
        name = f"{'x'.join(map(str, values))}/int64"
        if name not in self.draft.constants:
            self.draft.constants[name] = np.array(values, np.int64)
        return name

    def finish(self) -> QuantizedGraph:
        graph = self.draft.finish()
        return replace(
            self._quantized, graph=graph, weights=self.weights, precisions=self.precisions
        )


@dataclass(frozen=True, slots=True)
class _Layer:
    """Names of weights [out, in] and bias [out]."""

    weights: str
    bias: str


@dataclass(frozen=True, slots=True)
class _Cell:
    """One direction of a recurrent node.

    Attributes:
        op: of the node.
        projection: the input's part.
        recurrence: the state's part: one layer, or for a GRU that resets before it multiplies,
            those of both gates and of the candidate.
        own_precision: of the input's part.
        precision: of the state's.
        hidden: size of the state.
        batch: rows of it.
    """

    op: str
    projection: _Layer
    recurrence: tuple[_Layer, ...]
    own_precision: Precision
    precision: Precision
    hidden: int
    batch: int


@dataclass(frozen=True, slots=True)
class _State:
    """The hidden state and the LSTM's cell; "" while they are zero."""

    hidden: str = ""
    cell: str = ""


def _input(node: Node, at: int) -> str:
    return node.inputs[at] if len(node.inputs) > at else ""


def _unroll(sheet: _Sheet, node: Node) -> None:
    sheet.begin(node)
    graph = sheet.draft
    steps, batch, _ = graph.shape(node.inputs[0])
    lengths = _input(node, _LENGTHS)
    if lengths and not (
        lengths in graph.constants and bool(np.all(graph.constants[lengths] == steps))
    ):
        raise UnsupportedInputError(
            f"layer '{node.name}' ({node.op}) has sequence_lens; pad the series to one length"
        )
    direction = str(node.attributes.get("direction", "forward"))
    reversed_ = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[direction]
    runs = [_run(sheet, node, at, is_reversed) for at, is_reversed in enumerate(reversed_)]
    _write_outputs(sheet, node, runs, (steps, batch))
    graph.replace(node, *sheet.nodes)


@dataclass(frozen=True, slots=True)
class _Run:
    """States of all steps in time order, and the last state."""

    hidden: list[str]
    last: _State


def _run(sheet: _Sheet, node: Node, at: int, is_reversed: bool) -> _Run:  # noqa: FBT001
    cell = _cell(sheet, node, at)
    steps = sheet.shape(node.inputs[0])[0]
    rows = sheet.reshape(node.inputs[0], (steps * cell.batch, sheet.shape(node.inputs[0])[2]))
    projected = sheet.gemm(rows, cell.projection, steps * cell.batch, cell.own_precision)
    state = _State(
        _initial(sheet, node, _STATE, at),
        _initial(sheet, node, _CELL, at) if node.op == "LSTM" else "",
    )
    hidden = [""] * steps
    # What a step uses apart is cut apart for all steps at once.
    cuts = (2 * cell.hidden, cell.hidden) if node.op == "GRU" else (_GATES[node.op] * cell.hidden,)
    whole = [sheet.slice(projected, 1, sum(cuts[:at]), cut) for at, cut in enumerate(cuts)]
    for step in sorted(range(steps), reverse=is_reversed):
        parts = [sheet.slice(each, 0, step * cell.batch, cell.batch) for each in whole]
        state = _STEPS[node.op](sheet, cell, parts, state)
        hidden[step] = state.hidden
    return _Run(hidden, state)


def _initial(sheet: _Sheet, node: Node, position: int, at: int) -> str:
    name = _input(node, position)
    constant = sheet.draft.constants.get(name)
    if not name or (constant is not None and not np.any(constant)):
        return ""
    if constant is not None:
        return sheet.draft.add_constant(f"{name}/{at}", constant[at])
    directions, batch, hidden = sheet.shape(name)
    part = name if directions == 1 else sheet.slice(name, 0, at, 1)
    return sheet.reshape(part, (batch, hidden))


def _write_outputs(sheet: _Sheet, node: Node, runs: list[_Run], size: tuple[int, int]) -> None:
    steps, batch = size
    hidden = sheet.shape(runs[0].last.hidden)[1]
    outputs = [*node.outputs, "", "", ""]
    used = {name for each in sheet.draft.nodes for name in each.inputs} | set(sheet.draft.outputs)
    if outputs[0] and outputs[0] in used:
        whole = [
            sheet.reshape(sheet.concat(run.hidden, 0), (steps, 1, batch, hidden)) for run in runs
        ]
        _rename(sheet, sheet.concat(whole, 1), outputs[0])
    for name, kind in ((outputs[1], "hidden"), (outputs[2], "cell")):
        if name and name in used:
            last = [sheet.reshape(getattr(run.last, kind), (1, batch, hidden)) for run in runs]
            _rename(sheet, sheet.concat(last, 0), name)


def _rename(sheet: _Sheet, made: str, name: str) -> None:
    """Let the node just made write an output of the recurrent node."""
    for at, node in enumerate(sheet.nodes):
        if node.outputs == (made,):
            sheet.nodes[at] = replace(node, outputs=(name,))


def _cell(sheet: _Sheet, node: Node, at: int) -> _Cell:
    hidden = sheet.shape(node.inputs[_RECURRENCE])[2]
    gates = _GATES[node.op]
    biases = np.zeros((2, gates * hidden), np.float32)
    if _input(node, _BIASES):
        biases = sheet.draft.constants[node.inputs[_BIASES]][at].reshape(2, -1)
    own, recurrent = biases
    is_split = node.op == "GRU" and not int(node.attributes.get("linear_before_reset", 0))
    if node.op == "GRU" and not is_split:
        kept = np.concatenate([np.zeros(2 * hidden, np.float32), recurrent[2 * hidden :]])
    else:
        kept = np.zeros_like(recurrent)
    layers = _Layers(sheet, node, at)
    projection = layers.layer(_WEIGHTS, slice(None), own + recurrent - kept)
    cuts = [slice(0, 2 * hidden), slice(2 * hidden, None)] if is_split else [slice(None)]
    precision = sheet.precisions.get(node.name, Precision.INT8)
    is_float = node.inputs[_WEIGHTS] not in sheet.weights
    return _Cell(
        op=node.op,
        projection=projection,
        recurrence=tuple(layers.layer(_RECURRENCE, cut, kept[cut]) for cut in cuts),
        own_precision=Precision.FLOAT if is_float else precision,
        precision=precision,
        hidden=hidden,
        batch=sheet.shape(node.inputs[0])[1],
    )


@dataclass(frozen=True, slots=True)
class _Layers:
    """Cuts the rows of one direction out of a recurrent node's weights."""

    sheet: _Sheet
    node: Node
    at: int

    def layer(self, position: int, rows: slice, bias: NDArray[np.float32]) -> _Layer:
        sheet, source = self.sheet, self.node.inputs[position]
        hint = f"{source}/{self.at}/{rows.start or 0}"
        values = sheet.draft.constants[source][self.at][rows]
        name = sheet.draft.add_constant(hint, values)
        if source in sheet.weights:
            weight = sheet.weights[source]
            scale = weight.scale.reshape(weight.values.shape[:2])[self.at][rows]
            sheet.weights[name] = QuantizedWeight(weight.values[self.at][rows], scale)
        return _Layer(name, sheet.draft.add_constant(f"{hint}/bias", bias))


def _gate_sum(sheet: _Sheet, cell: _Cell, parts: list[str], state: _State) -> str:
    """The input's part and the state's part of all gates."""
    [part] = parts
    if not state.hidden:
        return part
    product = sheet.gemm(state.hidden, cell.recurrence[0], cell.batch, cell.precision)
    return sheet.binary("Add", part, product)


def _lstm_step(sheet: _Sheet, cell: _Cell, parts: list[str], state: _State) -> _State:
    """Gates i, o, f, c; c' = f c + i g, h' = o tanh(c')."""
    size = cell.hidden
    gates = _gate_sum(sheet, cell, parts, state)
    opened = sheet.unary("Sigmoid", sheet.slice(gates, 1, 0, 3 * size))
    candidate = sheet.unary("Tanh", sheet.slice(gates, 1, 3 * size, size))
    content = sheet.binary("Mul", sheet.slice(opened, 1, 0, size), candidate)
    if state.cell:
        kept = sheet.binary("Mul", sheet.slice(opened, 1, 2 * size, size), state.cell)
        content = sheet.binary("Add", kept, content)
    shown = sheet.unary("Tanh", content)
    return _State(sheet.binary("Mul", sheet.slice(opened, 1, size, size), shown), content)


def _gru_step(sheet: _Sheet, cell: _Cell, parts: list[str], state: _State) -> _State:
    """Gates z, r, h; h' = g + z (h - g)."""
    size = cell.hidden
    both, own = parts
    is_split = len(cell.recurrence) > 1
    recurrent = "" if is_split else _candidate_bias(sheet, cell)
    if state.hidden:
        product = sheet.gemm(state.hidden, cell.recurrence[0], cell.batch, cell.precision)
        if not is_split:
            recurrent = sheet.slice(product, 1, 2 * size, size)
            product = sheet.slice(product, 1, 0, 2 * size)
        both = sheet.binary("Add", both, product)
    opened = sheet.unary("Sigmoid", both)
    if recurrent:
        reset = sheet.slice(opened, 1, size, size)
        own = sheet.binary("Add", own, sheet.binary("Mul", reset, recurrent))
    elif state.hidden:
        kept = sheet.binary("Mul", sheet.slice(opened, 1, size, size), state.hidden)
        product = sheet.gemm(kept, cell.recurrence[1], cell.batch, cell.precision)
        own = sheet.binary("Add", own, product)
    candidate, update = sheet.unary("Tanh", own), sheet.slice(opened, 1, 0, size)
    if not state.hidden:
        return _State(sheet.binary("Sub", candidate, sheet.binary("Mul", update, candidate)))
    change = sheet.binary("Mul", update, sheet.binary("Sub", state.hidden, candidate))
    return _State(sheet.binary("Add", candidate, change))


def _candidate_bias(sheet: _Sheet, cell: _Cell) -> str:
    """What the state's part of a GRU's candidate is while the state is zero."""
    bias = sheet.draft.constants[cell.recurrence[0].bias][2 * cell.hidden :]
    return sheet.draft.add_constant(
        f"{sheet.prefix}/candidate_bias", np.tile(bias, (cell.batch, 1))
    )


def _rnn_step(sheet: _Sheet, cell: _Cell, parts: list[str], state: _State) -> _State:
    """One gate: h' = tanh(x W + h R + b)."""
    return _State(sheet.unary("Tanh", _gate_sum(sheet, cell, parts, state)))


_STEPS = {"GRU": _gru_step, "LSTM": _lstm_step, "RNN": _rnn_step}
