"""What the comparison of engines found, as a file that grows model by model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import Machine
from benchmarks.peers.growing_record import read_or_begin
from benchmarks.peers.quantizers.quality import Quality

__all__ = ["EngineComparison", "Entry", "Heat", "read_engines", "write_engines"]

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One contestant in one heat.

    Attributes:
        key: see `Contestant.key`.
        name: of the engine.
        precision: "float32", "bfloat16" or "int8".
        is_ours: run by edgedx.
        threads: inside one inference.
        version: of what ran it; "" where nothing did.
        sha256: of its file; "" where there is none.
        file_bytes: size of its file, weights beside it included.
        fault: why it did not run; None where it did.
        quality: of its answers against the float model's.
        rounds_ns: nanoseconds of each inference, by round.
        rounds_processor_ns: processor time of one inference on average, by round, all threads of
            the process together.
    """

    key: str
    name: str
    precision: str
    is_ours: bool
    threads: int = 1
    version: str = ""
    sha256: str = ""
    file_bytes: int = 0
    fault: str | None = None
    quality: Quality | None = None
    rounds_ns: list[list[int]] = field(default_factory=list)
    rounds_processor_ns: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Heat:
    """All contestants on one model at one number of threads, taking turns.

    Attributes:
        model: name.
        family: "cnn", "attention" or "recurrent".
        sha256: of the float ONNX file.
        threads: inside one inference.
        seed: of the order of turns.
        others_share: 0..1, how much of the machine's processor time other programs took
            meanwhile; None where it does not say.
        load_1min: the kernel's average when it began.
        entries: the contestants.
        pipeline_ns: whole answers of ours, decoding included, by stage ("total" too); empty for
            a model that is no bundle.
        pipeline_engine: engine that the bundle's manifest and `edge-run` chose for them.
    """

    model: str
    family: str
    sha256: str
    threads: int
    seed: int
    others_share: float | None
    load_1min: float | None
    entries: tuple[Entry, ...]
    pipeline_ns: dict[str, list[int]] = field(default_factory=dict)
    pipeline_engine: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What tells heats apart."""
        return self.model, self.threads


@dataclass(frozen=True, slots=True)
class EngineComparison:
    """Everything found so far.

    Attributes:
        format: of this file.
        machine: where it ran.
        environments: versions by package, by environment; "ours" is that of the checkout.
        heats: one a model and number of threads.
        causes: by model, why ours is slower than the fastest, as somebody found out.
    """

    format: int = _FORMAT
    machine: Machine | None = None
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    heats: tuple[Heat, ...] = ()
    causes: dict[str, str] = field(default_factory=dict)

    def with_heat(self, heat: Heat) -> EngineComparison:
        """A copy with this heat, in place of one with the same key."""
        others = (each for each in self.heats if each.key != heat.key)
        return replace(self, heats=tuple(sorted((*others, heat), key=lambda each: each.key)))


def read_engines(path: Path) -> EngineComparison:
    """Read what was found so far; nothing where there is no file.

    Raises:
        InputError: the file is damaged or of another format.
    """
    return read_or_begin(path, EngineComparison(), option="-o")


def write_engines(comparison: EngineComparison, path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_file(path, msgspec.json.encode(comparison) + b"\n")
