"""A model that was never trained is told from one that was, and silence where it cannot be told."""

import numpy as np
import onnx
import pytest
import tiny_onnx_models as tiny
from onnx import numpy_helper

from quantize.calibration_checks import find_refusals
from quantize.importers.static_shapes import fix_input_shapes
from quantize.refusals.source_statistics import OutputSpread
from quantize.refusals.untrained import constant_outputs, fresh_normalisation, fresh_weights

RULES = {
    "PyTorch": lambda fan_in, _fan_out: np.sqrt(1 / (3 * fan_in)),
    "LeCun": lambda fan_in, _fan_out: np.sqrt(1 / fan_in),
    "He": lambda fan_in, _fan_out: np.sqrt(2 / fan_in),
    "He (fan out)": lambda _fan_in, fan_out: np.sqrt(2 / fan_out),
    "Glorot": lambda fan_in, fan_out: np.sqrt(2 / (fan_in + fan_out)),
}


def network(
    spread, *, bias: float = 0.0, factors: tuple = (1.0, 1.0, 1.0), is_normalised: bool = False
) -> onnx.ModelProto:
    """Two convolutions and a dense layer whose weights have a stated spread."""
    build = tiny.ModelBuilder()
    random = np.random.default_rng(2)

    def weight(name: str, shape: tuple, fans: tuple, factor: float) -> str:
        deviation = factor * spread(*fans)
        bound = np.sqrt(3) * deviation
        return build.constant(name, random.uniform(-bound, bound, shape))

    def layer(op: str, source: str, name: str, shape: tuple, factor: float, **extra) -> str:
        fan_in = int(np.prod(shape[1:]))
        fan_out = shape[0] * int(np.prod(shape[2:]))
        weights = weight(f"{name}_w", shape, (fan_in, fan_out), factor)
        biases = build.constant(f"{name}_b", np.full(shape[0], bias))
        return build.node(op, [source, weights, biases], name, **extra)

    layer("Conv", "image", "a", (64, 3, 5, 5), factors[0], pads=[2] * 4)
    source = build.node("Relu", ["a"], "a_relu")
    if is_normalised:
        ones, zeros = np.ones(64), np.zeros(64)
        names = [
            build.constant(f"bn_{at}", values)
            for at, values in enumerate([ones, zeros, zeros, ones])
        ]
        source = build.node("BatchNormalization", [source, *names], "normal")
    layer("Conv", source, "b", (64, 64, 3, 3), factors[1], pads=[1] * 4)
    build.node("GlobalAveragePool", ["b"], "pooled")
    build.node("Flatten", ["pooled"], "flat", axis=1)
    layer("Gemm", "flat", "logits", (40, 64), factors[2], transB=1)
    return build.model({"image": (1, 3, 16, 16)}, {"logits": (1, 40)})


@pytest.mark.parametrize("rule", RULES)
def test_weights_fresh_from_a_rule_are_untrained(rule: str) -> None:
    finding = fresh_weights(network(RULES[rule]))
    assert finding is not None
    assert (finding.name, finding.is_fatal) == ("untrained-weights", True)
    assert rule.split(maxsplit=1)[0] in finding.message


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("moved", [0, 1, 2])
def test_weights_of_which_one_layer_has_moved_are_not(rule: str, moved: int) -> None:
    factors = tuple(1.3 if at == moved else 1.0 for at in range(3))
    assert fresh_weights(network(RULES[rule], factors=factors)) is None


def test_biases_that_have_moved_speak_for_training() -> None:
    assert fresh_weights(network(RULES["He"], bias=0.1)) is None


def test_the_biases_of_pytorch_are_drawn_and_say_nothing() -> None:
    assert fresh_weights(network(RULES["PyTorch"], bias=0.1)) is not None


def test_small_weights_cannot_tell() -> None:
    assert fresh_weights(tiny.residual_cnn()) is None


def test_normalisation_as_it_was_made_is_untrained() -> None:
    finding = fresh_normalisation(network(RULES["He"], is_normalised=True))
    assert finding is not None
    assert "all 1 batch normalisations have running mean 0 and variance 1" in finding.message


def test_normalisation_that_has_seen_data_is_not() -> None:
    assert fresh_normalisation(tiny.residual_cnn()) is None


def test_a_model_without_normalisation_cannot_tell() -> None:
    assert fresh_normalisation(network(RULES["He"])) is None


def test_outputs_that_never_change_are_told_with_their_values() -> None:
    finding = constant_outputs([OutputSpread("logits", 1e-9, 0.25)], examples=16)
    assert finding is not None
    assert "'logits' varies by 1e-09 around values of 0.25" in finding.message


def test_one_output_that_changes_is_enough() -> None:
    outputs = [OutputSpread("a", 0.0, 1.0), OutputSpread("b", 0.1, 1.0)]
    assert constant_outputs(outputs, examples=16) is None


def test_a_few_examples_are_no_evidence_of_constancy() -> None:
    assert constant_outputs([OutputSpread("a", 0.0, 1.0)], examples=2) is None


def test_a_model_whose_weights_are_all_zero_is_refused() -> None:
    model = tiny.residual_cnn()
    for each in model.graph.initializer:
        if each.name.endswith("_w"):
            zeros = np.zeros_like(numpy_helper.to_array(each))
            each.CopyFrom(numpy_helper.from_array(zeros, each.name))
    fix_input_shapes(model)
    found = find_refusals(model, tiny.pictures(6))
    assert "constant-output" in [each.name for each in found]
