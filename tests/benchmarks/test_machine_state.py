"""What is read of a machine, from folders laid out like one."""

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.environment import MachineState, describe_machine, others_share, read_state

PI = {
    "proc/loadavg": "0.52 0.58 0.59 1/389 12345\n",
    "proc/stat": "cpu  1000 200 300 40000 500 60 70 80 900 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n",
    "proc/meminfo": "MemTotal: 8256000 kB\nMemAvailable: 7168000 kB\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu10/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq": "1800000\n",
    "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor": "performance\n",
    "sys/class/thermal/thermal_zone0/temp": "51350\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_pi_says_what_state_it_is_in(tmp_path: Path) -> None:
    state = read_state(lay_out(tmp_path, PI))
    assert state.load_1min == 0.52
    assert state.busy_s == pytest.approx((1000 + 200 + 300 + 60 + 70 + 80) / 100)
    assert state.clocks_mhz == (2400, 1800, 1500)
    assert state.governors == ("ondemand", "performance", "ondemand")
    assert state.temperatures_c == {"0 cpu-thermal": 51.35}
    assert state.throttle_bits == 0x50005
    assert state.throttle_events is None
    assert state.memory_available_mib == 7000


def test_throttling_of_x86_processors_is_counted(tmp_path: Path) -> None:
    counts = {
        "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3\n",
        "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4\n",
    }
    assert read_state(lay_out(tmp_path, counts)).throttle_events == 7


def test_a_machine_that_says_nothing_is_not_guessed_at(tmp_path: Path) -> None:
    state = read_state(tmp_path)
    assert state.load_1min is state.busy_s is state.throttle_bits is state.throttle_events is None
    assert state.governors == state.clocks_mhz == ()
    assert state.temperatures_c == {}


@pytest.mark.parametrize(
    ("files", "is_emulated"),
    [
        pytest.param({}, False, id="nothing to tell by"),
        pytest.param({"proc/sys/kernel/arch": "{own}\n"}, False, id="its own kernel"),
        pytest.param({"proc/sys/kernel/arch": "riscv64\n"}, True, id="another kernel"),
    ],
)
def test_emulation_is_seen_by_the_kernel_underneath(
    tmp_path: Path, files: dict[str, str], *, is_emulated: bool
) -> None:
    own = {name: text.format(own=platform.machine()) for name, text in files.items()}
    assert describe_machine(lay_out(tmp_path, own)).is_emulated is is_emulated


def test_an_arm_program_on_an_x86_processor_is_emulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    lay_out(tmp_path, {"proc/cpuinfo": "vendor_id\t: GenuineIntel\n"})
    assert describe_machine(tmp_path).is_emulated


@pytest.mark.parametrize(
    ("machine", "is_emulated"),
    [
        pytest.param(62, True, id="x86-64"),
        pytest.param(183, False, id="aarch64"),
        pytest.param(40, False, id="32-bit ARM, which its kernel calls another name"),
        pytest.param(9999, False, id="one that nobody knows"),
    ],
)
def test_the_program_that_really_runs_tells_an_emulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: int, *, is_emulated: bool
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    program = tmp_path / "proc/thread-self/exe"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little"))
    assert describe_machine(tmp_path).is_emulated is is_emulated


def test_others_share_leaves_this_process_out(before: MachineState, after: MachineState) -> None:
    """20 s of work, all of it ours, in 10 s on 4 processors; then 4 s more of others."""
    assert others_share(before, after, 4) == 0.0
    assert others_share(before, replace(after, busy_s=124.0), 4) == pytest.approx(0.1)
    assert others_share(replace(before, busy_s=None), after, 4) is None


def test_this_very_machine_can_be_described() -> None:
    machine = describe_machine()
    assert machine.processors >= 1
    assert machine.packages["numpy"]
