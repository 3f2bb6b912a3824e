"""The float graph that every pass, calibration and both writers work on.

It has ONNX semantics (operator names, attributes and NCHW layout of ONNX opset 17; inputs that
ONNX makes optional are ""), static shapes, and single assignment: every tensor is a graph input,
a constant, or the output of exactly one node. Nodes are in topological order. Tensors are float32
but for those that `dtypes` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

__all__ = ["FloatGraph", "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Attributes:
        op: ONNX operator name ("Conv", "Add", ...).
        inputs: tensor names; "" stands for an absent optional input.
        outputs: tensor names.
        attributes: ONNX attributes as Python values (int, float, str, tuple of those, ndarray).
        name: unique within the graph; used in messages.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class FloatGraph:
    """A whole model.

    Attributes:
        nodes: in topological order.
        inputs: names of the graph's inputs.
        outputs: names of the graph's outputs.
        constants: weights and other constants by name (float32, int64 or bool).
        shapes: static shape of every tensor that is not a constant, batch first.
        dtypes: numpy name of the element type ("int64", "int32", "bool", "uint8") of the tensors
            that are not float32; constants say it themselves.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, NDArray[Any]]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str] = field(default_factory=dict)

    def dtype(self, name: str) -> str:
        """Numpy name of any tensor's element type, constants included."""
        if name in self.constants:
            return str(self.constants[name].dtype)
        return self.dtypes.get(name, "float32")

    def is_float(self, name: str) -> bool:
        """Whether a tensor is float32: only those are calibrated and quantized."""
        return self.dtype(name) == "float32"

    def shape(self, name: str) -> tuple[int, ...]:
        """Static shape of any tensor, constants included."""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        return self.shapes[name]

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a tensor."""
        return tuple(node for node in self.nodes if name in node.inputs)

    def producer(self, name: str) -> Node | None:
        """The node that writes a tensor; None for inputs and constants."""
        return next((node for node in self.nodes if name in node.outputs), None)
