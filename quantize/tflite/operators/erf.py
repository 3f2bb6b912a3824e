"""Erf, for which TFLite has no operator of its own.

GELU is exact (its kernel computes the error function itself), so from

    gelu(z) = z / 2 * (1 + erf(z / sqrt(2)))

it follows that erf(a) = 2 * gelu(z) / z - 1 with z = sqrt(2) * a for a > 0, and erf is odd. With
a = max(|x|, 1e-20) nothing is divided by zero; the error is that of float32 near 1, about 1e-7,
where the polynomial of Abramowitz and Stegun (7.1.26) leaves 1.5e-7.
"""

from __future__ import annotations

import math

import numpy as np

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.model_builder import Operation
from quantize.tflite.operators.elementwise import binary
from quantize.tflite.operators.unary import unary

__all__ = ["emit_erf"]

_SMALLEST = 1e-20


def emit_erf(lowering: Lowering, node: Node) -> None:
    """Write the error function."""
    name = node.outputs[0]
    source = lowering.read(node, 0, lowering.order(name))
    shape = lowering.builder.tensor(source).shape

    def step(operation: Operation, kind: str) -> int:
        return lowering.derived(operation, f"{name}:{kind}", shape, source)

    def constant(value: float) -> int:
        return lowering.add_constant(f"{value:g}", np.array(value, np.float32))

    size = step(unary("ABS", source), "absolute")
    size = step(binary(lowering, "MAXIMUM", (size, constant(_SMALLEST))), "size")
    argument = step(binary(lowering, "MUL", (size, constant(math.sqrt(2)))), "argument")
    gelu = step(Operation("GELU", 1, (argument,), "GeluOptions", {"approximate": False}), "gelu")
    half = step(binary(lowering, "DIV", (gelu, argument)), "half")
    whole = step(binary(lowering, "MUL", (half, constant(2.0))), "whole")
    positive = step(binary(lowering, "SUB", (whole, constant(1.0))), "positive")
    sign = step(binary(lowering, "DIV", (source, size)), "sign")
    lowering.write(binary(lowering, "MUL", (positive, sign)), name)
