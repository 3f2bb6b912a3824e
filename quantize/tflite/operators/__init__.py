"""Which ONNX operators the TFLite writer takes: `OPERATORS` is the one list.

A file is one operator or a tight group, and states the TFLite constraints that it upholds.
An emitter raises `UnsupportedInputError` for what it cannot write exactly; the writer puts the
node's name before the message and collects the messages of all nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.operators.activations import (
    emit_clamp,
    emit_elu,
    emit_gelu,
    emit_leaky_relu,
    emit_prelu,
)
from quantize.tflite.operators.concat import emit_concat
from quantize.tflite.operators.conv import emit_conv
from quantize.tflite.operators.conv_transpose import emit_conv_transpose
from quantize.tflite.operators.depth_space import emit_depth_to_space, emit_space_to_depth
from quantize.tflite.operators.elementwise import (
    emit_arithmetic,
    emit_extremum,
    emit_mean,
    emit_pow,
    emit_sum,
)
from quantize.tflite.operators.erf import emit_erf
from quantize.tflite.operators.gemm import emit_gemm
from quantize.tflite.operators.logic import (
    emit_binary_logic,
    emit_cast,
    emit_not,
    emit_where,
)
from quantize.tflite.operators.matmul import emit_matmul
from quantize.tflite.operators.normalization import (
    emit_layer_normalization,
    emit_lp_normalization,
    emit_lrn,
)
from quantize.tflite.operators.pad import emit_pad
from quantize.tflite.operators.pixels import emit_dequantize_linear
from quantize.tflite.operators.pooling import emit_average_pool, emit_max_pool
from quantize.tflite.operators.probability import emit_log_softmax, emit_sigmoid, emit_softmax
from quantize.tflite.operators.reduce import emit_arg, emit_global_pool, emit_reduce
from quantize.tflite.operators.reshape import (
    emit_expand,
    emit_reshape,
    emit_tile,
    emit_transpose,
)
from quantize.tflite.operators.resize import emit_resize
from quantize.tflite.operators.selection import emit_cum_sum, emit_one_hot, emit_top_k
from quantize.tflite.operators.slicing import emit_gather, emit_gather_nd, emit_slice
from quantize.tflite.operators.unary import emit_reciprocal, emit_unary

__all__ = ["OPERATORS", "Emitter"]

Emitter = Callable[[Lowering, Node], None]

OPERATORS: Mapping[str, Emitter] = {
    "AveragePool": emit_average_pool,
    "Cast": emit_cast,
    "Clip": emit_clamp,
    "Concat": emit_concat,
    "Conv": emit_conv,
    "ConvTranspose": emit_conv_transpose,
    "CumSum": emit_cum_sum,
    "DepthToSpace": emit_depth_to_space,
    "DequantizeLinear": emit_dequantize_linear,
    "Elu": emit_elu,
    "Erf": emit_erf,
    "Expand": emit_expand,
    "Gather": emit_gather,
    "GatherND": emit_gather_nd,
    "Gelu": emit_gelu,
    "Gemm": emit_gemm,
    "LRN": emit_lrn,
    "LayerNormalization": emit_layer_normalization,
    "LeakyRelu": emit_leaky_relu,
    "LogSoftmax": emit_log_softmax,
    "LpNormalization": emit_lp_normalization,
    "MatMul": emit_matmul,
    "MaxPool": emit_max_pool,
    "Mean": emit_mean,
    "Not": emit_not,
    "OneHot": emit_one_hot,
    "PRelu": emit_prelu,
    "Pad": emit_pad,
    "Pow": emit_pow,
    "Reciprocal": emit_reciprocal,
    "Relu": emit_clamp,
    "Sigmoid": emit_sigmoid,
    "Slice": emit_slice,
    "Softmax": emit_softmax,
    "SpaceToDepth": emit_space_to_depth,
    "Sum": emit_sum,
    "Tile": emit_tile,
    "TopK": emit_top_k,
    "Transpose": emit_transpose,
    "Where": emit_where,
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), emit_arithmetic),
    **dict.fromkeys(("ArgMax", "ArgMin"), emit_arg),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), emit_reshape),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), emit_global_pool),
    **dict.fromkeys(("Max", "Min"), emit_extremum),
    **dict.fromkeys(("Resize", "Upsample"), emit_resize),
    **dict.fromkeys(
        ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"), emit_reduce
    ),
    **dict.fromkeys(
        ("And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor"),
        emit_binary_logic,
    ),
    **dict.fromkeys(
        (
            "Abs",
            "Ceil",
            "Cos",
            "Exp",
            "Floor",
            "HardSwish",
            "Log",
            "Neg",
            "Round",
            "Sign",
            "Sin",
            "Sqrt",
            "Tanh",
        ),
        emit_unary,
    ),
}
