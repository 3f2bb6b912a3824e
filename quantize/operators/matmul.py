"""MatMul of two activations, or with a constant that is no matrix; both of rank 2 or more."""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, Operator

__all__ = ["MATMUL"]

MATMUL = Operator("MatMul", takes_constant=True, precisions=FLOAT_ONLY)
