"""What the comparison found, as a file that grows run by run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import Machine
from benchmarks.peers.growing_record import read_or_begin
from benchmarks.peers.quantizers.quality import Quality

__all__ = [
    "OURS",
    "Comparison",
    "ModelFacts",
    "Run",
    "SpeedRun",
    "read_comparison",
    "write_comparison",
]

OURS: Final = "edgedx"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model that is compared on.

    Attributes:
        name: of its folder.
        family: "cnn", "attention" or "recurrent".
        sha256: of the float ONNX file.
        float_bytes: its size.
        weights: where they come from.
        inputs: what the examples are.
        calibration_examples: how many every quantizer saw.
        test_examples: how many the quality is measured on.
    """

    name: str
    family: str
    sha256: str
    float_bytes: int
    weights: str
    inputs: str
    calibration_examples: int
    test_examples: int


@dataclass(frozen=True, slots=True)
class Run:
    """One quantizer, at one setting, on one model.

    Attributes:
        model: name.
        peer: quantizer's name; `OURS` for ours.
        setting: name.
        engine: that runs the file.
        is_dynamic: activations are quantized while the model runs.
        fault: why there is no file, or why it does not run; None where it does.
        quality: of the file's answers; None where there is a fault.
        is_quantized: at least half of the file's weights are in 8 bits; quantizers leave operators
            they do not know in float, and then a perfect answer says nothing.
        file_bytes: size.
        sha256: of the file.
        seconds: of the quantizer, its imports left out.
        peak_mib: of the quantizer's process.
    """

    model: str
    peer: str
    setting: str
    engine: str
    is_dynamic: bool
    fault: str | None = None
    quality: Quality | None = None
    is_quantized: bool = False
    file_bytes: int = 0
    sha256: str = ""
    seconds: float = 0.0
    peak_mib: float = 0.0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells runs apart."""
        return self.model, self.peer, self.setting, self.engine


@dataclass(frozen=True, slots=True)
class SpeedRun:
    """Files of one model on one engine, timed in turn.

    Attributes:
        model: name.
        engine: "onnxruntime" or "litert".
        threads: inside one inference.
        rounds_ms: by file ("float", "edgedx", a quantizer's name), the samples of each round.
        settings: by file, the quantizer's setting.
    """

    model: str
    engine: str
    threads: int
    rounds_ms: dict[str, list[list[float]]]
    settings: dict[str, str]

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells runs apart."""
        return self.model, self.engine, self.threads


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything found so far.

    Attributes:
        format: of this file.
        machine: where it ran.
        environments: versions by package, by environment; "ours" is the one that ran the files.
        models: compared on.
        runs: quality.
        speed: latency.
    """

    format: int = _FORMAT
    machine: Machine | None = None
    environments: dict[str, dict[str, str]] = field(default_factory=dict)
    models: tuple[ModelFacts, ...] = ()
    runs: tuple[Run, ...] = ()
    speed: tuple[SpeedRun, ...] = ()

    def has_run(self, key: tuple[str, str, str, str]) -> bool:
        """Whether this run is there already; a fault of ours is tried again."""
        return any(run.key == key and (run.fault is None or run.peer != OURS) for run in self.runs)

    def with_model(self, facts: ModelFacts) -> Comparison:
        """A copy with this model, in place of one of the same name.

        What was found on another file of that name is left out: it would be compared unlike.
        """
        others = tuple(each for each in self.models if each.name != facts.name)
        if any(each.name == facts.name and each.sha256 == facts.sha256 for each in self.models):
            return replace(self, models=(*others, facts))
        return replace(
            self,
            models=(*others, facts),
            runs=tuple(run for run in self.runs if run.model != facts.name),
            speed=tuple(run for run in self.speed if run.model != facts.name),
        )

    def with_run(self, run: Run) -> Comparison:
        """A copy with this run, in place of one with the same key."""
        return replace(self, runs=(*(each for each in self.runs if each.key != run.key), run))

    def with_speed(self, speed: SpeedRun) -> Comparison:
        """A copy with these timings, in place of those with the same key."""
        others = (each for each in self.speed if each.key != speed.key)
        return replace(self, speed=(*others, speed))


def read_comparison(path: Path) -> Comparison:
    """Read what was found so far; nothing where there is no file.

    Raises:
        InputError: the file is damaged or of another format.
    """
    return read_or_begin(path, Comparison(), option="--out")


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(comparison), indent=1)
    write_file(path, text + b"\n")
