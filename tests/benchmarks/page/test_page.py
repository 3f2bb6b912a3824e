"""The page of a record opens offline and says what the record says."""

import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cli import bench_group
from benchmarks.page.drawing import Frame, round_steps
from benchmarks.page.page import render_page
from benchmarks.page.plots import plot_series, plot_stages
from benchmarks.records.measurement import Verdict
from benchmarks.records.record import BenchmarkRecord
from benchmarks.records.record_file import write_record
from benchmarks.records.sample_column import MISSING


class _Tags(HTMLParser):
    """Notes tags that are left open and attributes that reach outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.reaching: list[str] = []

    def handle_starttag(self, tag, attributes) -> None:
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)
        self.reaching += [f"{tag} {k}" for k, _ in attributes if k in ("src", "href", "onload")]

    def handle_startendtag(self, tag, attributes) -> None:
        pass

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, words) -> None:
        self.words += words


def _read(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def test_the_page_is_whole_and_asks_for_nothing_from_elsewhere(record: BenchmarkRecord) -> None:
    page = render_page(record, title="record.json")
    assert _read(page).reaching == []
    assert "<script" not in page
    assert not re.search(r"https?:|url\(|@import", page)


def test_the_page_shows_machine_verdict_percentiles_and_every_plot(record) -> None:
    words = _read(render_page(record, title="record.json")).words
    assert "Raspberry Pi 5 Model B Rev 1.0" in words
    assert "VALID" in words
    assert "20.030" in words
    for name in ("p99", "MHz, fastest core", "degrees Celsius", "MiB resident", "infer"):
        assert name in words


def test_an_invalid_run_says_so_with_its_reasons_and_what_is_hostile_stays_text(
    record, measurement
) -> None:
    invalid = replace(
        measurement,
        verdict=Verdict(is_valid=False, reasons=("<b>hot</b>",), notes=()),
        subject=replace(measurement.subject, name="<script>alert(1)</script>"),
    )
    page = render_page(replace(record, measurements=(invalid,)), title="a & b")
    assert "<script" not in page
    words = _read(page).words
    assert "INVALID" in words
    assert "<b>hot</b>" in words


def test_what_was_left_out_stands_on_the_page(record) -> None:
    left = replace(record, left_out=("film.edge on litert: not installed",))
    assert (
        "Left out: film.edge on litert: not installed" in _read(render_page(left, title="x")).words
    )


def test_a_measurement_that_was_never_timed_still_has_a_page(record, measurement) -> None:
    failed = replace(measurement, status="failed", failure="died of SIGILL", phases={}, memory=None)
    words = _read(render_page(replace(record, measurements=(failed,)), title="x")).words
    assert "Nothing was timed. died of SIGILL" in words


def test_a_sensor_that_vanished_breaks_its_line(measurement, make_sensors) -> None:
    clocks = [2400] * 6 + [MISSING] * 2 + [2400] * 4
    drawn = plot_series(replace(measurement, sensors=make_sensors({"clock_mhz cpu0": clocks})))
    (path,) = re.findall(r'class="curve two" d="([^"]+)"', drawn)
    assert path.count("M") == 2


def test_the_waterfall_puts_each_stage_where_the_last_ended(measurement) -> None:
    drawn = plot_stages(measurement)
    bars = [
        (float(left), float(width))
        for left, width in re.findall(
            r'class="bar cold" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn
        )
    ]
    assert len(bars) == 4
    for (left, width), (following, _) in itertools.pairwise(bars):
        assert following == pytest.approx(left + width, abs=0.2)


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), most=st.integers(2, 10))
def test_axis_numbers_are_few_round_and_inside(low: float, width: float, most: int) -> None:
    steps = round_steps(low, low + width, most)
    assert len(steps) <= most + 1
    assert all(low - 1e-6 * width <= each <= low + width * (1 + 1e-6) for each in steps)


@given(x=st.floats(allow_nan=False), y=st.floats(allow_nan=False))
def test_every_point_is_drawn_inside_its_frame(x: float, y: float) -> None:
    frame = Frame(10, 20, 100, 50, (0, 1), (0, 1))
    across, down = frame.at(x, y)
    assert 10 <= across <= 110
    assert 20 <= down <= 70


def test_the_command_writes_the_page_beside_the_record(record, tmp_path) -> None:
    path = tmp_path / "record.json"
    write_record(record, path)
    found = CliRunner().invoke(bench_group, ["report", str(path)], standalone_mode=False)
    assert found.return_value == 0
    assert _read((tmp_path / "record.html").read_text()).words.startswith("record.json")


def test_many_answers_make_a_small_page(record, measurement, make_answers) -> None:
    calls = np.random.default_rng(1).integers(19_000_000, 21_000_000, 5_000).tolist()
    long = replace(measurement, phases={"timed": make_answers(calls)})
    page = render_page(replace(record, measurements=(long,)), title="long")
    assert len(page) < 100_000
