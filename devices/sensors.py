"""What a machine's sensors say at this moment: clocks, heat, throttling, power, memory, load.

Everything is read from `/proc` and `/sys`. What a machine does not say, or does not let this user
read, is None or absent; nothing is guessed and nothing raises, because a sensor may vanish while a
measurement runs. Every function takes a root path, so that tests can lay a machine out.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from devices.power_rails import read_power_rails_w
from devices.sysfs import find_paths, read_hexadecimal, read_integer, read_text

__all__ = [
    "Cooling",
    "Memory",
    "PowerMode",
    "ProcessorClock",
    "SensorReading",
    "describe_throttle_bits",
    "read_busy_s",
    "read_clocks",
    "read_coolings",
    "read_disk_free_mib",
    "read_load",
    "read_memory",
    "read_on_battery",
    "read_overcurrent_events",
    "read_power_mode",
    "read_sensors",
    "read_temperatures_c",
    "read_throttle_bits",
    "read_throttle_events",
    "read_undervoltage",
]

_CPUS = "sys/devices/system/cpu"


@dataclass(frozen=True, slots=True)
class ProcessorClock:
    """How fast one processor runs, and by whose rule. Any field may be None: unreadable.

    Linux, Documentation/admin-guide/pm/cpufreq.rst.

    Attributes:
        processor: its number, as in `cpu3`.
        governor: "performance", "ondemand", "schedutil", ...
        current_mhz: `scaling_cur_freq`, the clock last asked for, on x86 often the measured one.
        measured_mhz: `cpuinfo_cur_freq`, asked of the hardware; often for root alone to read.
        allowed_min_mhz: lowest that the governor may choose.
        allowed_max_mhz: highest that the governor may choose now.
        hardware_max_mhz: highest that the hardware offers.
    """

    processor: int
    governor: str | None = None
    current_mhz: int | None = None
    measured_mhz: int | None = None
    allowed_min_mhz: int | None = None
    allowed_max_mhz: int | None = None
    hardware_max_mhz: int | None = None


@dataclass(frozen=True, slots=True)
class Cooling:
    """A cooling device: a fan, or a brake such as a lowered processor clock.

    Attributes:
        name: "0 pwm-fan", "1 cpufreq-cpu0", ...: its number, then its type.
        state: how hard it works, 0 is not at all.
        state_max: its hardest.
    """

    name: str
    state: int
    state_max: int | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in MiB; a field is None where unreadable."""

    total_mib: int | None = None
    available_mib: int | None = None
    swap_total_mib: int | None = None
    swap_free_mib: int | None = None


@dataclass(frozen=True, slots=True)
class PowerMode:
    """A Jetson's power mode (`nvpmodel`).

    Attributes:
        identifier: its number.
        name: "MAXN", "15W", ...; None where `nvpmodel.conf` does not name it.
    """

    identifier: int
    name: str | None


@dataclass(frozen=True, slots=True)
class SensorReading:
    """All sensors at one moment; None or empty where a machine does not say.

    Attributes:
        time_ns: `time.time_ns()` at this moment.
        monotonic_ns: `time.monotonic_ns()` at this moment.
        load_1min: runnable tasks, averaged by the kernel over a minute.
        busy_s: seconds that all processors together have worked since boot, time stolen by a
            hypervisor included.
        clocks: one entry a processor, in the order of their numbers.
        temperatures_c: by thermal zone, "0 cpu-thermal": its number, then its type.
        coolings: cooling devices with their states.
        throttle_bits: the Raspberry Pi firmware's word; see `describe_throttle_bits`.
        has_undervoltage: the Raspberry Pi's supply sank too low within the last seconds.
        throttle_events: how often x86 processors were throttled since boot, summed.
        overcurrent_events: how often a Jetson was throttled for its supply since boot, summed.
        power_mode: a Jetson's.
        power_rails_w: by rail, "VDD_IN": watts now.
        is_on_battery: whether a battery feeds the machine.
        memory: totals and what is left.
        disk_free_mib: left for this user where the root path is.
    """

    time_ns: int
    monotonic_ns: int
    load_1min: float | None
    busy_s: float | None
    clocks: tuple[ProcessorClock, ...]
    temperatures_c: dict[str, float]
    coolings: tuple[Cooling, ...]
    throttle_bits: int | None
    has_undervoltage: bool | None
    throttle_events: int | None
    overcurrent_events: int | None
    power_mode: PowerMode | None
    power_rails_w: dict[str, float]
    is_on_battery: bool | None
    memory: Memory
    disk_free_mib: int | None

    @property
    def governors(self) -> tuple[str, ...]:
        """Of the processors that say it."""
        return tuple(clock.governor for clock in self.clocks if clock.governor is not None)

    @property
    def clocks_mhz(self) -> tuple[int, ...]:
        """Current clocks of the processors that say it."""
        return tuple(clock.current_mhz for clock in self.clocks if clock.current_mhz is not None)


