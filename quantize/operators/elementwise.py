"""Add and Mul, and the arithmetic of two tensors that stays in float.

Either operand may be a constant. Integer tensors (positions, lengths) may meet here too.
"""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, Operator
from quantize.operators.conditions import operand_fault

__all__ = ["ADD", "DIV", "MAX", "MIN", "MUL", "POW", "SUB"]

ADD = Operator("Add", takes_constant=True, find_fault=operand_fault)
MUL = Operator("Mul", takes_constant=True, find_fault=operand_fault)


def _float(op: str) -> Operator:
    return Operator(op, takes_constant=True, find_fault=operand_fault, precisions=FLOAT_ONLY)


SUB = _float("Sub")
DIV = _float("Div")
MAX = _float("Max")
MIN = _float("Min")
POW = Operator("Pow", takes_constant=True, precisions=FLOAT_ONLY)
