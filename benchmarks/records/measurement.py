"""What was measured of one subject: one model file, on one engine, with so many threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import MachineState
from benchmarks.records.sample_column import SampleColumn

__all__ = [
    "COLUMNS",
    "PHASES",
    "STAGES",
    "AnswerSamples",
    "ColdStart",
    "EnergyUse",
    "InputIdentity",
    "InputSet",
    "Measurement",
    "MemoryUse",
    "OwnCost",
    "RepeatedInput",
    "SensorLog",
    "Subject",
    "TruthCheck",
    "Verdict",
]

STAGES: Final = ("capture", "decode", "preprocess", "infer", "postprocess", "total", "call")
"""Stages as the runtime times them, and `call`: the whole call, timed from outside."""

COLUMNS: Final = ("query", "input", "issued", "started", *STAGES)
"""Columns of `AnswerSamples`."""

PHASES: Final = ("warm_up", "timed", "sustained", "same_input", "varied_input")
"""What a measurement does, in this order. The figures to quote come from `timed`."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One process from its start to its first answer, nanoseconds by stage.

    The process is new; files and bytecode are in the system's cache.

    Attributes:
        interpreter_ns: from asking for the process to its first own line.
        import_ns: `import edge`.
        load_ns: `edge.load`, the engine's import in it.
        first_answer_ns: the first `run`, reading the file in it.
        total_ns: all of it.
        peak_memory_bytes: most resident memory until the first answer.
    """

    interpreter_ns: int
    import_ns: int
    load_ns: int
    first_answer_ns: int
    total_ns: int
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured.

    Attributes:
        name: of the model.
        version: of the model, "" for a bare file.
        digest: as in `edge.ModelIdentity`: of the bundle's manifest, or of the bare file.
        artifact: path of the model file in its bundle, or the bare file's name.
        artifact_sha256: of that file, in hex.
        artifact_bytes: size of that file.
        package_bytes: of all the bundle's files; of the file itself for a bare one.
        precision: "int8", "float32", ...
        engine: "onnxruntime" or "litert".
        engine_version: of the engine's library; "" where it was never loaded.
        threads: inside one inference.
    """

    name: str
    version: str
    digest: str
    artifact: str
    artifact_sha256: str
    artifact_bytes: int
    package_bytes: int
    precision: str
    engine: str
    engine_version: str
    threads: int


@dataclass(frozen=True, slots=True)
class InputIdentity:
    """An input that was answered for: its file's name and the SHA-256 of its bytes in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class InputSet:
    """What the model was fed.

    Attributes:
        kind: "golden": the bundle's own; "given": files that the user named; "random": numbers
            that mean nothing, so that the engine alone was timed and no answer was checked.
        identities: in the order in which `AnswerSamples` counts them; of random inputs too.
    """

    kind: Literal["golden", "given", "random"]
    identities: tuple[InputIdentity, ...]


@dataclass(frozen=True, slots=True)
class AnswerSamples:
    """Answers of one phase in their order: a column for each of `COLUMNS`, one row an answer.

    Attributes:
        columns: `query`: 0-based number of the query that the answer belongs to; `input`: index
            of its input; `issued`: when its query was issued, and `started`: when the model was
            called, both in nanoseconds since the measurement's `origin_ns`; the others:
            nanoseconds of that stage, 0 where it did not happen.
        kept_every: one of so many queries (of the offline scenario: answers) is here; 1 for all.
            Only phases that would have hundreds of thousands are thinned, evenly over time.
    """

    columns: dict[str, SampleColumn]
    kept_every: int = 1

    @property
    def count(self) -> int:
        """How many answers are here: what percentiles and intervals rest on."""
        return self.columns["call"].count

    @property
    def taken(self) -> int:
        """How many answers were given, to within one `kept_every`: throughput, energy, rates."""
        return self.count * self.kept_every

    def values(self, name: str) -> NDArray[np.int64]:
        """One column, int64 of shape (count,)."""
        return self.columns[name].values()

    def query_latencies_ns(self) -> NDArray[np.int64]:
        """From the issue of each query to its last answer, int64 of shape (queries,).

        The latency that MLPerf's scenarios speak of: waiting for earlier queries counts.
        """
        _, first, queries = np.unique(self.values("query"), return_index=True, return_inverse=True)
        ended = np.zeros(first.size, dtype=np.int64)
        np.maximum.at(ended, queries, self.values("started") + self.values("call"))
        latencies: NDArray[np.int64] = ended - self.values("issued")[first]
        return latencies


@dataclass(frozen=True, slots=True)
class SensorLog:
    """What the machine's sensors said while the subject was measured.

    Another process reads them, so that no answer waits for a sensor.

    Attributes:
        period_ms: how often they were read.
        times: when, in nanoseconds since the measurement's `origin_ns`.
        traces: one reading a time, by name; a sensor that the machine does not have is absent,
            and `MISSING` stands where one vanished. `wall_offset_ns`: wall clock minus steady
            clock, less its first value; `clock_mhz cpu0`; `temperature_mc 0 cpu-thermal` (in
            0.001 degrees Celsius); `throttle_bits`, `throttle_events`, `overcurrent_events`,
            `undervoltage` as in `devices.sensors`; `power_mw VDD_IN`, of a Raspberry Pi 5
            `power_mw PMIC sum`; `cooling 0 pwm-fan`;
            `busy_ms`: all processors since boot; `watcher_ms`: processor time of edge-bench's
            own reading process; `resident_bytes`: of the measuring process.
        cost_ns: processor time that reading took in all.
    """

    period_ms: int
    times: SampleColumn
    traces: dict[str, SampleColumn]
    cost_ns: int


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Resident memory of the measuring process, which runs this subject alone, in bytes.

    Attributes:
        start_bytes: before the model was loaded, the runtime imported.
        loaded_bytes: after the first answer.
        steady_bytes: after the last answer.
        peak_bytes: the most there ever was.
    """

    start_bytes: int
    loaded_bytes: int
    steady_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class RepeatedInput:
    """One input over and over, beside all in turn: does anything remember an answer?

    After MLPerf Inference's compliance test TEST04.

    Attributes:
        input: index of the input.
        repeated_ns: median call of that input, repeated.
        varied_ns: median call of that input among the others.
        probability: of so large a difference where there is none (rank test, two-sided).
    """

    input: int
    repeated_ns: float
    varied_ns: float
    probability: float


