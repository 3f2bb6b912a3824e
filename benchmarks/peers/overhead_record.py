"""What a comparison with the hand-written script found: typed, versioned, raw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.environment import Machine, MachineState
from benchmarks.peers.import_weight import ImportWeight
from benchmarks.peers.ratios import Ratio, Slope

__all__ = ["SCHEMA_VERSION", "Comparison", "MemoryGrowth", "OverheadRecord"]

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing measured on both sides.

    Attributes:
        name: what is measured.
        unit: of `ours` and `theirs`.
        other: what ours is held against.
        ours: raw, one a pair.
        theirs: raw, one a pair.
        ratio: ours by theirs.
        bar: what the median ratio must not exceed; None where it is only told.
        others_share: share of the processors that other programs took meanwhile.
    """

    name: str
    unit: Literal["ns", "bytes"]
    other: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    ratio: Ratio
    bar: float | None
    others_share: float | None

    @property
    def is_met(self) -> bool:
        """Whether the median ratio is within the bar; true where there is none."""
        return self.bar is None or self.ratio.median <= self.bar


@dataclass(frozen=True, slots=True)
class MemoryGrowth:
    """Resident memory over many answers in one process.

    Attributes:
        answers: how many.
        resident_bytes: after each of equally many answers.
        bytes_per_1000_answers: slope over the second half, when everything is allocated.
    """

    answers: int
    resident_bytes: tuple[int, ...]
    bytes_per_1000_answers: Slope


@dataclass(frozen=True, slots=True)
class OverheadRecord:
    """Everything that one run found.

    Attributes:
        schema: always "edgedx-runtime-overhead".
        schema_version: of this form.
        command: what makes such a record again.
        model: name, version and digest of the bundle.
        artifact: the model file that both sides ran.
        threads: inside one inference, on both sides.
        runtime_started_as: how the runtime's process was started.
        pictures: how many different pictures.
        score_difference: largest difference between the two sides' scores on them.
        machine: where.
        before: the machine's state at the start.
        after: its state at the end.
        comparisons: ratios with their raw measurements.
        growth: None where it was not asked for.
        imports: what `import edge` loads.
        reasons: why the figures must not be quoted; empty where they may.
    """

    schema: Literal["edgedx-runtime-overhead"]
    schema_version: Literal[1]
    command: str
    model: tuple[str, str, str]
    artifact: str
    threads: int
    runtime_started_as: str
    pictures: int
    score_difference: float
    machine: Machine
    before: MachineState
    after: MachineState
    comparisons: tuple[Comparison, ...]
    growth: MemoryGrowth | None
    imports: ImportWeight
    reasons: tuple[str, ...]
