"""A soak on the system tree of a board that throttles meanwhile, through the real recorder."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.board_limits import read_board_limits
from benchmarks.records.measurement import Measurement
from benchmarks.sensors_log import SensorRecorder
from benchmarks.soak.findings import examine_soak
from benchmarks.soak.report import format_soak

sys.path.insert(0, str(Path(__file__).parents[2] / "devices"))
from board_trees import change, lay_out_board, temperature_file

READINGS = 12


@pytest.fixture
def soak_on(measurement: Measurement, make_answers, tmp_path: Path):
    """Readings of a board's tree, which becomes another after half of them."""

    def make(board: str, first: str, then: dict[str, str | None]) -> tuple[Measurement, Path]:
        root = lay_out_board(tmp_path / board, board, first)
        recorder = SensorRecorder(root=root, resident_bytes=lambda: 90 * 2**20)
        times = []
        for at in range(READINGS):
            if at == READINGS // 2:
                change(root, then)
            times.append(recorder.read().monotonic_ns)
        origin = times[0]
        timed = make_answers([max(1, (times[-1] - origin) // 100)] * 100)
        return replace(
            measurement, origin_ns=origin, phases={"timed": timed}, sensors=recorder.log(origin)
        ), root

    return make


@pytest.mark.parametrize("board", ["pi4", "pi5"])
def test_a_raspberry_pi_that_throttles_is_told_by_its_firmware(board: str, soak_on) -> None:
    word = "sys/devices/platform/soc/soc:firmware/get_throttled"
    measurement, root = soak_on(board, "hot", {word: "60006\n"})
    found = examine_soak(measurement, read_board_limits(root))
    assert found.throttling is not None
    assert found.throttling.sign == "the firmware's throttle bits"
    at = measurement.sensors.times.values()[READINGS // 2] / 1e9
    assert found.throttling.after_s == pytest.approx(at, abs=1e-3)


@pytest.mark.parametrize("board", ["pi4", "pi5", "orin_nano"])
@pytest.mark.parametrize("state", ["normal", "hot"])
def test_a_board_that_is_only_warm_does_not_throttle(board: str, state: str, soak_on) -> None:
    measurement, root = soak_on(board, state, {})
    found = examine_soak(measurement, read_board_limits(root))
    assert found.throttling is None
    assert found.can_tell_throttling
    assert found.hottest_c is not None
    assert "none seen" in "\n".join(format_soak(measurement, found))


def test_the_hottest_reading_is_the_one_after_the_change(soak_on) -> None:
    measurement, root = soak_on("orin_nano", "normal", {temperature_file("orin_nano"): "97500\n"})
    found = examine_soak(measurement, read_board_limits(root))
    assert found.hottest_c is not None
    assert found.hottest_c[0] == 97.5
