"""The operators that are quantized: one file each, and this list is the one truth.

To add an operator: write its file, name it here, and give the TFLite writer its rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from quantize.operators.base import Operator
from quantize.operators.clamp import CLIP, RELU
from quantize.operators.conv import CONV
from quantize.operators.elementwise import ADD, MUL
from quantize.operators.gemm import GEMM
from quantize.operators.layout import CONCAT, PAD, RESHAPE
from quantize.operators.pixels import DEQUANTIZE_LINEAR
from quantize.operators.pooling import AVERAGE_POOL, GLOBAL_AVERAGE_POOL, MAX_POOL
from quantize.operators.probability import SIGMOID, SOFTMAX

__all__ = ["OPERATORS", "Operator"]

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        each.op: each
        for each in (
            ADD,
            AVERAGE_POOL,
            CLIP,
            CONCAT,
            CONV,
            DEQUANTIZE_LINEAR,
            GEMM,
            GLOBAL_AVERAGE_POOL,
            MAX_POOL,
            MUL,
            PAD,
            RELU,
            RESHAPE,
            SIGMOID,
            SOFTMAX,
        )
    }
)
