"""Calibration data of another scale than the model's is refused, and right data never."""

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from onnx import numpy_helper

from edge.errors import GateError
from quantize.calibration_checks import find_refusals, require_acceptable
from quantize.importers.static_shapes import fix_input_shapes
from quantize.refusals.input_scale import barely_moving
from quantize.refusals.source_statistics import (
    RescaledInput,
    measure_source,
    rescaled_inputs,
)

PICTURES = tiny.pictures(24)


def with_training_statistics(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give each batch normalisation the statistics of `PICTURES`, as training would, in order."""
    fix_input_shapes(model)
    constants = {each.name: each for each in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    for node in nodes:
        values = np.concatenate([_run(model, node.input[0], each) for each in PICTURES])
        for name, found in zip(
            node.input[3:5], (values.mean((0, 2, 3)), values.var((0, 2, 3))), strict=True
        ):
            constants[name].CopyFrom(numpy_helper.from_array(found.astype(np.float32), name))
    return model


def _run(model: onnx.ModelProto, name: str, example: dict) -> np.ndarray:
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run([name], example)[0]


@pytest.fixture(scope="module")
def trained() -> onnx.ModelProto:
    return with_training_statistics(tiny.residual_cnn())


def scaled(factor: float, offset: float = 0.0, *, seed: int = 5) -> list[dict]:
    return [
        {"image": (each["image"] * factor + offset).astype(np.float32)}
        for each in tiny.pictures(12, seed=seed)
    ]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("offset", [-0.2, 0.0, 0.2])
def test_right_data_is_never_refused(
    trained: onnx.ModelProto, factor: float, offset: float
) -> None:
    """Brighter, darker, flatter pictures than those of training are right data too."""
    assert find_refusals(trained, scaled(factor, offset)) == ()


@pytest.mark.parametrize(
    ("factor", "offset"),
    [
        pytest.param(128.0, 127.0, id="mean and deviation missing"),
        pytest.param(128.0, 0.0, id="deviation missing"),
        pytest.param(255.0, 0.0, id="255 times"),
        pytest.param(1 / 255, 0.0, id="a 255th"),
    ],
)
def test_data_of_another_scale_is_refused(
    trained: onnx.ModelProto, factor: float, offset: float
) -> None:
    (finding,) = find_refusals(trained, scaled(factor, offset))
    assert (finding.name, finding.is_fatal) == ("unlike-training-data", True)
    assert "'stem_bn'" in finding.message
    assert "\n" not in finding.message


def test_what_to_check_is_said_of_pixels_only_where_the_model_takes_pictures(trained) -> None:
    (pictures,) = find_refusals(trained, scaled(255.0))
    assert "check the pixels' scale" in pictures.message
    (series,) = find_refusals(trained, scaled(255.0), of_pictures=False)
    assert "pixel" not in series.message
    assert "check the values' units" in series.message


def test_data_a_few_times_too_flat_is_told_and_not_refused(trained: onnx.ModelProto) -> None:
    """What is left of normalised pictures where the deviation of 0.225 was forgotten."""
    (finding,) = find_refusals(trained, scaled(0.225))
    assert (finding.name, finding.is_fatal) == ("unlike-training-data", False)
    assert "may not be what the model was trained on" in finding.message


def test_a_model_without_normalisation_is_told_of_and_not_refused() -> None:
    model = tiny.gated_cnn()
    fix_input_shapes(model)
    assert find_refusals(model, scaled(1.0)) == ()
    (finding,) = find_refusals(model, scaled(128.0))
    assert (finding.name, finding.is_fatal) == ("unusual-first-layer", False)


def folded_cnn(*, threshold: float) -> onnx.ModelProto:
    """Two layers without normalisation; the second answers to what lies above a threshold."""
    build = tiny.ModelBuilder()
    build.conv("image", "c0", (3, 8))
    build.conv("c0", "c1", (8, 8))
    build.node("Relu", ["c1"], "r1")
    model = tiny._finish(build, "r1", 8)
    for each in model.graph.initializer:
        if each.name in {"c0_b", "c1_b"}:
            value = -threshold if each.name == "c1_b" else 0.0
            each.CopyFrom(numpy_helper.from_array(np.full(8, value, np.float32), each.name))
    fix_input_shapes(model)
    return model


def test_pixels_scaled_twice_are_refused_where_only_the_biases_are_left_to_decide() -> None:
    found = find_refusals(folded_cnn(threshold=0.5), scaled(1 / 255))
    assert (found[0].name, found[0].is_fatal) == ("unlike-training-data", True)
    assert "they have been scaled twice" in found[0].message
    assert find_refusals(folded_cnn(threshold=0.5), scaled(1.0)) == ()


def test_a_small_first_layer_alone_is_told_and_not_refused() -> None:
    """What a model without biases makes of small examples is small, and nothing is amiss."""
    (finding,) = find_refusals(folded_cnn(threshold=0.0), scaled(1 / 255))
    assert (finding.name, finding.is_fatal) == ("unusual-first-layer", False)


def rescaling_cnn() -> onnx.ModelProto:
    """A model that makes -1..1 of pixels from 0 to 255 itself, like those of Keras."""
    build = tiny.ModelBuilder()
    factor = build.constant("factor", 1 / 127.5)
    offset = build.constant("offset", -1.0)
    build.node("Mul", ["image", factor], "scaled")
    build.node("Add", ["scaled", offset], "centred")
    build.conv("centred", "a", (3, 8))
    build.node("Relu", ["a"], "out")
    model = tiny._finish(build, "out", 8)
    fix_input_shapes(model)
    return model


def test_the_scale_of_a_model_of_its_own_is_found() -> None:
    assert rescaled_inputs(rescaling_cnn()) == {"centred": "image"}
    assert rescaled_inputs(tiny.residual_cnn()) == {}


def test_pixels_scaled_before_a_model_that_scales_them_itself_are_refused() -> None:
    names = [each.name for each in find_refusals(rescaling_cnn(), scaled(0.5, 0.5))]
    assert "input-barely-varies" in names


def test_pixels_in_the_scale_of_such_a_model_are_not() -> None:
    assert find_refusals(rescaling_cnn(), scaled(100.0, 120.0)) == ()


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        pytest.param((0, 1), (-1.0, -0.9922), True, id="pixels scaled twice"),
        pytest.param((0, 255), (-1.0, 1.0), False, id="pixels scaled once"),
        pytest.param((0, 1), (0.0, 1e-6), False, id="no offset to be lost beside"),
        pytest.param((1, 1), (2.0, 2.0), False, id="a mask of ones"),
        pytest.param((2010, 2020), (2.01, 2.02), False, id="a year"),
        pytest.param((0, 0), (0.0, 0.0), False, id="nothing"),
    ],
)
def test_a_span_is_held_against_its_magnitude(before: tuple, after: tuple, is_told: bool) -> None:
    finding = barely_moving(RescaledInput("x", before, after))
    assert (finding is not None) == is_told


def test_no_more_examples_are_looked_at_than_asked(trained: onnx.ModelProto) -> None:
    assert measure_source(trained, scaled(1.0), most=5).examples == 5


def test_the_model_is_left_as_it_was(trained: onnx.ModelProto) -> None:
    before = trained.SerializeToString()
    find_refusals(trained, scaled(1.0))
    assert trained.SerializeToString() == before


def test_a_fatal_finding_stops_unless_it_is_accepted(trained: onnx.ModelProto) -> None:
    found = find_refusals(trained, scaled(255.0))
    with pytest.raises(GateError, match="--accept unlike-training-data"):
        require_acceptable(found)
    assert require_acceptable(found, accepted=["unlike-training-data"]) == found


def test_what_is_only_told_does_not_stop(trained: onnx.ModelProto) -> None:
    found = find_refusals(trained, scaled(0.225))
    assert require_acceptable(found) == found
