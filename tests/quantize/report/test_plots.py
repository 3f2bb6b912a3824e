"""Axes and marks stand where their values are."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.report.number_text import milliseconds, p_value_text, signed
from quantize.report.plots.axis import Axis, axis_over
from quantize.report.plots.rows import Bar, Interval, bar_chart, interval_chart
from quantize.report.plots.svg import Caption, IdSource, coordinate, element
from quantize.report.plots.unit_square import Curve, unit_square

CAPTION = Caption("title", "description")
FINITE = st.floats(-1e6, 1e6)


@settings(max_examples=60)
@given(st.lists(FINITE, max_size=20))
def test_an_axis_holds_all_its_values_and_zero(values) -> None:
    axis = axis_over(values, 10.0, 110.0)
    slack = 1e-8 * (axis.high - axis.low)  # ends are rounded to steps, far below what can be seen
    assert all(axis.low - slack <= each <= axis.high + slack for each in [*values, 0.0])
    assert 2 <= len(axis.ticks()) <= 9


def test_values_lie_between_the_ends_in_proportion() -> None:
    axis = Axis(0.0, 10.0, 100.0, 200.0)
    assert [axis.at(each) for each in (0.0, 2.5, 10.0, 99.0)] == [100.0, 125.0, 200.0, 200.0]


def test_ticks_are_round() -> None:
    assert Axis(0.0, 1.0, 0.0, 1.0).ticks(5) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_small_ticks_are_told_apart() -> None:
    drawing = bar_chart(IdSource(), CAPTION, [Bar("a", 0.025, "0.025")])
    assert re.findall(r'text-anchor="middle">([^<]+)<', drawing) == [
        "0",
        "0.005",
        "0.01",
        "0.015",
        "0.02",
        "0.025",
    ]


def test_a_bar_is_as_long_as_its_value() -> None:
    bars = [Bar("a", 10.0, "10"), Bar("b", 5.0, "5"), Bar("c", -5.0, "-5")]
    drawing = bar_chart(IdSource(), CAPTION, bars)
    widths = [
        float(each) for each in re.findall(r'<rect x="[^"]+" y="[^"]+" width="([^"]+)"', drawing)
    ]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert widths[1] == pytest.approx(widths[2], rel=0.01)


def test_an_interval_lies_around_its_value() -> None:
    drawing = interval_chart(IdSource(), CAPTION, [Interval("a", 2.0, 1.0, 4.0, "2")])
    line = re.search(r'<line x1="([^"]+)" x2="([^"]+)"[^>]*class="whisker', drawing)
    point = float(re.search(r'<circle cx="([^"]+)"', drawing).group(1))
    low, high = map(float, line.groups())
    assert (high - point) == pytest.approx(2 * (point - low), rel=0.02)


def test_a_curve_starts_and_ends_in_the_corners() -> None:
    curve = Curve("m", ((0.0, 0.0), (0.2, 0.8), (1.0, 1.0)), "one")
    drawing = unit_square(IdSource(), CAPTION, ("x", "y"), [curve])
    path = re.search(r'<path d="M([\d.]+) ([\d.]+) .* L([\d.]+) ([\d.]+)"', drawing)
    first_x, first_y, last_x, last_y = map(float, path.groups())
    assert last_x - first_x == first_y - last_y


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_attributes_and_texts_cannot_break_out(text) -> None:
    drawing = element("text", {"class": text})
    assert drawing.count("<") == 1
    assert drawing.count('"') == 2


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        pytest.param(coordinate(1.50), "1.5", id="coordinate"),
        pytest.param(signed(-0.00001), "0.0000", id="no minus zero"),
        pytest.param(signed(0.0123), "+0.0123", id="plus"),
        pytest.param(signed(float("nan")), "\u2013", id="no number"),
        pytest.param(p_value_text(0.0001), "< 0.001", id="small p"),
        pytest.param(milliseconds(1.234), "1.23 ms", id="short time"),
        pytest.param(milliseconds(0.0062), "6.2 µs", id="very short time"),
    ],
)
def test_numbers_read_well(shown, wanted) -> None:
    assert shown == wanted
