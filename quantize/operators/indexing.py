"""Reading at computed positions: embedding tables and the like. Positions are int64 or int32."""

from __future__ import annotations

from quantize.operators.base import FLOAT_ONLY, Operator

__all__ = ["GATHER", "GATHER_ND"]

GATHER = Operator("Gather", takes_constant=True, precisions=FLOAT_ONLY)
GATHER_ND = Operator("GatherND", takes_constant=True, precisions=FLOAT_ONLY)
