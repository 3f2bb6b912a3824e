"""Everything a report can say, as plain values; every part may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edge.bundle.manifest import Parity
from quantize.evaluation.evaluation import Evaluation
from quantize.evaluation.layer_loss import LayerLoss

__all__ = [
    "Finding",
    "LadderStep",
    "ModelFile",
    "QuantizationReport",
    "RangeEntry",
    "SpeedEntry",
    "SpeedGain",
]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model file.

    Attributes:
        name: "source", or its path in the bundle.
        size_bytes: of the file.
        sha256: of its bytes, in hex; "" where not known.
    """

    name: str
    size_bytes: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class RangeEntry:
    """The range of one tensor.

    Attributes:
        name: of the tensor.
        observed_low: smallest value seen in calibration.
        observed_high: largest.
        low: lower end of what its 256 levels cover.
        high: upper end.
        method: how the range was chosen.
    """

    name: str
    observed_low: float
    observed_high: float
    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One attempt to repair.

    Attributes:
        rung: what was tried.
        before: the ladder's metric before.
        after: the same after.
        kept: whether the result was kept.
        seconds: that it took.
    """

    rung: str
    before: float
    after: float
    kept: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class SpeedEntry:
    """How long one file takes on the machine that made it.

    Attributes:
        engine: "onnxruntime" or "litert".
        model: name of the file.
        median_ms: of all runs, milliseconds.
        low_ms: the tenth percentile.
        high_ms: the ninetieth.
        runs: how many, alternating with the other files of the same report.
    """

    engine: str
    model: str
    median_ms: float
    low_ms: float
    high_ms: float
    runs: int


@dataclass(frozen=True, slots=True)
class SpeedGain:
    """How much faster int8 is than float in one engine, on the machine that made both.

    Attributes:
        engine: "onnxruntime" or "litert".
        reference: name of the float file.
        model: name of the int8 file.
        ratio: the float file's time over the int8 file's, median over rounds in which both ran.
        low: lower bound of its 95 % interval.
        high: upper bound.
        rounds: how many.
        is_float_kept: whether the bundle carries the float file too, and runs it.
    """

    engine: str
    reference: str
    model: str
    ratio: float
    low: float
    high: float
    rounds: int
    is_float_kept: bool = False

    @property
    def is_faster(self) -> bool:
        """Whether int8 is faster beyond doubt."""
        return self.low > 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader has to know.

    Attributes:
        kind: "overruled": a refusal that the user overruled; "refused": why the result must not
            be shipped; "warning"; "note".
        text: one sentence.
    """

    kind: Literal["overruled", "refused", "warning", "note"]
    text: str


@dataclass(frozen=True, slots=True)
class QuantizationReport:
    """One quantization.

    Attributes:
        name: of the model.
        version: of the model.
        task: what it does, in a few words.
        files: the source first.
        calibration_examples: how many.
        parity: each file against the float model on the calibration examples.
        evaluation: on labelled data.
        layers: loss by layer.
        ranges: of the tensors.
        ladder: attempts to repair, in order.
        ladder_metric: what `LadderStep.before` and `after` measure.
        speed: on the machine that made the bundle.
        speed_gains: of int8 over float, by engine, on that machine.
        machine: that machine, one line.
        findings: what a reader has to know.
        versions: of the tools, by name.
        digests: SHA-256 in hex, by what they are of.
    """

    name: str
    version: str = ""
    task: str = ""
    files: tuple[ModelFile, ...] = ()
    calibration_examples: int = 0
    parity: tuple[Parity, ...] = ()
    evaluation: Evaluation | None = None
    layers: tuple[LayerLoss, ...] = ()
    ranges: tuple[RangeEntry, ...] = ()
    ladder: tuple[LadderStep, ...] = ()
    ladder_metric: str = "SNR in dB"
    speed: tuple[SpeedEntry, ...] = ()
    speed_gains: tuple[SpeedGain, ...] = ()
    machine: str = ""
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
