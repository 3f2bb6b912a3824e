"""A walk over the layers of a quantized graph, each seen with what really reaches it.

At every layer stand, for a fixed number of examples, the inputs and the output that the float graph
has there and the inputs that the quantized graph has there: with the errors of all layers before
it, as those were left by the walk. A visitor may change the layer's parameters; its output is then
computed by the engine's own integer kernels and goes on to its readers. This is the asymmetric
reconstruction of Nagel et al. 2020 ("Up or Down? Adaptive Rounding for Post-Training Quantization",
section 3.4) without its rounding: what to do at a layer is the visitor's.

Only tensors with readers still to come are kept, the quantized ones as bytes, and the number of
examples follows from a budget in bytes: memory does not grow with what the user gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.fusion import fused_activations
from quantize.graph import FloatGraph, Node
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import ActivationParams, Precision, QuantizedGraph
from quantize.repair.selected_examples import spread_examples
from quantize.run_examples import Examples, Progress, ignore_progress

__all__ = ["BUDGET_BYTES", "LayerData", "Visitor", "chosen_examples", "walk_layers"]

BUDGET_BYTES = 384 * 2**20
"""Of the largest set of float tensors alive at once, over all examples of a walk."""

_MOST_EXAMPLES = 32
_FEWEST_EXAMPLES = 8

Batch = NDArray[Any]


@dataclass(frozen=True, slots=True)
class LayerData:
    """One layer and what reaches it.

    Attributes:
        node: the layer.
        activation: the Relu or Clip fused into it; None for none.
        inputs: float tensors (examples, ...) of the float graph, by the name of the data input.
        quantized_inputs: the same tensors as the quantized graph has them, dequantized.
        output: (examples, ...) what the float graph computes, after the fused activation.
    """

    node: Node
    activation: Node | None
    inputs: Mapping[str, Batch]
    quantized_inputs: Mapping[str, Batch]
    output: Batch

    @property
    def target(self) -> str:
        """Name of the tensor that the layer leaves, after the fused activation."""
        return (self.activation or self.node).outputs[0]


Visitor = Callable[[QuantizedGraph, LayerData], QuantizedGraph]
"""Gives the graph with other parameters of this layer; what was walked already must not change."""


def walk_layers(
    quantized: QuantizedGraph,
    examples: Examples,
    visit: Visitor,
    *,
    progress: Progress | None = None,
    budget_bytes: int = BUDGET_BYTES,
) -> QuantizedGraph:
    """Visit every layer in order.

    Args:
        quantized: where the walk starts.
        examples: real inputs; a fixed choice of them is used.
        visit: called once a layer, fused activations with their host.
        progress: told after each layer.
        budget_bytes: bound of the float tensors kept.

    Returns:
        The graph as the last visit left it.

    Raises:
        EngineError: onnxruntime failed.
    """
    walk = _Walk(quantized, chosen_examples(quantized.graph, examples, budget_bytes))
    report = progress or ignore_progress
    for done, node in enumerate(walk.layers, start=1):
        walk.step(node, visit)
        report(done, len(walk.layers))
    return walk.quantized


def chosen_examples(
    graph: FloatGraph, examples: Examples, budget_bytes: int = BUDGET_BYTES
) -> list[Mapping[str, Batch]]:
    """Evenly spread examples, as many as the budget allows; always the same ones."""
    largest = max(1, _largest_live_bytes(graph))
    count = int(np.clip(budget_bytes // largest, _FEWEST_EXAMPLES, _MOST_EXAMPLES))
    return list(spread_examples(examples, count))


def _last_readers(graph: FloatGraph) -> dict[str, int]:
    last: dict[str, int] = {}
    for at, node in enumerate(graph.nodes):
        for name in (*node.outputs, *node.inputs):
            last[name] = at
    return last


def _largest_live_bytes(graph: FloatGraph) -> int:
    last = _last_readers(graph)
    fused = set(fused_activations(graph))
    alive: dict[str, int] = {}
    largest = 0
    for at, node in enumerate(graph.nodes):
        for name in node.outputs:
            if name and name not in fused:
                alive[name] = 4 * prod(graph.shapes[name])
        largest = max(largest, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last[name] > at}
    return largest


class _Walk:
    """The tensors alive at one point of the walk."""

    def __init__(self, quantized: QuantizedGraph, examples: list[Mapping[str, Batch]]) -> None:
        graph = quantized.graph
        self.quantized = quantized
        self._fused = fused_activations(graph, quantized.precisions)
        covered = {id(node) for node in self._fused.values()}
        self.layers = [node for node in graph.nodes if id(node) not in covered]
        self._last: dict[str, int] = {}
        for at, node in enumerate(self.layers):
            for name in (*self._group(node)[-1].outputs, *node.inputs):
                self._last[name] = at
        self._at = 0
        self._count = len(examples)
        self._float = {
            name: np.stack([example[name] for example in examples]) for name in graph.inputs
        }
        self._seen = {name: self._float[name] for name in graph.inputs}

    def step(self, node: Node, visit: Visitor) -> None:
        """Visit one layer and compute what it leaves, in float and in integers."""
        nodes = self._group(node)
        inputs = {name: self._float[name] for name in self._data_inputs(node)}
        before = {name: self._seen_by(node, name) for name in inputs}
        model = export_onnx(self._part(nodes)).SerializeToString()
        self._float.update(self._run(model, nodes, inputs))
        data = LayerData(
            node=node,
            activation=self._fused.get(node.outputs[0]),
            inputs=inputs,
            quantized_inputs=before,
            output=self._float[nodes[-1].outputs[0]],
        )
        self.quantized = visit(self.quantized, data)
        model = write_onnx_int8(replace(self.quantized, graph=self._part(nodes)))
        for name, values in self._run(model, nodes, before).items():
            self._seen[name] = self._stored(name, values)
        for name in [each for each in self._float if self._last.get(each, -1) <= self._at]:
            del self._float[name], self._seen[name]
        self._at += 1

    def _group(self, node: Node) -> tuple[Node, ...]:
        after = self._fused.get(node.outputs[0])
        return (node,) if after is None else (node, after)

    def _data_inputs(self, node: Node) -> list[str]:
        constants = self.quantized.graph.constants
        return list(dict.fromkeys(name for name in node.inputs if name and name not in constants))

    def _part(self, nodes: tuple[Node, ...]) -> FloatGraph:
        """One layer as a graph of its own."""
        graph = self.quantized.graph
        used = {name for node in nodes for name in node.inputs if name}
        names = {name for node in nodes for name in (*node.inputs, *node.outputs) if name}
        return replace(
            graph,
            nodes=nodes,
            inputs=tuple(self._data_inputs(nodes[0])),
            outputs=tuple(name for name in nodes[-1].outputs if name),
            constants={name: graph.constants[name] for name in used if name in graph.constants},
            shapes={name: graph.shapes[name] for name in names if name in graph.shapes},
            dtypes={name: graph.dtypes[name] for name in names if name in graph.dtypes},
        )

    def _run(
        self, model: bytes, nodes: tuple[Node, ...], inputs: Mapping[str, Batch]
    ) -> dict[str, Batch]:
        session = open_session(model)
        outputs = [name for name in nodes[-1].outputs if name]
        shapes = self.quantized.graph.shapes
        found = {
            name: np.empty((self._count, *shapes[name]), self.quantized.graph.dtype(name))
            for name in outputs
        }
        for at in range(self._count):
            each = {name: values[at] for name, values in inputs.items()}
            for name, values in zip(outputs, run_session(session, outputs, each), strict=True):
                found[name][at] = values
        return found

    def _stored(self, name: str, values: Batch) -> Batch:
        """What an INT8 node wrote as bytes, all else as it is."""
        producer = self.quantized.graph.producer(name)
        is_integer = producer is not None and self.quantized.precision(producer) is Precision.INT8
        params = self.quantized.activations.get(name)
        if params is None or not is_integer or values.dtype != np.float32:
            return values
        return _rounded(values, params)

    def _seen_by(self, node: Node, name: str) -> Batch:
        """A tensor as a node reads it: from its bytes, or rounded to them."""
        params = self.quantized.activations.get(name)
        values = self._seen[name]
        if params is None or (
            values.dtype != np.uint8 and self.quantized.precision(node) is not Precision.INT8
        ):
            return values
        if values.dtype != np.uint8:
            values = _rounded(values, params)
        found = values.astype(np.float32)
        found -= np.float32(params.zero_point)
        found *= np.float32(params.scale)
        return found


def _rounded(values: Batch, params: ActivationParams) -> NDArray[np.uint8]:
    """As `quantize_activation`, with less memory for large batches."""
    steps = values / np.float32(params.scale)
    np.rint(steps, out=steps)
    steps += np.float32(params.zero_point)
    np.clip(steps, 0, 255, out=steps)
    found: NDArray[np.uint8] = steps.astype(np.uint8)
    return found
