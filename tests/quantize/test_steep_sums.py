"""A sum whose operand is far coarser than its output: integers overflow, so it stays in float."""

import numpy as np
import tiny_onnx_models as tiny

from quantize.calibration import calibrate
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import Precision
from quantize.quantizer import quantize_graph
from quantize.tflite_model import write_tflite


def wide_hard_swish() -> object:
    """A convolution with outputs in the thousands before a hard-swish, whose gate ends at 6."""
    model = tiny.ModelBuilder()
    model.constant("w", model.random.normal(0, 3000, (4, 3, 1, 1)))
    model.node("Conv", ["image", "w"], "wide")
    model.node("HardSwish", ["wide"], "swished")
    model.node("GlobalAveragePool", ["swished"], "pooled")
    model.node("Flatten", ["pooled"], "out")
    return model.model({"image": (1, 3, 8, 8)}, {"out": None})


def test_both_engines_agree_where_fixed_point_would_overflow() -> None:
    graph = import_model(wide_hard_swish())
    examples = tiny.pictures(16, (1, 3, 8, 8))
    quantized = quantize_graph(graph, calibrate(graph, examples))
    left = {node.op for node in graph.nodes if quantized.precision(node) is Precision.FLOAT}
    assert {"Add", "Clip"} <= left
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=write_tflite(quantized, io="float32"), num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    float_session = open_session(export_onnx(graph).SerializeToString())
    int8_session = open_session(write_onnx_int8(quantized))
    for example in examples:
        interpreter.set_tensor(source, example["image"].transpose(0, 2, 3, 1))
        interpreter.invoke()
        (wanted,) = run_session(float_session, ["out"], example)
        (found,) = run_session(int8_session, ["out"], example)
        step = quantized.activations["out"].scale
        np.testing.assert_allclose(interpreter.get_tensor(target), found, atol=1.01 * step)
        np.testing.assert_allclose(found, wanted, atol=4 * step)
