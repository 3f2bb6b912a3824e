"""How the doctor's two tiny models were made: one int8 product of a vector and a matrix.

    python tests/edge/doctor/tiny_model_recipe.py

prints them as they stand in `edge/doctor/tiny_models.py`. A vector of 16 whole numbers from -8 to
7 is multiplied by a 16 x 4 matrix of whole numbers from -5 to 5, and the sums are divided by 8.
"""

from __future__ import annotations

import base64
import sys
import textwrap
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(Path(__file__).parents[1]))
from litert_samples import _CODES, _OPTIONS, TfliteSketch, schema

__all__ = ["WEIGHTS", "expected_sums", "make_onnx", "make_tflite"]

ROWS, COLUMNS, SUM_SCALE = 16, 4, 8.0
WEIGHTS: NDArray[np.int8] = np.array(
    [[(row * 3 + column * 7) % 11 - 5 for column in range(COLUMNS)] for row in range(ROWS)],
    dtype=np.int8,
)
UNSIGNED_ZERO = 128


def expected_sums() -> list[int]:
    """What both models answer, in their output's steps away from zero."""
    vector = np.arange(ROWS) - ROWS // 2
    return [round(value) for value in vector @ WEIGHTS.astype(int) / SUM_SCALE]


def make_onnx() -> bytes:
    """The ONNX model: x uint8 [1, 16] -> y uint8 [1, 4], both with zero at 128."""
    constants = {
        "one": np.float32(1),
        "eight": np.float32(SUM_SCALE),
        "zero": np.uint8(UNSIGNED_ZERO),
        "w": WEIGHTS,
        "w_zero": np.int8(0),
    }
    node = helper.make_node(
        "QLinearMatMul", ["x", "one", "zero", "w", "one", "w_zero", "eight", "zero"], ["y"]
    )
    graph = helper.make_graph(
        [node],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, ROWS])],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [1, COLUMNS])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    model.producer_name = "edgedx"
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_tflite() -> bytes:
    """The TFLite model: x int8 [1, 16] -> y int8 [1, 4], both with zero at 0."""
    sketch = TfliteSketch()
    x = sketch.tensor("x", (1, ROWS), "int8", scale=(1.0, 0))
    weights = sketch.constant("w", np.ascontiguousarray(WEIGHTS.T))
    bias = sketch.constant("b", np.zeros(COLUMNS, np.int32))
    for index in (weights, bias):
        quantization = schema.QuantizationParametersT()
        quantization.scale, quantization.zeroPoint = [1.0], [0]
        sketch._tensors[index].quantization = quantization
    y = sketch.tensor("y", (1, COLUMNS), "int8", scale=(SUM_SCALE, 0))
    options = schema.FullyConnectedOptionsT()
    sketch.operator(
        _CODES.FULLY_CONNECTED,
        [x, weights, bias],
        [y],
        (_OPTIONS.FullyConnectedOptions, options),
    )
    sketch._codes[0].version = 4
    return sketch.data([x], [y])


if __name__ == "__main__":
    for made in (make_onnx(), make_tflite()):
        sys.stdout.write("\n".join(textwrap.wrap(base64.b64encode(made).decode(), 88)) + "\n\n")
