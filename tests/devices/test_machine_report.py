"""What the doctor says of whole boards, and what it tells to look at."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from board_trees import BOARDS, STATES, BoardName, State, change, lay_out_board

from devices.machine_report import MachineReport, format_machine, machine_to_json, read_machine
from devices.remarks import remark_on

NO_PROGRAM = "/nowhere/vcgencmd"
PI4_WORD = "sys/devices/platform/soc/soc:firmware/get_throttled"
CPU0 = "sys/devices/system/cpu/cpu0/cpufreq"


@pytest.fixture(autouse=True)
def _on_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")


def report_on(
    root: Path, board: BoardName = "pi5", state: State = "normal", **packages: str
) -> MachineReport:
    return read_machine(packages, root=lay_out_board(root, board, state), vcgencmd=NO_PROGRAM)


def remarks_on(report: MachineReport) -> str:
    return "\n".join(remark_on(report))


def steady(root: Path) -> dict[str, str | None]:
    """The governor of every processor set to the one that does not change the clock."""
    folders = root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    return {str(path.relative_to(root)): "performance\n" for path in folders}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_described_for_a_person_and_as_json(
    tmp_path: Path, board: BoardName, state: State
) -> None:
    report = report_on(tmp_path, board, state)
    lines = format_machine(report)
    names = [line.partition(":")[0] for line in lines[1:]]
    assert names[:4] == ["profile", "instructions for int8", "clocks", "temperature"]
    assert "governor ondemand" in lines[3]
    told = json.loads(json.dumps(machine_to_json(report)))
    assert told["profile"] in {"raspberry_pi_4b", "raspberry_pi_5", "jetson_orin_nano"}
    assert told["sensors"]["clocks"][0]["governor"] == "ondemand"


def test_a_pi_5_reads_as_a_person_would_want_it(tmp_path: Path) -> None:
    lines = format_machine(report_on(tmp_path))
    assert lines[:6] == [
        "Raspberry Pi 5 Model B Rev 1.0 (aarch64, Cortex-A76), 8051 MiB",
        "profile: Raspberry Pi 5 (raspberry_pi_5)",
        "instructions for int8: asimd, asimddp",
        "clocks: 4 x 2400 MHz, at most 2400 MHz, governor ondemand",
        "temperature: 0 cpu-thermal 51.8 C, slowed from 80 C on",
        "throttled: no, not since boot",
    ]


def test_a_machine_that_says_nothing_is_described_by_what_is_known(tmp_path: Path) -> None:
    report = read_machine({}, root=tmp_path / "nowhere", vcgencmd=NO_PROGRAM)
    assert format_machine(report) == [
        "unknown board (aarch64), 0 MiB",
        "profile: a 64-bit ARM board (generic_aarch64)",
        "instructions for int8: none known",
    ]
    assert remark_on(report) == ()


def test_a_quiet_board_leaves_nothing_to_look_at(tmp_path: Path) -> None:
    report_on(tmp_path)
    change(tmp_path, steady(tmp_path))
    assert remark_on(read_machine({}, root=tmp_path, vcgencmd=NO_PROGRAM)) == ()


@pytest.mark.parametrize(
    ("board", "version", "is_known_bad"),
    [
        ("pi4", "1.21.0", True),
        ("pi4", "1.22.0", False),
        ("pi5", "1.21.0", False),
    ],
)
def test_a_version_that_is_known_to_fail_on_a_board_is_told_with_the_issue(
    tmp_path: Path, board: BoardName, version: str, *, is_known_bad: bool
) -> None:
    remarks = remarks_on(report_on(tmp_path, board, onnxruntime=version))
    assert ("onnxruntime 1.21.0 is known to fail" in remarks) is is_known_bad
    assert ("microsoft/onnxruntime/issues/23957" in remarks) is is_known_bad


@pytest.mark.parametrize(
    ("version", "python", "is_named"),
    [
        pytest.param("1.23.2", "3.11.2", True, id="another is to be had"),
        pytest.param("1.23.2", "3.9.2", False, id="a Python that the profile does not know"),
        pytest.param("1.31.1", "3.11.2", False, id="it is the newest already"),
    ],
)
def test_in_place_of_a_version_that_fails_one_that_is_to_be_had_is_named(
    tmp_path: Path, version: str, python: str, *, is_named: bool
) -> None:
    """Also where nobody has reported that version yet."""
    report = report_on(tmp_path, "pi4", onnxruntime=version)
    remarks = "\n".join(remark_on(report, failing=["onnxruntime"], python=python))
    assert ("pip install 'onnxruntime==1.31.1'" in remarks) is is_named
    assert "1.31.1" not in remarks_on(report)


def test_the_generic_profile_warns_only_processors_that_are_hit(tmp_path: Path) -> None:
    report = read_machine({"onnxruntime": "1.21.0"}, root=tmp_path, vcgencmd=NO_PROGRAM)
    assert "known to fail" in remarks_on(report)
    newer = replace(report, board=replace(report.board, instructions=("asimd", "asimddp")))
    assert "known to fail" not in remarks_on(newer)


@pytest.mark.parametrize(
    ("board", "is_told"), [("pi4", True), ("pi5", False), ("orin_nano", False)]
)
def test_int8_is_doubted_without_dot_products(
    tmp_path: Path, board: BoardName, *, is_told: bool
) -> None:
    assert ("int8 may not pay here" in remarks_on(report_on(tmp_path, board))) is is_told


def test_a_throttled_pi_is_told_to_be_cooled(tmp_path: Path) -> None:
    remarks = remarks_on(report_on(tmp_path, "pi4", "throttled"))
    assert "the firmware slowed the processor (clock capped now, throttled now" in remarks
    assert "0 cpu-thermal is at 82.8 C, and this board slows down from 80 C on" in remarks
    assert "supply" not in remarks


def test_a_weak_supply_is_told_apart_from_heat(tmp_path: Path) -> None:
    report_on(tmp_path, "pi4")
    change(tmp_path, {PI4_WORD: "10000\n"})
    remarks = remarks_on(read_machine({}, root=tmp_path, vcgencmd=NO_PROGRAM))
    assert "the supply sank too low" in remarks
    assert "slowed the processor" not in remarks


def test_a_throttled_jetson_is_told_its_supply(tmp_path: Path) -> None:
    remarks = remarks_on(report_on(tmp_path, "orin_nano", "throttled"))
    assert "slowed itself 7 times for its supply" in remarks
    assert "8 tj-thermal is at 99.5 C" in remarks
    assert "gpu-thermal is at" not in remarks


def test_a_capped_clock_and_a_moving_governor_are_told(tmp_path: Path) -> None:
    report_on(tmp_path)
    change(tmp_path, {f"{CPU0}/scaling_max_freq": "1500000\n"})
    remarks = remarks_on(read_machine({}, root=tmp_path, vcgencmd=NO_PROGRAM))
    assert "the clock is held at 1500 MHz of 2400 MHz" in remarks
    assert "governor ondemand changes the clock" in remarks


def test_little_memory_is_told(tmp_path: Path) -> None:
    report_on(tmp_path)
    change(tmp_path, {"proc/meminfo": "MemTotal: 400000 kB\nMemAvailable: 102400 kB\n"})
    remarks = remarks_on(read_machine({}, root=tmp_path, vcgencmd=NO_PROGRAM))
    assert "100 MiB of memory are available" in remarks


def test_a_32_bit_python_is_told(tmp_path: Path) -> None:
    root = lay_out_board(tmp_path, "pi4")
    report = read_machine({}, python_bits=32, root=root, vcgencmd=NO_PROGRAM)
    assert "32-bit program" in remarks_on(report)


def test_a_camera_that_may_not_be_opened_is_told(tmp_path: Path) -> None:
    report_on(tmp_path)
    name = "sys/class/video4linux/video7/name"
    change(tmp_path, {name: "HD Webcam: HD Webcam\n"})
    report = read_machine({}, root=tmp_path, vcgencmd=NO_PROGRAM)
    assert "this user may not open /dev/video7 (HD Webcam: HD Webcam)" in remarks_on(report)
    assert "/dev/video7 (HD Webcam: HD Webcam)" in format_machine(report)[-1]
