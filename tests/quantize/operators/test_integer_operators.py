"""Every operator with an integer form, between two integer convolutions: both files stay close."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tiny_onnx_models as tiny
from numpy.typing import NDArray
from signal_to_noise import centred_snr_db
from tflite_cases import interpreter

from quantize.calibration import calibrate
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.precision_plan import plan_precisions
from quantize.quantized_graph import Precision
from quantize.quantizer import quantize_graph
from quantize.tflite_model import stored_axes, write_tflite

Middle = Callable[[tiny.ModelBuilder], tuple[str, int]]
SHAPE = (1, 3, 12, 12)
EXAMPLES = tiny.pictures(24, SHAPE)


def alone(op: str, channels: int = 8, **attributes: object) -> Middle:
    """One operator that keeps its shape; `channels` are what the next layer reads."""

    def build(model: tiny.ModelBuilder) -> tuple[str, int]:
        return model.node(op, ["a"], "middle", **attributes), channels

    build.__name__ = op
    return build


def with_constants(op: str, *constants: object, channels: int = 8, **attributes: object) -> Middle:
    def build(model: tiny.ModelBuilder) -> tuple[str, int]:
        names = [
            model.constant(f"k{at}", each, np.float32 if isinstance(each, float) else np.int64)
            for at, each in enumerate(constants)
        ]
        return model.node(op, ["a", *names], "middle", **attributes), channels

    build.__name__ = op
    return build


def leaky_relu(model: tiny.ModelBuilder) -> tuple[str, int]:
    return model.node("LeakyRelu", ["a"], "middle", alpha=0.2), 8


def clip(model: tiny.ModelBuilder) -> tuple[str, int]:
    low, high = model.constant("low", -0.5), model.constant("high", 1.0)
    return model.node("Clip", ["a", low, high], "middle"), 8


def add_and_mul(model: tiny.ModelBuilder) -> tuple[str, int]:
    model.node("Sigmoid", ["a"], "gate")
    model.node("Mul", ["a", "gate"], "gated")
    return model.node("Add", ["a", "gated"], "middle"), 8


def split_and_join(model: tiny.ModelBuilder) -> tuple[str, int]:
    sizes = model.constant("sizes", [3, 5], np.int64)
    model.nodes.append(
        tiny.helper.make_node("Split", ["a", sizes], ["first", "second"], name="split", axis=1)
    )
    model.node("Relu", ["first"], "bent")
    return model.node("Concat", ["second", "bent"], "middle", axis=1), 8


def nearest(model: tiny.ModelBuilder) -> tuple[str, int]:
    scales = model.constant("scales", [1, 1, 2, 2])
    where = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return model.node("Resize", ["a", "", scales], "middle", mode="nearest", **where), 8


def up_convolution(model: tiny.ModelBuilder) -> tuple[str, int]:
    weight = model.weight("up", (8, 6, 4, 4))
    model.node("ConvTranspose", ["a", weight], "up_out", strides=[2, 2], pads=[1] * 4)
    return model.node("Relu", ["up_out"], "middle"), 6


def channel_shuffle(model: tiny.ModelBuilder) -> tuple[str, int]:
    apart = model.constant("apart", [1, 2, 4, 12, 12], np.int64)
    together = model.constant("together", [1, 8, 12, 12], np.int64)
    model.node("Reshape", ["a", apart], "groups")
    model.node("Transpose", ["groups"], "turned", perm=[0, 2, 1, 3, 4])
    return model.node("Reshape", ["turned", together], "middle"), 8


MIDDLES: list[Middle] = [
    leaky_relu,
    clip,
    add_and_mul,
    split_and_join,
    nearest,
    up_convolution,
    channel_shuffle,
    alone("Relu"),
    alone("Sigmoid"),
    alone("HardSwish"),
    alone("HardSigmoid"),
    alone("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
    alone("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    alone("GlobalAveragePool"),
    alone("GlobalMaxPool"),
    alone("DepthToSpace", 2, blocksize=2),
    alone("SpaceToDepth", 32, blocksize=2),
    alone("Transpose", perm=[0, 1, 3, 2]),
    with_constants("Pad", [0, 0, 1, 2, 0, 0, 2, 1]),
    with_constants("Slice", [1, 2], [7, 9], [2, 3], [1, 2]),
    with_constants("Tile", [1, 1, 2, 1]),
    with_constants("Mul", 0.7),
    with_constants("Sub", 0.3),
]


def network(middle: Middle) -> FloatGraph:
    model = tiny.ModelBuilder(seed=4)
    model.conv("image", "a", (3, 8))
    output, channels = middle(model)
    model.conv(output, "b", (channels, 6), kernel=1)
    model.node("GlobalAveragePool", ["b"], "pooled")
    model.node("Flatten", ["pooled"], "flat")
    model.gemm("flat", "scores", (6, 4))
    return import_model(model.model({"image": SHAPE}, {"scores": (1, 4)}))


def tflite_answers(graph: FloatGraph, content: bytes) -> NDArray[np.float32]:
    engine = interpreter(content)
    axes = stored_axes(graph)["image"]
    found = []
    for each in EXAMPLES:
        value = np.ascontiguousarray(each["image"].transpose(axes))
        engine.set_tensor(engine.get_input_details()[0]["index"], value)
        engine.invoke()
        found.append(engine.get_tensor(engine.get_output_details()[0]["index"]).copy())
    return np.concatenate(found)


@pytest.mark.parametrize("middle", MIDDLES, ids=lambda each: each.__name__)
def test_an_integer_operator_loses_little_in_both_files(middle: Middle) -> None:
    graph = network(middle)
    plan = plan_precisions(graph)
    assert set(plan.values()) == {Precision.INT8}
    quantized = quantize_graph(graph, calibrate(graph, EXAMPLES, precisions=plan), plan)
    source = open_session(export_onnx(graph).SerializeToString(), threads=1)
    integer = open_session(write_onnx_int8(quantized), threads=1)
    reference, found = (
        np.concatenate([run_session(session, ["scores"], each)[0] for each in EXAMPLES])
        for session in (source, integer)
    )
    assert centred_snr_db(reference, found) > 20
    content = write_tflite(quantized, io="float32")
    assert centred_snr_db(reference, tflite_answers(graph, content)) > 20
