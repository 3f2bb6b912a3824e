"""What to look at on this machine, and the way out: one sentence each."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from devices.machine_report import MachineReport
from devices.profile import KnownBad
from devices.sensors import describe_throttle_bits

__all__ = ["doubt_int8", "remark_on"]

# A picture at the limits of docs/run.md takes so much to decode and prepare.
_MEMORY_FOR_A_PICTURE_MIB = 400
_DISK_LOW_MIB = 200
_NEAR_THROTTLING_C = 5.0
_STEADY_GOVERNORS = ("performance",)
_ARM_PRODUCTS = ("asimddp", "i8mm")
_DOT_PRODUCTS = (*_ARM_PRODUCTS, "avx_vnni", "avx512_vnni", "amx_int8")
_ARM = ("aarch64", "arm")


def remark_on(
    report: MachineReport, *, failing: Collection[str] = (), python: str = ""
) -> tuple[str, ...]:
    """Every remark that applies, the gravest first.

    Args:
        report: what was seen of the machine.
        failing: packages that are installed and do not work here.
        python: version of the Python that they are installed for.
    """
    versions = [_other_version(report, package, python) for package in failing]
    sources = (_software, _int8, _throttling, _heat, _clocks, _room, _cameras)
    remarks = (remark for source in sources for remark in source(report))
    return (*(version for version in versions if version), *remarks)


def _software(report: MachineReport) -> Iterator[str]:
    for bad in report.profile.known_bad if report.profile else ():
        if _applies(bad, report):
            version = report.packages.get(bad.package)
            yield (
                f"{bad.package} {version} is known to fail on this board: it {bad.symptom}; "
                f"{bad.way_out} ({bad.source})"
            )
    if report.python_bits == 32 and report.board.architecture.startswith(_ARM):  # noqa: PLR2004
        yield (
            "this Python is a 32-bit program, for which onnxruntime, ai-edge-litert and OpenCV "
            "have no wheels; install the 64-bit system"
        )


def _applies(bad: KnownBad, report: MachineReport) -> bool:
    if report.packages.get(bad.package) not in bad.versions:
        return False
    return bad.without_instruction not in report.board.instructions


def _other_version(report: MachineReport, package: str, python: str) -> str | None:
    """A version that is to be had for this board and its Python, in place of one that fails."""
    if report.profile is None:
        return None
    bad = {
        version
        for each in report.profile.known_bad
        if each.package == package
        for version in each.versions
    }
    installed = report.packages.get(package)
    for system in report.profile.systems:
        version = system.packages.get(package)
        if python.startswith(f"{system.python}.") and version and version not in {installed, *bad}:
            return (
                f"{package} {installed} does not work here; the newest with a wheel for "
                f"{system.name} (Python {system.python}) is {version}: "
                f"pip install '{package}=={version}'"
            )
    return None


def doubt_int8(instructions: Collection[str]) -> str | None:
    """Why int8 may be no faster than float on a processor; None where it should be.

    Args:
        instructions: the processor's instruction sets, as `/proc/cpuinfo` names them; empty where
            they are unknown.
    """
    if not instructions or set(_DOT_PRODUCTS).intersection(instructions):
        return None
    names = [name for name in _DOT_PRODUCTS if ("asimd" in instructions) is (name in _ARM_PRODUCTS)]
    return (
        "int8 may not pay here: the processor has no dot-product instructions "
        f"({', '.join(names)}); compare it with float by edge-bench run"
    )


def _int8(report: MachineReport) -> Iterator[str]:
    doubt = doubt_int8(report.board.instructions)
    if doubt:
        yield doubt


def _throttling(report: MachineReport) -> Iterator[str]:
    words = describe_throttle_bits(report.throttle_bits or 0)
    if any("under-voltage" in word for word in words) or report.sensors.has_undervoltage:
        yield (
            "the supply sank too low, which slows the board; use the maker's supply and a short "
            "cable"
        )
    if any("under-voltage" not in word for word in words):
        yield (
            f"the firmware slowed the processor ({', '.join(words)}); cool the board, then restart "
            "it to clear what is kept since boot"
        )
    if report.sensors.overcurrent_events:
        yield (
            f"the module slowed itself {report.sensors.overcurrent_events} times for its supply; "
            "use a stronger one or a lower power mode (nvpmodel)"
        )
    if report.sensors.throttle_events:
        yield (
            f"the processors were slowed by heat {report.sensors.throttle_events} times since "
            "boot; cool the machine"
        )


def _heat(report: MachineReport) -> Iterator[str]:
    limits = report.profile.thermal if report.profile else None
    if limits is None or limits.throttle_start_c is None:
        return
    for zone, heat in report.sensors.temperatures_c.items():
        is_watched = limits.zone is None or zone.endswith(limits.zone)
        if is_watched and heat >= limits.throttle_start_c - _NEAR_THROTTLING_C:
            yield (
                f"{zone} is at {heat:.1f} C, and this board slows down from "
                f"{limits.throttle_start_c:g} C on; cool it"
            )


def _clocks(report: MachineReport) -> Iterator[str]:
    governors = set(report.sensors.governors).difference(_STEADY_GOVERNORS)
    if governors:
        yield (
            f"governor {', '.join(sorted(governors))} changes the clock with the load; for "
            "steady times: echo performance | sudo tee "
            "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        )
    capped = [
        clock
        for clock in report.sensors.clocks
        if clock.allowed_max_mhz
        and clock.hardware_max_mhz
        and clock.allowed_max_mhz < clock.hardware_max_mhz
    ]
    if capped:
        yield (
            f"the clock is held at {capped[0].allowed_max_mhz} MHz of "
            f"{capped[0].hardware_max_mhz} MHz (scaling_max_freq), by heat, by a power mode or by "
            "a setting"
        )
    if report.sensors.is_on_battery:
        yield "a battery feeds this machine, which often slows it; plug it in to measure"


def _room(report: MachineReport) -> Iterator[str]:
    available = report.sensors.memory.available_mib
    if available is not None and available < _MEMORY_FOR_A_PICTURE_MIB:
        yield (
            f"{available} MiB of memory are available, and a picture at edge-run's limits takes "
            f"{_MEMORY_FOR_A_PICTURE_MIB}; close other programs"
        )
    free = report.sensors.disk_free_mib
    if free is not None and free < _DISK_LOW_MIB:
        yield f"{free} MiB of disk are free; free some"


def _cameras(report: MachineReport) -> Iterator[str]:
    for device in report.video_devices:
        if device.role == "camera" and not device.is_accessible:
            yield (
                f"this user may not open {device.path} ({device.name}); "
                "sudo usermod -aG video $USER, then log in again"
            )
