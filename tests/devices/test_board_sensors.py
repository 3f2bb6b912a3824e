"""What the sensors say on whole boards, in each of their states."""

from pathlib import Path

import pytest
from board_trees import BOARDS, STATES, BoardName, State, change, lay_out_board, temperature_file

from devices.sensors import PowerMode, describe_throttle_bits, read_sensors


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("board", BOARDS)
def test_every_board_says_its_clocks_temperature_and_memory(
    tmp_path: Path, board: BoardName, state: State
) -> None:
    reading = read_sensors(lay_out_board(tmp_path, board, state))
    assert len(reading.clocks) == (6 if board == "orin_nano" else 4)
    assert set(reading.governors) == {"ondemand"}
    assert reading.temperatures_c
    assert (reading.memory.available_mib or 0) > 2000


@pytest.mark.parametrize("board", ["pi4", "pi5"])
def test_a_throttled_pi_says_so_in_its_word_and_runs_slower(
    tmp_path: Path, board: BoardName
) -> None:
    rested = read_sensors(lay_out_board(tmp_path / "rested", board))
    throttled = read_sensors(lay_out_board(tmp_path / "throttled", board, "throttled"))
    assert (rested.throttle_bits, throttled.throttle_bits) == (0, 0x60006)
    assert describe_throttle_bits(0x60006)[:2] == ("clock capped now", "throttled now")
    assert max(throttled.clocks_mhz) < min(rested.clocks_mhz)


@pytest.mark.parametrize("board", BOARDS)
def test_a_hot_board_is_not_throttled_yet(tmp_path: Path, board: BoardName) -> None:
    rested = read_sensors(lay_out_board(tmp_path / "rested", board))
    hot = read_sensors(lay_out_board(tmp_path / "hot", board, "hot"))
    assert hot.clocks_mhz == rested.clocks_mhz
    assert hot.throttle_bits == rested.throttle_bits
    assert hot.overcurrent_events == rested.overcurrent_events
    assert max(hot.temperatures_c.values()) > max(rested.temperatures_c.values()) + 20


def test_a_jetson_says_its_power_and_its_brakes(tmp_path: Path) -> None:
    reading = read_sensors(lay_out_board(tmp_path, "orin_nano", "throttled"))
    assert reading.power_mode == PowerMode(0, "15W")
    assert reading.power_rails_w["VDD_IN"] == pytest.approx(5.072)
    assert set(reading.power_rails_w) == {"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"}
    assert reading.overcurrent_events == 7
    brake = next(each for each in reading.coolings if each.name == "1 cpufreq-cpu0")
    assert (brake.state, brake.state_max) == (10, 19)


def test_a_sleeping_zone_of_a_jetson_is_absent(tmp_path: Path) -> None:
    reading = read_sensors(lay_out_board(tmp_path, "orin_nano"))
    assert set(reading.temperatures_c) == {"0 cpu-thermal", "1 gpu-thermal", "8 tj-thermal"}


@pytest.mark.parametrize("board", BOARDS)
def test_a_sensor_that_vanishes_between_two_readings_is_absent(
    tmp_path: Path, board: BoardName
) -> None:
    root = lay_out_board(tmp_path, board)
    before = read_sensors(root)
    change(root, {temperature_file(board): None})
    after = read_sensors(root)
    assert len(after.temperatures_c) == len(before.temperatures_c) - 1
