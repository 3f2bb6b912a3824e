"""Everything that this machine says of itself at once, for a person and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from devices.cameras import VideoDevice, list_video_devices
from devices.detect import Board, detect_board, find_profile
from devices.firmware import FirmwareReading, read_firmware
from devices.profile import BoardProfile
from devices.sensors import SensorReading, describe_throttle_bits, read_sensors
from devices.trip_points import TripPoint, read_trip_points

__all__ = ["MachineReport", "format_machine", "machine_to_json", "read_machine"]


@dataclass(frozen=True, slots=True)
class MachineReport:
    """What was seen of the machine.

    Attributes:
        board: what it says of itself.
        profile: what is known of such boards; None for an unknown architecture.
        sensors: their state now.
        trip_points: where the kernel acts on heat.
        firmware: a Raspberry Pi's; None elsewhere.
        video_devices: cameras and what looks like them.
        python_bits: 64, or 32 for a 32-bit Python.
        packages: installed version by package; None or absent where not installed.
    """

    board: Board
    profile: BoardProfile | None
    sensors: SensorReading
    trip_points: tuple[TripPoint, ...]
    firmware: FirmwareReading | None
    video_devices: tuple[VideoDevice, ...]
    python_bits: int
    packages: Mapping[str, str | None]

    @property
    def throttle_bits(self) -> int | None:
        """The Raspberry Pi's word, from the kernel or else from the firmware."""
        if self.sensors.throttle_bits is not None:
            return self.sensors.throttle_bits
        return self.firmware.throttle_bits if self.firmware else None


def read_machine(
    packages: Mapping[str, str | None],
    *,
    python_bits: int = 64,
    root: Path = Path("/"),
    vcgencmd: str = "vcgencmd",
) -> MachineReport:
    """Look at everything once; reads only, and opens no device.

    Args:
        packages: installed version by package, as far as they are of interest.
        python_bits: of the Python that runs.
        root: where `proc`, `sys`, `etc`, `var` and `dev` are.
        vcgencmd: name or path of the Raspberry Pi firmware's program.
    """
    board = detect_board(root)
    return MachineReport(
        board=board,
        profile=find_profile(board),
        sensors=read_sensors(root),
        trip_points=read_trip_points(root),
        firmware=read_firmware(vcgencmd),
        video_devices=list_video_devices(root),
        python_bits=python_bits,
        packages=packages,
    )


def machine_to_json(report: MachineReport) -> dict[str, Any]:
    """The report as JSON values; fields are only ever added."""
    profile = report.profile
    word = report.throttle_bits
    return {
        "profile": profile.name if profile else None,
        "recommended": asdict(profile.recommended) if profile else None,
        "sensors": asdict(report.sensors),
        "throttling": None if word is None else list(describe_throttle_bits(word)),
        "trip_points": [asdict(point) for point in report.trip_points],
        "firmware": asdict(report.firmware) if report.firmware else None,
        "video_devices": [asdict(device) for device in report.video_devices],
    }


def format_machine(report: MachineReport) -> list[str]:
    """The report for a person to read; what the machine does not say has no line."""
    board = report.board
    processor = f", {board.processor}" if board.processor else ""
    profile = f"{report.profile.title} ({report.profile.name})" if report.profile else "none"
    lines = [
        f"{board.model} ({board.architecture}{processor}), {board.memory_mib} MiB",
        f"profile: {profile}",
        f"instructions for int8: {', '.join(board.instructions) or 'none known'}",
    ]
    facts = {
        "clocks": _clocks(report),
        "temperature": _temperatures(report),
        "throttled": _throttling(report),
        "power": _power(report),
        "memory": _memory(report.sensors),
        "cameras": _cameras(report.video_devices),
    }
    return lines + [f"{name}: {text}" for name, text in facts.items() if text]


def _clocks(report: MachineReport) -> str:
    parts = [f"{count} x {mhz} MHz" for mhz, count in Counter(report.sensors.clocks_mhz).items()]
    most = [each.hardware_max_mhz for each in report.sensors.clocks if each.hardware_max_mhz]
    if most:
        parts.append(f"at most {max(most)} MHz")
    parts += [f"governor {governor}" for governor in dict.fromkeys(report.sensors.governors)]
    if report.firmware and report.firmware.clock_mhz:
        parts.append(f"{report.firmware.clock_mhz} MHz by the firmware")
    return ", ".join(parts)


def _temperatures(report: MachineReport) -> str:
    parts = [f"{zone} {heat:.1f} C" for zone, heat in report.sensors.temperatures_c.items()]
    limits = report.profile.thermal if report.profile else None
    if parts and limits and limits.throttle_start_c:
        parts.append(f"slowed from {limits.throttle_start_c:g} C on")
    return ", ".join(parts)


def _throttling(report: MachineReport) -> str:
    sensors = report.sensors
    parts: list[str] = []
    if report.throttle_bits is not None:
        parts += describe_throttle_bits(report.throttle_bits) or ["no, not since boot"]
    if sensors.throttle_events is not None:
        parts.append(f"{sensors.throttle_events} times since boot")
    if sensors.overcurrent_events is not None:
        parts.append(f"{sensors.overcurrent_events} times for the supply since boot")
    return ", ".join(parts)


def _power(report: MachineReport) -> str:
    sensors = report.sensors
    rails = sensors.power_rails_w or (report.firmware.rails_w if report.firmware else {})
    parts = [f"{rail} {watts:.2f} W" for rail, watts in rails.items()]
    if sensors.power_mode is not None:
        parts.append(f"mode {sensors.power_mode.name or sensors.power_mode.identifier}")
    if sensors.is_on_battery is not None:
        parts.append("on battery" if sensors.is_on_battery else "battery is being charged or full")
    return ", ".join(parts)


def _memory(sensors: SensorReading) -> str:
    memory = sensors.memory
    parts = []
    if memory.available_mib is not None:
        parts.append(f"{memory.available_mib} MiB available")
    if memory.swap_total_mib:
        parts.append(f"swap {memory.swap_free_mib} of {memory.swap_total_mib} MiB free")
    if sensors.disk_free_mib is not None:
        parts.append(f"disk {sensors.disk_free_mib} MiB free")
    return ", ".join(parts)


def _cameras(devices: tuple[VideoDevice, ...]) -> str:
    kinds = {"camera": "", "sensor": ", raw: needs libcamera or Argus"}
    return "; ".join(
        f"{each.path} ({each.name or 'no name'}{kinds[each.role]})"
        for each in devices
        if each.role in kinds
    )
