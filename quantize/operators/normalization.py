"""LayerNormalization over the last axis: (x, scale, bias), both constants of that axis' size."""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, Operator
from quantize.operators.conditions import last_axis_fault

__all__ = ["LAYER_NORMALIZATION"]

LAYER_NORMALIZATION = Operator(
    "LayerNormalization",
    parameters=frozenset({1, 2}),
    find_fault=last_axis_fault,
    precisions=FLOAT_ONLY,
)
