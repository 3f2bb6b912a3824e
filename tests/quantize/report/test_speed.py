"""What int8 gains in speed is said with its interval, and where it gains nothing, that."""

from dataclasses import replace

import pytest

from quantize.report.number_text import gain_text
from quantize.report.speed import measure_speed, median_interval, speed_entries, speed_gain

FLOAT, INT8 = ("onnxruntime", "float"), ("onnxruntime", "int8")


def gain_of(floats: list[float], integers: list[float], *, is_float_kept: bool = False):
    times = {FLOAT: floats, INT8: integers}
    return speed_gain(
        times, "onnxruntime", reference="float", model="int8", is_float_kept=is_float_kept
    )


def test_files_take_turns_when_they_are_timed() -> None:
    order = []
    runs = {FLOAT: lambda: order.append("float"), INT8: lambda: order.append("int8")}
    entries = speed_entries(measure_speed(runs, rounds=(5, 5)))
    assert order == ["float", "int8"] * 8
    assert [(each.model, each.runs) for each in entries] == [("float", 5), ("int8", 5)]
    assert all(each.low_ms <= each.median_ms <= each.high_ms for each in entries)


def test_a_gain_is_the_median_over_rounds_so_that_what_slows_both_counts_for_neither() -> None:
    busy = [1.0, 1.0, 9.0, 1.0, 3.0, 1.0, 1.0]
    gain = gain_of([2.0 * each for each in busy], busy)
    assert (gain.ratio, gain.low, gain.high, gain.rounds) == (2.0, 2.0, 2.0, 7)
    assert gain.is_faster


@pytest.mark.parametrize(
    ("count", "places"),
    [
        pytest.param(5, (1, 5), id="too few for 95 %"),
        pytest.param(6, (1, 6), id="fewest"),
        pytest.param(10, (2, 9), id="Conover, table A3"),
        pytest.param(30, (10, 21), id="thirty"),
        pytest.param(100, (40, 61), id="a hundred"),
    ],
)
def test_the_bounds_are_order_statistics(count: int, places: tuple[int, int]) -> None:
    assert median_interval([float(each) for each in range(count, 0, -1)]) == places


@pytest.mark.parametrize(
    ("integers", "is_float_kept", "said"),
    [
        pytest.param(0.5, False, "2.00 times float's (2.00 to 2.00)", id="faster"),
        pytest.param(
            1.25,
            False,
            "0.80 times float's (0.80 to 0.80): int8 gains no speed here; "
            "--float onnxruntime keeps and runs float",
            id="slower",
        ),
        pytest.param(
            1.0,
            True,
            "1.00 times float's (1.00 to 1.00): int8 gains no speed here; "
            "float is in the bundle and runs",
            id="slower and float kept",
        ),
        pytest.param(
            0.5,
            True,
            "2.00 times float's (2.00 to 2.00); float is in the bundle and runs",
            id="faster and float kept",
        ),
    ],
)
def test_a_gain_is_one_line_with_the_way_out(integers, is_float_kept, said) -> None:
    assert gain_text(gain_of([1.0] * 9, [integers] * 9, is_float_kept=is_float_kept)) == said


def test_what_may_be_chance_is_no_gain() -> None:
    gain = replace(gain_of([1.0] * 9, [0.9] * 9), low=0.99)
    assert not gain.is_faster
    assert "gains no speed" in gain_text(gain)
