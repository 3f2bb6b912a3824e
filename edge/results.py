"""What an answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "EVEN_GATE",
    "INPUT_GATE",
    "LatencyNs",
    "ModelIdentity",
    "NoAnswer",
    "OutputResult",
    "Result",
    "Score",
]

EVEN_GATE = "even"
"""Gate of a picture of one even tone."""

INPUT_GATE = "input"
"""Gate of an input that could not be read, or lacks what the model needs."""

OutputKind = Literal["classification", "multilabel", "regression"]
Status = Literal["ok", "refused", "error"]


@dataclass(frozen=True, slots=True)
class Score:
    """One label's score after activation and temperature (a value in its unit for regression)."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class OutputResult:
    """One model output, read as its manifest says.

    Attributes:
        name: the output's name in the manifest.
        kind: how to read the scores.
        scores: one entry a label, in the manifest's label order. With an activation,
            probabilities in 0..1: summing to 1 for classification, each its own for multilabel.
            Without one, and for regression, whatever the model gives.
        decision: the labels decided for: one for classification, any number for multilabel,
            none for regression.
        unit: unit of the values for regression, else "".
    """

    name: str
    kind: OutputKind
    scores: tuple[Score, ...]
    decision: tuple[str, ...]
    unit: str = ""

    @property
    def top(self) -> Score:
        """The highest score; the first of equals."""
        return max(self.scores, key=lambda each: each.score)


@dataclass(frozen=True, slots=True)
class LatencyNs:
    """Nanoseconds that each stage took for one input.

    `total` is from the start of capture or decode to the finished result, so it is at least
    the sum of the stages. A stage that did not happen is 0.
    """

    capture: int = 0
    decode: int = 0
    preprocess: int = 0
    infer: int = 0
    postprocess: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answered.

    Attributes:
        name: from the manifest, or the file's name for a bare model file.
        version: from the manifest, or "".
        digest: SHA-256 in hex of `manifest.json` (which holds every file's digest), or of the
            bare model file.
    """

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why an input gets no answer.

    Attributes:
        status: "refused": it was readable but must not be answered; "error": it was not.
        gate: as `Result.gate`.
        reason: one line.
    """

    status: Literal["refused", "error"]
    gate: str
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """The answer for one input.

    Attributes:
        source: where the input came from.
        index: 0-based position within the source.
        status: "ok"; "refused" where the input was readable but must not be answered; "error"
            where it was not readable, as only a stream says it (elsewhere that is raised). Where
            it is not "ok", `reason` says why and `outputs` is empty.
        reason: None when status is "ok".
        outputs: one entry for each output in the manifest.
        model: which model answered.
        engine: "onnxruntime", "litert" or "replay".
        precision: "int8", "float32", ...
        latency_ns: time by stage.
        digest: the input's SHA-256 in hex, "" where it was not asked for.
        capture_time_ns: time.time_ns() when the frame was taken or the file was read.
        capture_monotonic_ns: time.monotonic_ns() at the same moment; 0 where nobody noted it.
        gate: which gate refused the input, a stable word ("black", "frozen", "stale", ...), ""
            where none did.
    """

    source: str
    index: int
    status: Status
    reason: str | None
    outputs: tuple[OutputResult, ...]
    model: ModelIdentity
    engine: str
    precision: str
    latency_ns: LatencyNs
    digest: str = ""
    capture_time_ns: int = 0
    capture_monotonic_ns: int = 0
    gate: str = ""

    @property
    def top(self) -> Score:
        """The highest score of the first output.

        Raises:
            ValueError: the input was refused, so there is no answer.
        """
        if not self.outputs:
            raise ValueError(f"no answer for {self.source}: {self.reason}")
        return self.outputs[0].top

    @property
    def decision(self) -> tuple[str, ...]:
        """The labels decided for in the first output; empty when refused."""
        return self.outputs[0].decision if self.outputs else ()
