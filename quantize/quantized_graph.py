"""One calibrated graph, from which both writers write.

A `QuantizedGraph` fixes every number that int8 inference depends on, so that the int8 ONNX and
the int8 TFLite differ in encoding only:

- activations: affine, per tensor, 8 bit. `ActivationParams` is stated for uint8
  (0..255); the int8 form is the same scale with `zero_point - 128`.
- weights: symmetric int8 in -127..127, per output channel (axis 0 of ONNX weights; for
  Gemm after the import pass, weights are [out, in], transB=1).
- biases: int32 with scale `input scale * weight scale[channel]`, zero point 0.

An activation (`Relu`, `Clip`) that follows a Conv, Gemm or Add is fused: its node stays in
`graph`, the tensor between has no entry in `activations`, and the fused output's range lies
inside the activation's range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph

__all__ = ["ActivationParams", "QuantizedGraph", "QuantizedWeight"]


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
            channel have shape (1,).
    """

    values: NDArray[np.int8] | NDArray[np.int32]
    scale: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QuantizedGraph:
    """The float graph and every integer parameter of its int8 form.

    Attributes:
        graph: the clean float graph.
        activations: parameters of every activation tensor that is materialised in int8:
            graph inputs, graph outputs and everything between, except tensors inside a fusion.
            Constant operands of Add and Mul (not weights) have an entry here too.
        weights: by constant name; Conv and Gemm weights and biases.
    """

    graph: FloatGraph
    activations: Mapping[str, ActivationParams]
    weights: Mapping[str, QuantizedWeight]
