"""What came of all models, as a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import Machine
from benchmarks.zoo.trained_models.figures import ModelFigures

__all__ = ["ModelRun", "TrainedModelsRecord", "write_trained_models"]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model through `edge-quantize` and `edge-run selftest`.

    Attributes:
        name: of the task.
        model: which network, trained by whom on what.
        examples: what it was judged on.
        licence: of model and data.
        skipped: why it could not be had; "" where it was.
        exit_code: of `edge-quantize`.
        said: its last line on stderr; "" for none.
        seconds: that it took.
        selftest: exit code of `edge-run selftest` by engine.
        figures: None where there is no report.
        bars: whether each is kept; empty without labels.
    """

    name: str
    model: str
    examples: str
    licence: str
    skipped: str = ""
    exit_code: int | None = None
    said: str = ""
    seconds: float = 0.0
    selftest: dict[str, int] = field(default_factory=dict)
    figures: ModelFigures | None = None
    bars: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainedModelsRecord:
    """All models of one run.

    Attributes:
        machine: that ran it.
        command: that makes it again.
        runs: one a model.
        format: of this record.
    """

    machine: Machine
    command: str
    runs: tuple[ModelRun, ...]
    format: int = 1


def write_trained_models(record: TrainedModelsRecord, path: Path) -> None:
    """Write a record as indented JSON, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    write_file(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
