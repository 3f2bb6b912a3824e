"""Activations other than clamps and probabilities.

`Elu` has alpha = 1 (a pass sees to it). `Gelu` is ONNX's of opset 20, attribute `approximate`
("none" or "tanh"). The slope of a `PRelu` is a constant, one value a channel (axis 1) or one in
all, of shape (channels, 1, ...) that broadcasts to the input.
"""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, Operator

__all__ = ["ELU", "GELU", "LEAKY_RELU", "PRELU"]

LEAKY_RELU = Operator("LeakyRelu")
PRELU = Operator("PRelu", parameters=frozenset({1}), precisions=FLOAT_ONLY)
ELU = Operator("Elu", precisions=FLOAT_ONLY)
GELU = Operator("Gelu", precisions=FLOAT_ONLY)