def read_sensors(root: Path = Path("/")) -> SensorReading:
    """Read every sensor once.

    Args:
        root: where `proc`, `sys`, `etc` and `var` are.
    """
    return SensorReading(
        time_ns=time.time_ns(),
        monotonic_ns=time.monotonic_ns(),
        load_1min=read_load(root),
        busy_s=read_busy_s(root),
        clocks=read_clocks(root),
        temperatures_c=read_temperatures_c(root),
        coolings=read_coolings(root),
        throttle_bits=read_throttle_bits(root),
        has_undervoltage=read_undervoltage(root),
        throttle_events=read_throttle_events(root),
        overcurrent_events=read_overcurrent_events(root),
        power_mode=read_power_mode(root),
        power_rails_w=read_power_rails_w(root),
        is_on_battery=read_on_battery(root),
        memory=read_memory(root),
        disk_free_mib=read_disk_free_mib(root),
    )


def read_load(root: Path = Path("/")) -> float | None:
    """Runnable tasks, averaged by the kernel over a minute."""
    fields = (read_text(root / "proc/loadavg") or "").split()
    try:
        return float(fields[0]) if fields else None
    except ValueError:
        return None


def read_busy_s(root: Path = Path("/")) -> float | None:
    """Seconds that all processors together have worked since boot."""
    # proc(5): user nice system idle iowait irq softirq steal guest guest_nice; guests are
    # counted in user and nice already.
    for line in (read_text(root / "proc/stat") or "").splitlines():
        if line.startswith("cpu "):
            fields = line.split()[1:9]
            if not fields or not all(field.isdecimal() for field in fields):
                return None
            ticks = [int(field) for field in fields]
            return (sum(ticks) - sum(ticks[3:5])) / os.sysconf("SC_CLK_TCK")
    return None


def read_clocks(root: Path = Path("/")) -> tuple[ProcessorClock, ...]:
    """Governor and clocks of each processor that has them."""
    return tuple(
        _clock(folder.parent.name, folder)
        for folder in find_paths(root / _CPUS, "cpu[0-9]*/cpufreq")
        if folder.parent.name[3:].isdecimal()
    )


def _clock(name: str, folder: Path) -> ProcessorClock:
    def mhz(attribute: str) -> int | None:
        khz = read_integer(folder / attribute)
        return None if khz is None else khz // 1000

    return ProcessorClock(
        processor=int(name[3:]),
        governor=read_text(folder / "scaling_governor"),
        current_mhz=mhz("scaling_cur_freq"),
        measured_mhz=mhz("cpuinfo_cur_freq"),
        allowed_min_mhz=mhz("scaling_min_freq"),
        allowed_max_mhz=mhz("scaling_max_freq"),
        hardware_max_mhz=mhz("cpuinfo_max_freq"),
    )


def read_temperatures_c(root: Path = Path("/")) -> dict[str, float]:
    """Temperature by thermal zone; a zone whose part is switched off is absent."""
    found = {}
    for zone in find_paths(root / "sys/class/thermal", "thermal_zone[0-9]*"):
        millidegrees = read_integer(zone / "temp")
        if millidegrees is not None:
            found[_numbered(zone, "thermal_zone")] = millidegrees / 1000
    return found


def read_coolings(root: Path = Path("/")) -> tuple[Cooling, ...]:
    """Cooling devices with their states."""
    found = []
    for device in find_paths(root / "sys/class/thermal", "cooling_device[0-9]*"):
        state = read_integer(device / "cur_state")
        if state is not None:
            name = _numbered(device, "cooling_device")
            found.append(Cooling(name, state, read_integer(device / "max_state")))
    return tuple(found)


def _numbered(folder: Path, prefix: str) -> str:
    return f"{folder.name.removeprefix(prefix)} {read_text(folder / 'type') or ''}".strip()


def read_throttle_bits(root: Path = Path("/")) -> int | None:
    """The Raspberry Pi firmware's throttle word; `describe_throttle_bits` puts it into words."""
    # "soc/soc:firmware" up to the Pi 4; with an address, "soc@...", in newer device trees.
    for path in find_paths(root / "sys/devices/platform", "soc*/*firmware/get_throttled"):
        bits = read_hexadecimal(path)
        if bits is not None:
            return bits
    return None


