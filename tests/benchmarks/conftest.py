"""Values as a measurement would leave them, on a quiet board."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import pytest

from benchmarks.environment import Machine, MachineState
from benchmarks.records.measurement import (
    STAGES,
    AnswerSamples,
    ColdStart,
    EnergyUse,
    InputIdentity,
    InputSet,
    Measurement,
    MemoryUse,
    OwnCost,
    RepeatedInput,
    SensorLog,
    Subject,
    TruthCheck,
    Verdict,
)
from benchmarks.records.record import BenchmarkRecord, BoardLimits, RunSettings
from benchmarks.records.sample_column import SampleColumn

MS = 1_000_000
S = 1_000_000_000

MakeAnswers = Callable[..., AnswerSamples]
MakeSensors = Callable[[Mapping[str, Sequence[int]]], SensorLog]


@pytest.fixture
def machine() -> Machine:
    return Machine(
        board="Raspberry Pi 5 Model B Rev 1.0",
        architecture="aarch64",
        processor="Cortex-A76",
        instructions=("asimddp",),
        processors=4,
        memory_mib=8063,
        kernel="Linux 6.6",
        python="3.11.2",
        packages={"numpy": "2.4.6"},
        is_emulated=False,
    )


@pytest.fixture
def limits() -> BoardLimits:
    return BoardLimits("raspberry_pi_5", 80.0, "cpu-thermal", ("get_throttled", "rpi_volt"))


@pytest.fixture
def before() -> MachineState:
    return MachineState(
        time_ns=1_700_000_000_000_000_000,
        monotonic_ns=50 * S,
        load_1min=0.1,
        busy_s=100.0,
        own_s=1.0,
        governors=("performance",) * 4,
        clocks_mhz=(2400,) * 4,
        temperatures_c={"0 cpu-thermal": 51.5},
        throttle_bits=0,
        throttle_events=None,
        memory_available_mib=7000,
    )


@pytest.fixture
def after(before: MachineState) -> MachineState:
    """Ten seconds later; this process was the only one that worked."""
    return MachineState(
        time_ns=before.time_ns + 10 * S,
        monotonic_ns=before.monotonic_ns + 10 * S,
        load_1min=1.0,
        busy_s=120.0,
        own_s=21.0,
        governors=before.governors,
        clocks_mhz=before.clocks_mhz,
        temperatures_c={"0 cpu-thermal": 60.0},
        throttle_bits=0,
        throttle_events=None,
        memory_available_mib=6900,
    )


@pytest.fixture
def make_answers() -> MakeAnswers:
    """Single-stream answers that took so long each, for inputs in turn."""

    def make(
        calls: Sequence[int],
        *,
        inputs: Sequence[int] | None = None,
        start: int = 0,
        queries: Sequence[int] | None = None,
        issued: Sequence[int] | None = None,
        started: Sequence[int] | None = None,
    ) -> AnswerSamples:
        started = started or [start + sum(calls[:index]) for index in range(len(calls))]
        columns: dict[str, Sequence[int]] = dict.fromkeys(STAGES, calls) | {
            "capture": [0] * len(calls),
            "query": queries or range(len(calls)),
            "input": inputs or [index % 2 for index in range(len(calls))],
            "issued": issued or started,
            "started": started,
        }
        return AnswerSamples(
            {name: SampleColumn.from_values(list(values)) for name, values in columns.items()}
        )

    return make


def steady_calls(count: int) -> list[int]:
    """Calls of 20 ms, a little up and down."""
    random = Random(1)  # noqa: S311 - times, no secret
    return [20 * MS + random.randrange(7) * 10_000 for _ in range(count)]


@pytest.fixture
def make_sensors() -> MakeSensors:
    """A log with one reading a second of every trace."""

    def make(traces: Mapping[str, Sequence[int]]) -> SensorLog:
        count = len(next(iter(traces.values()), ()))
        return SensorLog(
            period_ms=1000,
            times=SampleColumn.from_values([index * S for index in range(count)]),
            traces={name: SampleColumn.from_values(list(each)) for name, each in traces.items()},
            cost_ns=3 * MS,
        )

    return make


@pytest.fixture
def quiet_traces() -> dict[str, list[int]]:
    """Twelve seconds of a board on which nothing happens but the work; core 1 rests at will."""
    return {
        "wall_offset_ns": [0] * 12,
        "clock_mhz cpu0": [2400] * 12,
        "clock_mhz cpu1": [600, 1500] * 6,
        "temperature_mc 0 cpu-thermal": [51_000 + 500 * index for index in range(12)],
        "watcher_ms": list(range(12)),
        "resident_bytes": [90 * 2**20] * 12,
    }


@pytest.fixture
def measurement(
    before: MachineState,
    after: MachineState,
    make_answers: MakeAnswers,
    make_sensors: MakeSensors,
    quiet_traces: dict[str, list[int]],
) -> Measurement:
    """A quiet one."""
    return Measurement(
        subject=Subject(
            name="film",
            version="1",
            digest="ab" * 32,
            artifact="film.onnx",
            artifact_sha256="12" * 32,
            artifact_bytes=3 * 2**20,
            package_bytes=7 * 2**20,
            precision="int8",
            engine="onnxruntime",
            engine_version="1.32",
            threads=4,
        ),
        status="complete",
        failure="",
        inputs=InputSet(
            "golden", (InputIdentity("a.png", "cd" * 32), InputIdentity("b.png", "ef" * 32))
        ),
        cold_starts=(ColdStart(30 * MS, 90 * MS, 200 * MS, 40 * MS, 360 * MS, 70 * 2**20),),
        load_ns=180 * MS,
        first_answer_ns=35 * MS,
        origin_ns=before.monotonic_ns - 2 * S,
        phases={
            "warm_up": make_answers([60 * MS, *steady_calls(30)]),
            "timed": make_answers(steady_calls(400), start=2 * S),
            "sustained": make_answers(steady_calls(400), start=10 * S),
        },
        is_settled=True,
        before=before,
        after=after,
        sensors=make_sensors(quiet_traces),
        memory=MemoryUse(40 * 2**20, 80 * 2**20, 90 * 2**20, 95 * 2**20),
        truth=TruthCheck(
            golden_inputs=2,
            steps_before=0.0,
            steps_after=1.0,
            tolerance_steps=2,
            same_tensors=True,
            checked_answers=60,
            wrong_answers=0,
            repeated=RepeatedInput(0, 19.9 * MS, 20.0 * MS, 0.4),
        ),
        own_cost=OwnCost(45.0, 20, 70.0, 900.0, 1.5 * MS),
        energy=EnergyUse(None, "", "no power can be read on this machine"),
        verdict=Verdict(is_valid=True, reasons=(), notes=()),
    )


@pytest.fixture
def settings() -> RunSettings:
    return RunSettings(
        scenario="single-stream",
        min_duration_s=8.0,
        min_queries=64,
        sustained_s=8.0,
        seed=1,
        cold_starts=1,
        samples_per_query=1,
        rate_hz=None,
        latency_bound_ns=None,
        governor=None,
    )


@pytest.fixture
def record(
    machine: Machine, limits: BoardLimits, settings: RunSettings, measurement: Measurement
) -> BenchmarkRecord:
    return BenchmarkRecord(
        schema="edgedx-benchmark",
        schema_version=3,
        edgedx="0.1.0",
        started_ns=1_700_000_000_000_000_000,
        is_complete=True,
        settings=settings,
        machine=machine,
        limits=limits,
        measurements=(measurement,),
    )
