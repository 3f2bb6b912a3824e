"""Pixels in place of normalised floats: the same function, computed by nothing where it can be."""

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.bundle.manifest import ImageInput, Resize
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session
from quantize.pixel_input import take_pixels

SIZE = 16


def picture(layout: str = "NCHW", **normalisation: object) -> ImageInput:
    shape = (1, 3, SIZE, SIZE) if layout == "NCHW" else (1, SIZE, SIZE, 3)
    return ImageInput(
        name="image",
        shape=shape,
        layout=layout,
        colour="rgb",
        resize=Resize(width=SIZE, height=SIZE),
        **normalisation,
    )


def network(*, pads: int, layout: str = "NCHW") -> FloatGraph:
    build = tiny.ModelBuilder()
    source = "image"
    if layout == "NHWC":
        source = build.node("Transpose", ["image"], "channels_first", perm=[0, 3, 1, 2])
    build.conv(source, "conv", (3, 4), pads=[pads] * 4)
    build.node("Relu", ["conv"], "relu")
    build.node("GlobalAveragePool", ["relu"], "pooled")
    build.node("Flatten", ["pooled"], "out")
    return import_model(build.model({"image": picture(layout).shape}, {"out": None}))


def answer(graph: FloatGraph, values: np.ndarray) -> np.ndarray:
    session = open_session(export_onnx(graph).SerializeToString())
    return run_session(session, ["out"], {"image": values})[0]


ONE_A_CHANNEL = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
ON_THE_GRID = [
    pytest.param({"scale": 1 / 255}, id="pixels / 255"),
    pytest.param({"mean": (127.0,), "std": (128.0,)}, id="127 and 128"),
]
OFF_THE_GRID = [
    pytest.param({"scale": 1 / 127.5, "mean": (1.0,)}, id="half a pixel off"),
    pytest.param(ONE_A_CHANNEL, id="one a channel"),
]


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize("normalisation", ON_THE_GRID + OFF_THE_GRID)
def test_a_graph_of_pixels_answers_as_the_graph_of_normalised_values(
    normalisation: dict, pads: int, layout: str
) -> None:
    spec = picture(layout, **normalisation)
    graph = network(pads=pads, layout=layout)
    taking = take_pixels(graph, spec)
    assert taking.dtype("image") == "uint8"
    assert taking.shapes["image"] == spec.shape
    pixels = np.random.default_rng(1).integers(0, 256, spec.shape).astype(np.uint8)
    axis = (1, 3, 1, 1) if layout == "NCHW" else (1, 1, 1, 3)
    mean, std = (
        np.broadcast_to(np.array(each, np.float64), (3,)).reshape(axis)
        for each in (spec.mean, spec.std)
    )
    normalised = ((pixels * spec.scale - mean) / std).astype(np.float32)
    np.testing.assert_allclose(
        answer(taking, pixels), answer(graph, normalised), rtol=1e-4, atol=1e-5
    )


def operators_added(graph: FloatGraph, normalisation: dict) -> list[str]:
    after = [node.op for node in take_pixels(graph, picture(**normalisation)).nodes]
    for node in graph.nodes:
        after.remove(node.op)
    return sorted(after)


@pytest.mark.parametrize("normalisation", ON_THE_GRID)
def test_pixels_that_are_the_quantized_input_cost_no_layer(normalisation: dict) -> None:
    assert operators_added(network(pads=1), normalisation) == ["DequantizeLinear"]


@pytest.mark.parametrize("normalisation", OFF_THE_GRID)
def test_other_pixels_cost_one_small_layer_before_a_padded_convolution(
    normalisation: dict,
) -> None:
    assert operators_added(network(pads=1), normalisation) == ["Conv", "DequantizeLinear"]


def test_a_first_convolution_without_padding_takes_the_normalisation_in() -> None:
    assert operators_added(network(pads=0), ONE_A_CHANNEL) == ["DequantizeLinear"]
