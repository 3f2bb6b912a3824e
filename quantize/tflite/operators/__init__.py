"""Which ONNX operators the TFLite writer takes: `OPERATORS` is the one list.

A file is one operator or a tight group, and states the TFLite constraints that it upholds.
An emitter raises `UnsupportedInputError` for what it cannot write exactly; the writer puts the
node's name before the message and collects the messages of all nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantize.graph import Node
from quantize.tflite.lowering import Lowering
from quantize.tflite.operators.activations import emit_activation
from quantize.tflite.operators.concat import emit_concat
from quantize.tflite.operators.conv import emit_conv
from quantize.tflite.operators.elementwise import emit_add, emit_mul
from quantize.tflite.operators.gemm import emit_gemm
from quantize.tflite.operators.pad import emit_pad
from quantize.tflite.operators.pooling import emit_average_pool, emit_max_pool
from quantize.tflite.operators.probability import emit_sigmoid, emit_softmax
from quantize.tflite.operators.reduce import emit_global_average_pool
from quantize.tflite.operators.reshape import emit_reshape

__all__ = ["OPERATORS", "Emitter"]

Emitter = Callable[[Lowering, Node], None]

OPERATORS: Mapping[str, Emitter] = {
    "Add": emit_add,
    "AveragePool": emit_average_pool,
    "Clip": emit_activation,
    "Concat": emit_concat,
    "Conv": emit_conv,
    "Flatten": emit_reshape,
    "Gemm": emit_gemm,
    "GlobalAveragePool": emit_global_average_pool,
    "MaxPool": emit_max_pool,
    "Mul": emit_mul,
    "Pad": emit_pad,
    "Relu": emit_activation,
    "Reshape": emit_reshape,
    "Sigmoid": emit_sigmoid,
    "Softmax": emit_softmax,
}
