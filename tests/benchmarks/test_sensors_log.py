"""Sensors are read beside the measurement; one that vanishes is missing, not zero."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.energy import energy_by_answer
from benchmarks.records.measurement import AnswerSamples, SensorLog
from benchmarks.records.sample_column import MISSING
from benchmarks.sensors_log import PMIC_SUM, SensorRecorder

sys.path.insert(0, str(Path(__file__).parents[1] / "devices"))
from board_trees import change, lay_out_board, temperature_file

S = 1_000_000_000


def test_every_sensor_of_a_board_has_a_trace(tmp_path: Path) -> None:
    recorder = SensorRecorder(
        root=lay_out_board(tmp_path, "pi5"), resident_bytes=lambda: 90 * 2**20
    )
    recorder.read()
    log = recorder.log(origin_ns=0)
    named = {name.split()[0] for name in log.traces}
    assert {
        "wall_offset_ns",
        "clock_mhz",
        "temperature_mc",
        "throttle_bits",
        "busy_ms",
        "watcher_ms",
        "resident_bytes",
    } <= named
    assert log.traces["wall_offset_ns"].values().tolist() == [0]
    assert log.traces["resident_bytes"].values().tolist() == [90 * 2**20]
    assert log.cost_ns > 0


def test_a_sensor_that_vanishes_is_missing_from_then_on(tmp_path: Path) -> None:
    root = lay_out_board(tmp_path, "pi5")
    recorder = SensorRecorder(root=root)
    recorder.read()
    change(root, {temperature_file("pi5"): None})
    recorder.read()
    (trace,) = (
        column
        for name, column in recorder.log(0).traces.items()
        if name.startswith("temperature_mc 0 ")
    )
    first, second = trace.values().tolist()
    assert first > 0
    assert second == MISSING


def test_a_sensor_that_appears_late_was_missing_before(tmp_path: Path) -> None:
    root = lay_out_board(tmp_path, "pi5")
    temperature = (root / temperature_file("pi5")).read_text()
    change(root, {temperature_file("pi5"): None})
    recorder = SensorRecorder(root=root)
    recorder.read()
    change(root, {temperature_file("pi5"): temperature})
    recorder.read()
    log = recorder.log(0)
    assert len({column.count for column in (log.times, *log.traces.values())}) == 1
    assert [
        column.values()[0] for name, column in log.traces.items() if "temperature_mc 0 " in name
    ] == [MISSING]


def test_a_machine_without_sensors_has_a_log_all_the_same(tmp_path: Path) -> None:
    recorder = SensorRecorder(root=tmp_path)
    recorder.read()
    assert set(recorder.log(0).traces) == {"wall_offset_ns", "watcher_ms"}


def test_a_pi_5s_power_chip_is_asked_through_its_firmware(tmp_path: Path) -> None:
    """Two rails of 3 A at 1 V and 0.5 A at 4 V are 5 W."""
    program = tmp_path / "vcgencmd"
    program.write_text(
        "#!/bin/sh\necho '  A_A current(1)=3.0A'\necho '  A_V volt(2)=1.0V'\n"
        "echo '  B_A current(3)=0.5A'\necho '  B_V volt(4)=4.0V'\n"
    )
    program.chmod(0o755)
    recorder = SensorRecorder(root=tmp_path, power_program=str(program))
    recorder.read()
    assert recorder.log(0).traces[f"power_mw {PMIC_SUM}"].values().tolist() == [5000]
    silent = SensorRecorder(root=tmp_path, power_program=str(tmp_path / "absent"))
    silent.read()
    assert not any(name.startswith("power_mw") for name in silent.log(0).traces)


def test_readings_are_due_a_period_apart(tmp_path: Path) -> None:
    recorder = SensorRecorder(root=tmp_path, period_ms=500)
    assert recorder.next_ns == 0
    reading = recorder.read()
    assert recorder.next_ns == reading.monotonic_ns + S // 2


def test_energy_is_mean_power_by_answers(
    make_sensors: "pytest.FixtureRequest", make_answers: "pytest.FixtureRequest"
) -> None:
    """Five watts while a hundred answers take ten seconds: half a joule each."""
    timed: AnswerSamples = make_answers([S // 10] * 100, start=2 * S)
    log: SensorLog = make_sensors({"power_mw VDD_IN": [9000, 9000] + [5000] * 10 + [9000] * 4})
    found = energy_by_answer(log, timed)
    assert found.rail == "VDD_IN"
    assert found.reason == ""
    assert found.joules_per_answer == pytest.approx(0.5, rel=0.1)
    thinned = energy_by_answer(log, replace(timed, kept_every=4))
    assert thinned.joules_per_answer == pytest.approx(found.joules_per_answer / 4)


@pytest.mark.parametrize(
    ("traces", "reason"),
    [
        pytest.param({}, "no power can be read on this machine", id="no sensor"),
        pytest.param(
            {"power_mw VDD_GPU": [100] * 9},
            "no rail that can be read feeds all of the board: VDD_GPU",
            id="a part of the board only",
        ),
        pytest.param(
            {"power_mw VDD_IN": [5000] * 2},
            "power was read 2 times while timed; raise --min-duration",
            id="too few readings",
        ),
    ],
)
def test_where_there_is_no_energy_there_is_a_reason(
    make_sensors: "pytest.FixtureRequest",
    make_answers: "pytest.FixtureRequest",
    traces: dict[str, list[int]],
    reason: str,
) -> None:
    found = energy_by_answer(make_sensors(traces), make_answers([S] * 10))
    assert (found.joules_per_answer, found.reason) == (None, reason)
