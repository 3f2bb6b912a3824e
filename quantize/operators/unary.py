"""Functions of one value: float, since their integer forms are tables that no engine shares."""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, Operator

__all__ = ["UNARY"]

UNARY: tuple[Operator, ...] = tuple(
    Operator(op, precisions=FLOAT_ONLY)
    for op in (
        "Abs",
        "Ceil",
        "Cos",
        "Erf",
        "Exp",
        "Floor",
        "Log",
        "Neg",
        "Round",
        "Sign",
        "Sin",
        "Sqrt",
        "Tanh",
    )
)