_THROTTLE_BITS = (
    (0, "under-voltage"),
    (1, "clock capped"),
    (2, "throttled"),
    (3, "soft temperature limit"),
)
_SINCE_BOOT = 16


def describe_throttle_bits(bits: int) -> tuple[str, ...]:
    """What the Raspberry Pi firmware's throttle word says, in words.

    Raspberry Pi documentation, config.txt and os "get_throttled": bits 0 to 3 are now, bits 16
    to 19 the same since boot.

    Args:
        bits: the word, as of `read_throttle_bits`.

    Returns:
        "under-voltage now", "throttled since boot", ...; nothing where all is well.
    """
    now = [f"{name} now" for bit, name in _THROTTLE_BITS if bits >> bit & 1]
    past = [f"{name} since boot" for bit, name in _THROTTLE_BITS if bits >> bit + _SINCE_BOOT & 1]
    return (*now, *past)


def read_undervoltage(root: Path = Path("/")) -> bool | None:
    """Whether a Raspberry Pi's supply sank too low, as the kernel last heard (every 2 s)."""
    for folder in find_paths(root / "sys/class/hwmon", "hwmon[0-9]*"):
        if read_text(folder / "name") == "rpi_volt":
            alarm = read_integer(folder / "in0_lcrit_alarm")
            return None if alarm is None else bool(alarm)
    return None


def read_throttle_events(root: Path = Path("/")) -> int | None:
    """How often x86 processors were throttled since boot, summed over them."""
    return _sum_of(root / _CPUS, "cpu[0-9]*/thermal_throttle/core_throttle_count")


def read_overcurrent_events(root: Path = Path("/")) -> int | None:
    """How often a Jetson (Orin) throttled itself for its supply since boot, all causes summed.

    NVIDIA Jetson Linux Developer Guide, "Jetson Orin Series Platform Power and Performance",
    overcurrent event status.
    """
    return _sum_of(root / "sys/class/hwmon", "hwmon[0-9]*/oc[0-9]*_event_cnt")


def _sum_of(folder: Path, pattern: str) -> int | None:
    counts = [read_integer(path) for path in find_paths(folder, pattern)]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def read_power_mode(root: Path = Path("/")) -> PowerMode | None:
    """A Jetson's power mode: what `nvpmodel` last wrote down."""
    status = read_text(root / "var/lib/nvpmodel/status") or ""
    number = status.partition("pmode:")[2].split()
    if not number or not number[0].isdecimal():
        return None
    identifier = int(number[0])
    return PowerMode(identifier, _power_mode_name(root, identifier))


def _power_mode_name(root: Path, identifier: int) -> str | None:
    # < POWER_MODEL ID=0 NAME=MAXN >
    for line in (read_text(root / "etc/nvpmodel.conf") or "").splitlines():
        words = dict(word.split("=", 1) for word in line.strip("<> \t").split() if "=" in word)
        if "POWER_MODEL" in line and words.get("ID") == str(identifier):
            return words.get("NAME")
    return None


def read_on_battery(root: Path = Path("/")) -> bool | None:
    """Whether a battery feeds the machine; None where it has no battery that says so."""
    states = [
        read_text(supply / "status")
        for supply in find_paths(root / "sys/class/power_supply", "*")
        if read_text(supply / "type") == "Battery" and read_text(supply / "scope") != "Device"
    ]
    known = [state for state in states if state is not None]
    return any(state == "Discharging" for state in known) if known else None


def read_memory(root: Path = Path("/")) -> Memory:
    """Memory and swap, all and left."""
    sizes = {}
    for line in (read_text(root / "proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        number = value.split()
        if number and number[0].isdecimal():
            sizes[name] = int(number[0]) // 1024
    return Memory(
        total_mib=sizes.get("MemTotal"),
        available_mib=sizes.get("MemAvailable"),
        swap_total_mib=sizes.get("SwapTotal"),
        swap_free_mib=sizes.get("SwapFree"),
    )


def read_disk_free_mib(root: Path = Path("/"), folder: str = "") -> int | None:
    """What this user may still write.

    Args:
        root: where the file system begins.
        folder: a place below the root; the root itself where empty.
    """
    try:
        status = os.statvfs(root / folder)
    except OSError:
        return None
    return status.f_bavail * status.f_frsize >> 20