@dataclass(frozen=True, slots=True)
class TruthCheck:
    """Whether what was timed was the true work.

    Attributes:
        golden_inputs: how many golden inputs were replayed; 0 where the model carries none.
        steps_before: largest difference from the lab's outputs, in output steps, before; 1e9
            where an output differs that may not differ at all.
        steps_after: the same after the measurement.
        tolerance_steps: what the bundle allows.
        same_tensors: whether preprocessing made bit for bit the lab's tensors.
        checked_answers: how many of the timed phase's answers were checked, a seeded sample
            (TEST01).
        wrong_answers: of these and of the sustained phase's, how many differ from the answer
            given before timing began.
        repeated: one input against all (TEST04); None where there is only one input.
        checked_sustained: how many of the sustained phase's answers were checked.
    """

    golden_inputs: int
    steps_before: float
    steps_after: float
    tolerance_steps: int
    same_tensors: bool
    checked_answers: int
    wrong_answers: int
    repeated: RepeatedInput | None
    checked_sustained: int = 0


@dataclass(frozen=True, slots=True)
class OwnCost:
    """What measuring itself costs.

    Attributes:
        timer_overhead_ns: reading the clock once.
        timer_resolution_ns: smallest step that the clock was seen to make.
        loop_floor_ns: median `call` of an answerer that does nothing, in the same loop.
        bookkeeping_ns: between two answers, in no sample: what throughput loses by it.
        pipeline_floor_ns: median `call` of the subject's pipeline around an engine that does
            nothing: all but inference; None for random inputs, which go to the engine alone.
    """

    timer_overhead_ns: float
    timer_resolution_ns: int
    loop_floor_ns: float
    bookkeeping_ns: float
    pipeline_floor_ns: float | None


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Energy by answer over the timed phase, idle power included.

    Attributes:
        joules_per_answer: None where the board reads no power.
        rail: which supply was read.
        reason: why there is no figure; "" where there is one.
    """

    joules_per_answer: float | None
    rail: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the figures may be quoted.

    Attributes:
        is_valid: nothing was found that disturbs them.
        reasons: what was found; empty where valid.
        notes: what a reader should know and what does not make them invalid.
    """

    is_valid: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Everything that was measured and seen of one subject, raw.

    What a measurement did not come to is None or absent; in a complete one nothing is.

    Attributes:
        subject: what was measured.
        status: "complete"; "interrupted": stopped from outside; "failed": by itself.
        failure: what stopped it; "" for a complete one.
        inputs: what it was fed.
        cold_starts: each from a process of its own.
        load_ns: loading the model in the measuring process.
        first_answer_ns: the first call in the measuring process.
        origin_ns: `time.monotonic_ns()` to which the samples' and sensors' times are relative.
        phases: by name, of `PHASES`; those that were reached.
        is_settled: whether the warm-up ended by its rule.
        before: the machine's state when the timed phase began, the model warm and busy.
        after: its state when the last phase ended.
        sensors: what was seen meanwhile.
        memory: of the measuring process.
        truth: whether the true work was timed.
        own_cost: of measuring.
        energy: by answer.
        verdict: whether the figures may be quoted.
        is_rate_kept: False where the timed phase ended early, because a server's answers fell too
            far behind its arrivals; None where it did not come to its end.
    """

    subject: Subject
    status: Literal["complete", "interrupted", "failed"]
    failure: str
    inputs: InputSet
    cold_starts: tuple[ColdStart, ...]
    load_ns: int | None
    first_answer_ns: int | None
    origin_ns: int
    phases: dict[str, AnswerSamples]
    is_settled: bool | None
    before: MachineState | None
    after: MachineState | None
    sensors: SensorLog
    memory: MemoryUse | None
    truth: TruthCheck | None
    own_cost: OwnCost | None
    energy: EnergyUse
    verdict: Verdict
    is_rate_kept: bool | None = None
