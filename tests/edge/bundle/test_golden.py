"""Golden outputs are compared in the steps of the artifact that gave them."""

import msgspec
import numpy as np
import pytest
from bundle_samples import assert_is_one_line, manifest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.golden import GoldenDifference, compare_golden
from edge.errors import BundleError, ModelMismatchError

EXAMPLE = manifest().golden[0]  # findings: 0.25, -1.5
ONNX = manifest().artifacts[0]  # steps of 0.125, tolerance 2


def compare(values: list, step: float = 0.125) -> GoldenDifference:
    artifact = msgspec.structs.replace(ONNX, output_steps={"findings": step})
    (difference,) = compare_golden(EXAMPLE, artifact, {"findings": np.array([values], np.float32)})
    return difference


def test_the_same_answer_is_no_difference() -> None:
    difference = compare([0.25, -1.5])

    assert difference == GoldenDifference("findings", 0.0, 0.0, 2)
    assert difference.is_within


def test_the_largest_difference_is_given_in_steps() -> None:
    assert compare([0.375, -1.75]).steps == 2.0
    assert compare([0.375, -1.75]).is_within
    assert compare([0.375, -1.75]).max_abs_difference == 0.25


def test_more_steps_than_the_tolerance_are_not_within() -> None:
    assert compare([0.25, -1.125]).steps == 3.0
    assert not compare([0.25, -1.125]).is_within


def test_a_step_that_float32_cannot_hold_still_counts_as_one() -> None:
    """Values written as float32 lie beside the multiples of a step: 2.0000001 steps are 2."""
    step = 0.1
    moved = float(np.float32(0.25) + np.float32(2 * step))

    assert abs(moved - 0.25) / step != 2.0
    assert compare([moved, -1.5], step).steps == 2.0
    assert compare([moved, -1.5], step).is_within


def test_a_step_of_zero_allows_the_exact_answer_only() -> None:
    assert compare([0.25, -1.5], 0.0).is_within
    assert compare([0.25, np.nextafter(np.float32(-1.5), 0)], 0.0).steps == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("step", [0.125, 0.0])
def test_a_value_that_is_not_finite_is_never_within(value: float, step: float) -> None:
    difference = compare([0.25, value], step)

    assert difference.steps == np.inf
    assert not difference.is_within


@given(st.integers(-1000, 1000), st.integers(-1000, 1000), st.floats(2**-10, 2**10, width=32))
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_whole_steps_are_counted_exactly(first: int, second: int, step: float) -> None:
    golden = msgspec.structs.replace(
        EXAMPLE,
        outputs=(msgspec.structs.replace(EXAMPLE.outputs[0], values=(0.0, 0.0)),),
    )
    artifact = msgspec.structs.replace(ONNX, output_steps={"findings": step})
    values = np.array([first, second], np.float32) * np.float32(step)

    (difference,) = compare_golden(golden, artifact, {"findings": values})

    assert difference.steps == max(abs(first), abs(second))


def test_only_the_outputs_of_the_artifact_that_ran_are_compared() -> None:
    outputs = (
        EXAMPLE.outputs[0],
        msgspec.structs.replace(EXAMPLE.outputs[1], values=(9.0, 9.0)),
    )
    example = msgspec.structs.replace(EXAMPLE, outputs=outputs)

    differences = compare_golden(example, ONNX, {"findings": np.array([0.25, -1.5], np.float32)})

    assert [each.steps for each in differences] == [0.0]


@pytest.mark.parametrize(
    ("outputs", "seen"),
    [
        pytest.param({}, "is missing", id="no output"),
        pytest.param({"other": np.zeros(2, np.float32)}, "is missing", id="another output"),
        pytest.param({"findings": np.zeros(3, np.float32)}, "has 3 values", id="three values"),
    ],
)
def test_outputs_that_the_golden_ones_do_not_fit_are_a_mismatch(outputs: dict, seen: str) -> None:
    with pytest.raises(ModelMismatchError, match=seen) as caught:
        compare_golden(EXAMPLE, ONNX, outputs)
    assert_is_one_line(caught.value)


def test_an_example_without_the_artifacts_outputs_is_no_silent_pass() -> None:
    other = msgspec.structs.replace(ONNX, path="other.onnx")

    with pytest.raises(BundleError, match=r"no outputs of 'other\.onnx'"):
        compare_golden(EXAMPLE, other, {"findings": np.zeros(2, np.float32)})
