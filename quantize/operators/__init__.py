"""The canonical operators: one file a group, and this list is the one truth.

To add an operator: write it into its group's file, name it here, and give the TFLite writer its
rule. What ONNX has beyond these is turned into them by `quantize.passes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from quantize.operators.activation import ELU, GELU, LEAKY_RELU, PRELU
from quantize.operators.base import Operator
from quantize.operators.clamp import CLIP, RELU
from quantize.operators.conv import CONV
from quantize.operators.elementwise import ADD, DIV, MAX, MIN, MUL, POW, SUB
from quantize.operators.gemm import GEMM
from quantize.operators.indexing import GATHER, GATHER_ND
from quantize.operators.layout import (
    CONCAT,
    DEPTH_TO_SPACE,
    PAD,
    RESHAPE,
    SLICE,
    SPACE_TO_DEPTH,
    TILE,
    TRANSPOSE,
)
from quantize.operators.logic import CAST, LOGIC, WHERE
from quantize.operators.matmul import MATMUL
from quantize.operators.normalization import LAYER_NORMALIZATION
from quantize.operators.pixels import DEQUANTIZE_LINEAR
from quantize.operators.pooling import AVERAGE_POOL, GLOBAL_AVERAGE_POOL, MAX_POOL
from quantize.operators.probability import LOG_SOFTMAX, SIGMOID, SOFTMAX
from quantize.operators.recurrent import GRU, LSTM, RNN
from quantize.operators.reduction import ARG_MAX, ARG_MIN, CUM_SUM, REDUCTIONS, TOP_K
from quantize.operators.resize import RESIZE
from quantize.operators.unary import UNARY

__all__ = ["OPERATORS", "Operator"]

_LAYERS = (CONV, GEMM, MATMUL, LSTM, GRU, RNN, LAYER_NORMALIZATION)
_POOLING = (AVERAGE_POOL, GLOBAL_AVERAGE_POOL, MAX_POOL)
_ACTIVATIONS = (CLIP, ELU, GELU, LEAKY_RELU, LOG_SOFTMAX, PRELU, RELU, SIGMOID, SOFTMAX)
_ARITHMETIC = (ADD, DIV, MAX, MIN, MUL, POW, SUB, *UNARY, *LOGIC, WHERE, CAST)
_REDUCTIONS = (*REDUCTIONS, ARG_MAX, ARG_MIN, CUM_SUM, TOP_K)
_MOVES = (CONCAT, DEPTH_TO_SPACE, PAD, RESHAPE, RESIZE, SLICE, SPACE_TO_DEPTH, TILE, TRANSPOSE)
_INDEXING = (GATHER, GATHER_ND, DEQUANTIZE_LINEAR)

OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        each.op: each
        for each in (
            *_LAYERS,
            *_POOLING,
            *_ACTIVATIONS,
            *_ARITHMETIC,
            *_REDUCTIONS,
            *_MOVES,
            *_INDEXING,
        )
    }
)
