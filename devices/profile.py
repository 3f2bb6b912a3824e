"""What is known of a board before anything is measured on it.

These dataclasses are the schema of `devices/boards/*.toml`: a file is one `BoardProfile`, a table
of it one of the dataclasses below, a key one attribute; keys that are not here are refused. Every
table that states a fact states its source beside it. An unknown fact is a key left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BoardMatch",
    "BoardProfile",
    "Cores",
    "Instructions",
    "KnownBad",
    "MemoryFacts",
    "PowerSensors",
    "Recommendation",
    "SoftwareSystem",
    "ThermalLimits",
    "Throttling",
]


def _one_of(*choices: Any) -> dict[str, Any]:
    return {"choices": choices}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardMatch:
    """How the board is told from others.

    Attributes:
        architectures: as `uname -m` gives them.
        compatible: entries of the device tree's `compatible`; one is enough.
        models: beginnings of the device tree's `model`; one is enough. Not looked at where
            `compatible` could be read.
        source: where these names are from.
    """

    architectures: tuple[str, ...]
    compatible: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Processor cores of one kind.

    Attributes:
        kind: "Cortex-A76".
        count: how many.
        clock_max_mhz: highest clock that the maker sets; None where unknown.
        source: where the figures are from.
    """

    kind: str
    count: int
    clock_max_mhz: int | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """Instruction sets that int8 inference profits from.

    Attributes:
        names: as `/proc/cpuinfo` writes them: "asimd", "asimddp" (dot product), "i8mm", ...
        source: where they are from.
    """

    names: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFacts:
    """The memory.

    Attributes:
        sizes_mib: which sizes the board is sold with.
        bandwidth_gb_per_s: peak, in 10^9 bytes a second; None where unknown.
        source: where the figures are from.
    """

    sizes_mib: tuple[int, ...]
    bandwidth_gb_per_s: float | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalLimits:
    """Where heat changes the speed.

    Attributes:
        zone: type of the thermal zone to watch, such as "cpu-thermal"; None where unknown.
        throttle_start_c: from here on clocks are lowered, in degrees Celsius; None where unknown.
        hard_limit_c: here clocks are lowered as far as it takes, or the board switches off; None
            where unknown.
        source: where the figures are from.
    """

    zone: str | None = None
    throttle_start_c: float | None = None
    hard_limit_c: float | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttling:
    """How the board says that it was throttled.

    Attributes:
        signals: "get_throttled": the Raspberry Pi firmware's word; "rpi_volt": its under-voltage
            alarm; "cooling_device": a brake's state above 0; "overcurrent_events": Jetson's
            counters; "core_throttle_count": x86's counters.
        source: where this is from.
    """

    signals: tuple[str, ...] = field(
        metadata=_one_of(
            "get_throttled",
            "rpi_volt",
            "cooling_device",
            "overcurrent_events",
            "core_throttle_count",
        )
    )
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSensors:
    """What measures the power that the board takes.

    Attributes:
        sensors: "pmic": the Raspberry Pi 5's, through `vcgencmd pmic_read_adc`; "ina3221":
            Jetson's rails. Empty: the board measures nothing.
        source: where this is from.
    """

    sensors: tuple[str, ...] = field(metadata=_one_of("pmic", "ina3221"))
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareSystem:
    """An operating system of the board with the newest packages that have wheels for it.

    Attributes:
        name: "Raspberry Pi OS bookworm, 64 bit".
        python: its own Python, "3.11".
        packages: newest version with a wheel, by package; a package that is not here has none.
        source: where this is from.
    """

    name: str
    python: str
    packages: dict[str, str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBad:
    """Versions of a package that are known to fail on the board.

    Attributes:
        package: its name in the package index.
        versions: exact ones.
        symptom: what happens.
        way_out: what to do.
        without_instruction: only processors that lack this instruction set are hit; None: all.
        source: the issue.
    """

    package: str
    versions: tuple[str, ...]
    symptom: str
    way_out: str
    without_instruction: str | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What to use on the board unless the user says otherwise.

    Attributes:
        engine: "onnxruntime" or "litert"; None where nothing speaks for one of them.
        threads: inside one inference; None where nothing speaks for a number.
        activation: 8-bit type of activations in the ONNX model.
        execution_providers: of onnxruntime on this board, best first.
        source: what these rest on.
    """

    engine: str | None = field(default=None, metadata=_one_of("onnxruntime", "litert"))
    threads: int | None = None
    activation: str = field(metadata=_one_of("uint8", "int8"))
    execution_providers: tuple[str, ...] = field(
        metadata=_one_of(
            "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
        )
    )
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardProfile:
    """One board.

    Attributes:
        format: of the file; 1.
        name: the file's name, "raspberry_pi_5".
        title: the board's, "Raspberry Pi 5".
        match: how it is told from others.
        cores: by kind; empty where the board may have any.
        instructions: None where the board may have any.
        memory: None where the board may have any.
        thermal: None where nothing is known.
        throttling: how the board says that it was throttled; None where it does not.
        power: None where it is not known whether the board measures its power.
        systems: operating systems with the newest packages for them.
        known_bad: what fails here.
        recommended: what to use.
    """

    format: int = field(metadata=_one_of(1))
    name: str
    title: str
    match: BoardMatch
    cores: tuple[Cores, ...] = ()
    instructions: Instructions | None = None
    memory: MemoryFacts | None = None
    thermal: ThermalLimits | None = None
    throttling: Throttling | None = None
    power: PowerSensors | None = None
    systems: tuple[SoftwareSystem, ...] = ()
    known_bad: tuple[KnownBad, ...] = ()
    recommended: Recommendation
