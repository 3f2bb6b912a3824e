"""Values as a measurement would leave them, on a quiet board."""

import pytest

from benchmarks.cold_start import ColdStart
from benchmarks.environment import Machine, MachineState
from benchmarks.measure import STAGES, WarmSamples
from benchmarks.record import (
    BenchmarkRecord,
    GoldenReplay,
    PictureIdentity,
    Subject,
    Verdict,
)

MS = 1_000_000


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
def before() -> MachineState:
    return MachineState(
        time_ns=1_700_000_000_000_000_000,
        monotonic_ns=0,
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
        time_ns=before.time_ns + 10_000 * MS,
        monotonic_ns=10_000 * MS,
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
def warm() -> WarmSamples:
    """400 calls of 20 ms, a little up and down."""
    calls = tuple(20 * MS + (index % 7) * 10_000 for index in range(400))
    stages = dict.fromkeys(STAGES, calls) | {"capture": (0,) * 400}
    return WarmSamples(
        warm_up_calls_ns=(60 * MS,) + (20 * MS,) * 30,
        is_settled=True,
        stages_ns=stages,
        pictures=tuple(index % 2 for index in range(400)),
        wrong_answers=0,
    )


@pytest.fixture
def golden() -> GoldenReplay:
    return GoldenReplay(
        inputs=2, steps_before=0.0, steps_after=1.0, tolerance_steps=2, same_tensors=True
    )


@pytest.fixture
def record(
    machine: Machine,
    before: MachineState,
    after: MachineState,
    warm: WarmSamples,
    golden: GoldenReplay,
) -> BenchmarkRecord:
    return BenchmarkRecord(
        schema="edgedx-benchmark",
        schema_version=1,
        subject=Subject(
            "film", "1", "ab" * 32, "film.onnx", 3 * 2**20, "int8", "onnxruntime", "1.32", 4
        ),
        machine=machine,
        before=before,
        after=after,
        pictures=(PictureIdentity("a.png", "cd" * 32), PictureIdentity("b.png", "ef" * 32)),
        is_golden=True,
        cold_starts=(ColdStart(30 * MS, 90 * MS, 200 * MS, 40 * MS, 360 * MS, 70 * 2**20),),
        load_ns=180 * MS,
        first_answer_ns=35 * MS,
        warm=warm,
        golden=golden,
        verdict=Verdict(is_valid=True, reasons=(), notes=()),
    )
