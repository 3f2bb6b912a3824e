"""What the machine is, and what state it is in before and after a measurement.

Everything is read from `/proc` and `/sys`; what a machine does not say is None or empty, never
guessed. The functions take a root path, so that tests can lay a machine out.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from devices.detect import detect_board
from devices.sensors import read_sensors
from devices.virtual_machine import kind_of_machine

__all__ = [
    "Machine",
    "MachineState",
    "describe_machine",
    "others_share",
    "read_state",
]

_PACKAGES = (
    "edgedx",
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "ai-edge-litert",
    "tflite-runtime",
    "msgspec",
    "click",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What does not change while a benchmark runs.

    Attributes:
        board: what the device tree or DMI says, or "unknown board".
        architecture: "aarch64", "x86_64", ...
        processor: name of the processor, "" where nothing says it.
        instructions: instruction-set features that int8 inference profits from.
        processors: how many this process may use.
        memory_mib: all of the memory.
        kernel: name and release of the operating system's kernel.
        python: version of the interpreter.
        packages: version by package; packages that are not installed are absent.
        is_emulated: the processor is another one than the machine's own, so no time taken on
            it says anything.
        is_virtual: a guest on a host's own processor, which others may share.
    """

    board: str
    architecture: str
    processor: str
    instructions: tuple[str, ...]
    processors: int
    memory_mib: int
    kernel: str
    python: str
    packages: dict[str, str]
    is_emulated: bool
    is_virtual: bool = False


@dataclass(frozen=True, slots=True)
class MachineState:
    """What does change.

    Attributes:
        time_ns: `time.time_ns()` at this moment.
        monotonic_ns: `time.monotonic_ns()` at this moment.
        load_1min: runnable tasks, averaged by the kernel over a minute; None where unreadable.
        busy_s: seconds that all processors together have worked since boot, time stolen by a
            hypervisor included; None where unreadable.
        own_s: seconds of processor time of this process and its finished children.
        governors: of each processor; empty where unreadable.
        clocks_mhz: of each processor; empty where unreadable.
        temperatures_c: by thermal zone ("0 cpu-thermal"); empty where unreadable.
        throttle_bits: the Raspberry Pi firmware's word (bits 0 to 3: now, 16 to 19: since
            boot); None elsewhere.
        throttle_events: how often x86 processors were throttled since boot; None elsewhere.
        memory_available_mib: None where unreadable.
        has_undervoltage: a Raspberry Pi's supply sank too low within seconds; None elsewhere.
        overcurrent_events: how often a Jetson was throttled for its supply; None elsewhere.
        power_mode: a Jetson's, "" elsewhere.
        is_on_battery: None where there is no battery that says so.
        swap_free_mib: None where unreadable.
    """

    time_ns: int
    monotonic_ns: int
    load_1min: float | None
    busy_s: float | None
    own_s: float
    governors: tuple[str, ...]
    clocks_mhz: tuple[int, ...]
    temperatures_c: dict[str, float]
    throttle_bits: int | None
    throttle_events: int | None
    memory_available_mib: int | None
    has_undervoltage: bool | None = None
    overcurrent_events: int | None = None
    power_mode: str = ""
    is_on_battery: bool | None = None
    swap_free_mib: int | None = None


def describe_machine(root: Path = Path("/")) -> Machine:
    """Say what this machine is.

    Args:
        root: where `proc` and `sys` are.
    """
    board = detect_board(root)
    kind = kind_of_machine(root, board.architecture)
    return Machine(
        board=board.model,
        architecture=board.architecture,
        processor=board.processor,
        instructions=board.instructions,
        processors=_processors(),
        memory_mib=board.memory_mib,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages=_versions(),
        is_emulated=kind == "emulated",
        is_virtual=kind == "virtual",
    )


def read_state(root: Path = Path("/")) -> MachineState:
    """Read the machine's state at this moment.

    Args:
        root: where `proc` and `sys` are.
    """
    times = os.times()
    sensors = read_sensors(root)
    return MachineState(
        time_ns=sensors.time_ns,
        monotonic_ns=sensors.monotonic_ns,
        load_1min=sensors.load_1min,
        busy_s=sensors.busy_s,
        own_s=times.user + times.system + times.children_user + times.children_system,
        governors=sensors.governors,
        clocks_mhz=sensors.clocks_mhz,
        temperatures_c=sensors.temperatures_c,
        throttle_bits=sensors.throttle_bits,
        throttle_events=sensors.throttle_events,
        memory_available_mib=sensors.memory.available_mib,
        has_undervoltage=sensors.has_undervoltage,
        overcurrent_events=sensors.overcurrent_events,
        power_mode=(sensors.power_mode.name or "") if sensors.power_mode else "",
        is_on_battery=sensors.is_on_battery,
        swap_free_mib=sensors.memory.swap_free_mib,
    )


def others_share(before: MachineState, after: MachineState, processors: int) -> float | None:
    """Share of the machine's processor time that others took between two moments.

    Args:
        before: the earlier state.
        after: the later state.
        processors: how many the machine has.

    Returns:
        0..1, or None where the machine does not say how busy it was.
    """
    if before.busy_s is None or after.busy_s is None:
        return None
    elapsed_s = (after.monotonic_ns - before.monotonic_ns) / 1e9
    others_s = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    return min(1.0, max(0.0, others_s / (elapsed_s * processors))) if elapsed_s > 0 else None


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
