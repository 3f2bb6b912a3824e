"""What is forecast follows the board: cores, clock, instructions, memory."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.cli import bench_group
from benchmarks.forecast.check import check_latencies
from benchmarks.forecast.forecast import ERROR_FACTOR, board_processor, forecast_latency
from benchmarks.forecast.known_networks import network_work
from benchmarks.forecast.time_model import FITTED
from devices.load import load_profile, profile_names
from edge.errors import UsageError

RESNET = network_work("ResNet-50", is_integer=True)


def test_more_threads_and_a_higher_clock_are_faster_and_cores_end_it() -> None:
    processor = board_processor(load_profile("raspberry_pi_5"))
    one, four, many = (
        forecast_latency(RESNET, processor, threads=threads).latency_ms for threads in (1, 4, 16)
    )
    assert one > 2 * four
    assert four == many
    slow = replace(processor, clock_mhz=processor.clock_mhz / 2)
    assert forecast_latency(RESNET, slow, threads=1).latency_ms > 1.5 * one


def test_int8_gains_most_where_the_processor_has_dot_products() -> None:
    """What design promises to say: that int8 may not pay without them."""
    gains = {}
    for board in ("raspberry_pi_4b", "raspberry_pi_5"):
        processor = board_processor(load_profile(board))
        in_float, in_int8 = (
            forecast_latency(
                network_work("ResNet-50", is_integer=is_integer), processor, threads=1
            ).latency_ms
            for is_integer in (False, True)
        )
        gains[board] = in_float / in_int8
    assert gains["raspberry_pi_5"] > 2 * gains["raspberry_pi_4b"] > 2


def test_the_shares_add_up_and_the_range_encloses_the_forecast() -> None:
    found = forecast_latency(RESNET, board_processor(load_profile("pi4")), threads=4)
    assert sum(each.seconds for each in found.shares) * 1e3 == pytest.approx(found.latency_ms)
    assert found.low_ms < found.latency_ms < found.high_ms


@pytest.mark.parametrize("name", [name for name in profile_names() if "generic" not in name])
def test_every_board_is_forecast(name: str) -> None:
    found = forecast_latency(RESNET, board_processor(load_profile(name)), threads=1)
    assert 1 < found.latency_ms < 10_000


def test_a_board_that_may_be_any_is_not_forecast() -> None:
    with pytest.raises(UsageError, match="says nothing of its cores, instructions, memory"):
        board_processor(load_profile("generic_aarch64"))


@pytest.mark.slow
def test_the_error_band_is_what_published_figures_of_unseen_boards_show() -> None:
    """The constants in the code are those that the check command finds."""
    fitted, figures = check_latencies()
    distances = [abs(np.log(each.unseen_ms / each.figure.latency_ms)) for each in figures]
    assert np.exp(np.quantile(distances, 0.9, method="higher")) == pytest.approx(
        ERROR_FACTOR, abs=0.05
    )
    for name in ("float_share", "integer_share", "dot_product_share", "scaling"):
        assert getattr(FITTED, name) == pytest.approx(getattr(fitted, name), abs=0.01)


def test_the_command_forecasts_the_default_bundle_in_words_and_in_json() -> None:
    found = CliRunner().invoke(bench_group, ["forecast", "--board", "pi4"], standalone_mode=False)
    assert found.return_value == 0
    assert "not a latency" in found.output
    assert "no dot-product instructions" in found.output
    listed = CliRunner().invoke(
        bench_group, ["forecast", "--board", "pi5", "--json"], standalone_mode=False
    )
    lines = [json.loads(line) for line in listed.output.splitlines()]
    assert [each["engine"] for each in lines] == ["onnxruntime", "litert"]
    assert all(each["board"] == "raspberry_pi_5" and each["latency_ms"] > 0 for each in lines)


def test_an_unknown_board_is_wrong_use() -> None:
    found = CliRunner().invoke(bench_group, ["forecast", "--board", "toaster"])
    assert isinstance(found.exception, UsageError)
