"""One calibrated graph, from which both writers write.

A `QuantizedGraph` fixes every number that int8 inference depends on, so that the int8 ONNX and
the int8 TFLite differ in encoding only:

- activations: affine, per tensor, 8 bit. `ActivationParams` is stated for uint8
  (0..255); the int8 form is the same scale with `zero_point - 128`.
- weights: symmetric int8 in -127..127, per output channel (axis 0 of ONNX weights; for
  Gemm after the import pass, weights are [out, in], transB=1).
- biases: int32 with scale `input scale * weight scale[channel]`, zero point 0.

An activation (`Relu`, `Clip`) that follows a Conv, Gemm or Add of the same precision is fused: its
node stays in `graph`, the tensor between has no entry in `activations`, and the fused output's
range lies inside the activation's range.

Precision is chosen node by node. A tensor that an INT8 node writes is stored in 8 bit, and float
nodes read it dequantized; a tensor that a FLOAT or DYNAMIC node writes, and a graph input, is
float32, and INT8 nodes read it quantized by its entry in `activations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph, Node

__all__ = ["ActivationParams", "Precision", "QuantizedGraph", "QuantizedWeight", "float_form"]


class Precision(str, Enum):
    """How a node computes.

    INT8: integers in and out, with parameters fixed by calibration. DYNAMIC: int8 weights, and
    float32 activations that the engine quantizes anew each time by what it meets. FLOAT: float32.
    """

    INT8 = "int8"
    DYNAMIC = "dynamic"
    FLOAT = "float32"


@dataclass(frozen=True, slots=True)
class ActivationParams:
    """Affine parameters of an activation tensor: real = scale * (q - zero_point), q in 0..255."""

    scale: float
    zero_point: int

    @property
    def int8_zero_point(self) -> int:
        """Zero point of the same parameters on -128..127."""
        return self.zero_point - 128


@dataclass(frozen=True, slots=True)
class QuantizedWeight:
    """A weight or a bias as integers.

    Attributes:
        values: int8 weights in -127..127, or int32 biases, in the ONNX shape.
        scale: float32, one a channel of axis 0 (shape (channels,)); weights that are not per
            channel have shape (1,). Weights of a DYNAMIC layer have one a row: all axes but the
            last, flattened.
    """

    values: NDArray[np.int8] | NDArray[np.int32]
    scale: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QuantizedGraph:
    """The float graph and every integer parameter of its int8 form.

    Attributes:
        graph: the clean float graph.
        activations: parameters of every activation tensor that an INT8 node reads or writes,
            except tensors inside a fusion. Constant operands of INT8 Add and Mul (not weights)
            have an entry here too.
        weights: by constant name; weights and biases of INT8 layers, weights (not biases) of
            DYNAMIC layers.
        precisions: by node name; INT8 for those not named.
    """

    graph: FloatGraph
    activations: Mapping[str, ActivationParams]
    weights: Mapping[str, QuantizedWeight]
    precisions: Mapping[str, Precision] = field(default_factory=dict)

    def precision(self, node: Node) -> Precision:
        """How a node computes."""
        return self.precisions.get(node.name, Precision.INT8)


def float_form(graph: FloatGraph) -> QuantizedGraph:
    """The graph with nothing quantized, for the writers."""
    return QuantizedGraph(
        graph=graph,
        activations={},
        weights={},
        precisions={node.name: Precision.FLOAT for node in graph.nodes},
    )
