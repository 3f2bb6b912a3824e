"""What a soak says: throttling by every sign that a board has, slowing down, leaking."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.cli import bench_group
from benchmarks.records.measurement import Measurement
from benchmarks.records.record import BoardLimits
from benchmarks.records.sample_column import MISSING, SampleColumn
from benchmarks.soak.findings import examine_soak
from benchmarks.soak.report import format_soak
from benchmarks.statistics.trend import theil_sen
from edge.errors import InputError

MS, S, MIB = 1_000_000, 1_000_000_000, 2**20
MINUTES = 40
READINGS = MINUTES * 60


@pytest.fixture
def soak(measurement: Measurement, make_answers, make_sensors):
    """Forty minutes of load, five answers a second, one reading a second."""

    def make(traces, *, slow_from: float = 2.0, slow_by: float = 1.0) -> Measurement:
        count = 5 * READINGS
        noise = np.random.default_rng(1).normal(0, 2, count)
        scale = np.where(np.arange(count) < slow_from * count, 1.0, slow_by)
        calls = (200 * MS * scale + noise * MS).astype(int)
        timed = make_answers(calls[:300].tolist())
        sustained = make_answers(calls[300:].tolist(), start=int(calls[:300].sum()))
        return replace(
            measurement,
            phases={"timed": timed, "sustained": sustained},
            sensors=make_sensors({"clock_mhz cpu0": [2400] * READINGS} | traces),
        )

    return make


def _from(second: int, before: int, after: int) -> list[int]:
    return [before] * second + [after] * (READINGS - second)


@pytest.mark.parametrize(
    ("traces", "sign"),
    [
        pytest.param(
            {"throttle_bits": _from(300, 0, 0x4)}, "firmware's throttle bits", id="Raspberry Pi"
        ),
        pytest.param(
            {"throttle_events": _from(300, 17, 18)}, "processor's throttle counter", id="x86"
        ),
        pytest.param({"overcurrent_events": _from(300, 2, 3)}, "over-current counter", id="Jetson"),
        pytest.param({"undervoltage": _from(300, 0, 1)}, "under-voltage alarm", id="supply"),
        pytest.param(
            {"cooling 0 thermal-cpufreq-0": _from(300, 0, 5)}, "brake on the", id="kernel's brake"
        ),
        pytest.param(
            {
                "clock_mhz cpu0": _from(300, 2400, 1500),
                "temperature_mc 0 cpu-thermal": _from(290, 70_000, 81_000),
            },
            "lower clock at 80 degrees",
            id="heat",
        ),
    ],
)
def test_the_time_to_throttle_is_told_by_every_sign_a_board_has(traces, sign, soak, limits) -> None:
    found = examine_soak(soak(traces), limits)
    assert found.throttling is not None
    assert found.throttling.after_s == 300
    assert sign in found.throttling.sign


@pytest.mark.parametrize(
    "traces",
    [
        pytest.param({"throttle_bits": [0x50000] * READINGS}, id="throttled before, not now"),
        pytest.param(
            {
                "clock_mhz cpu0": _from(300, 2400, 1500),
                "temperature_mc 0 cpu-thermal": [50_000] * READINGS,
            },
            id="a lower clock on a cool board",
        ),
        pytest.param({"throttle_bits": _from(300, 0, MISSING)}, id="a sensor that vanished"),
    ],
)
def test_what_is_no_throttling_is_not_called_so(traces, soak, limits) -> None:
    assert examine_soak(soak(traces), limits).throttling is None


def test_a_machine_without_any_sign_is_not_said_to_be_cool(soak, limits) -> None:
    measurement = soak({})
    traces = {"resident_bytes": SampleColumn.from_values([90 * MIB] * READINGS)}
    blind = replace(measurement, sensors=replace(measurement.sensors, traces=traces))
    found = examine_soak(blind, limits)
    assert "not known" in "\n".join(format_soak(blind, found))


def test_slowing_down_is_a_ratio_with_its_interval(soak, limits) -> None:
    steady = examine_soak(soak({}), limits).sustained_over_cold
    slower = examine_soak(soak({}, slow_from=0.4, slow_by=1.3), limits)
    assert steady is not None
    assert steady.low <= 1.0 <= steady.high
    assert slower.sustained_over_cold is not None
    assert slower.sustained_over_cold.low < 1.3 < slower.sustained_over_cold.high + 0.01
    assert (slower.cold_ms, slower.sustained_ms) == pytest.approx((200, 260), abs=1)


def test_memory_that_goes_on_growing_is_a_leak(soak, limits) -> None:
    growing = [90 * MIB + 5000 * second for second in range(READINGS)]
    memory = examine_soak(soak({"resident_bytes": growing}), limits).memory
    assert memory is not None
    assert memory.is_leak
    assert memory.mib_per_hour.value == pytest.approx(5000 * 3600 / MIB, rel=0.02)


def test_memory_that_settles_and_one_that_wavers_are_no_leak(soak, limits) -> None:
    filling = [90 * MIB + min(second, 200) * 50_000 for second in range(READINGS)]
    wavering = (90 * MIB + np.random.default_rng(1).normal(0, MIB, READINGS)).astype(int).tolist()
    one_step = _from(READINGS * 3 // 4, 90 * MIB, 91 * MIB)
    ever_slower = [90 * MIB + int(4 * MIB * np.log1p(second)) for second in range(READINGS)]
    for trace in (filling, wavering, one_step, ever_slower):
        memory = examine_soak(soak({"resident_bytes": trace}), limits).memory
        assert memory is not None
        assert memory.is_leak is False


def test_memory_that_wanders_without_growing_is_hardly_ever_called_a_leak(soak, limits) -> None:
    """Readings of a minute resemble each other: a chain with rho 0.98 and no trend."""
    called = 0
    for seed in range(12):
        steps = np.random.default_rng(seed).normal(0, 0.2 * np.sqrt(1 - 0.98**2), READINGS)
        wander = np.zeros(READINGS)
        for at in range(1, READINGS):
            wander[at] = 0.98 * wander[at - 1] + steps[at]
        trace = (90 * MIB + MIB * wander).astype(int).tolist()
        memory = examine_soak(soak({"resident_bytes": trace}), limits).memory
        assert memory is not None
        called += bool(memory.is_leak)
    assert called <= 1


def test_a_fan_alone_tells_nothing_of_throttling(soak, limits) -> None:
    measurement = soak({})
    traces = {"cooling 0 pwm-fan": SampleColumn.from_values([3] * READINGS)}
    fan = replace(measurement, sensors=replace(measurement.sensors, traces=traces))
    assert not examine_soak(fan, limits).can_tell_throttling


def test_a_thinned_record_counts_the_answers_that_were_given(soak, limits) -> None:
    measurement = soak({})
    thinned = {name: replace(each, kept_every=10) for name, each in measurement.phases.items()}
    whole = examine_soak(measurement, limits).answers
    assert examine_soak(replace(measurement, phases=thinned), limits).answers == 10 * whole


def test_a_short_soak_does_not_judge_leaks_or_speed(soak, make_answers, limits) -> None:
    growing = [90 * MIB + 50_000 * second for second in range(READINGS)]
    measurement = soak({"resident_bytes": growing})
    short = replace(measurement, phases={"timed": make_answers([200 * MS] * 300)})
    found = examine_soak(short, limits)
    assert found.memory is not None
    assert found.memory.is_leak is None
    assert found.sustained_over_cold is None
    assert "too short" in "\n".join(format_soak(short, found))


def test_a_soak_that_never_came_to_answers_says_so(measurement) -> None:
    with pytest.raises(InputError, match="never timed"):
        examine_soak(replace(measurement, phases={}), BoardLimits("", None, ""))


@pytest.mark.parametrize("slope", [0.0, 3.0])
def test_the_slopes_interval_covers_the_true_slope(slope: float) -> None:
    """In nearly all of 200 series with outliers, which least squares would follow."""
    covered = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        times = np.arange(120.0)
        values = slope * times + generator.standard_t(2, 120)
        found = theil_sen(times, values)
        covered += found.low <= slope <= found.high
    assert covered >= 180


@pytest.mark.slow
def test_the_command_soaks_the_default_bundle(tmp_path) -> None:
    path = tmp_path / "soak.json"
    words = ["soak", "--minutes", "0.1", "--threads", "1", "--json", "-o", str(path)]
    found = CliRunner().invoke(bench_group, words, standalone_mode=False)
    assert found.return_value == 0
    assert json.loads(found.stdout)["answers"] > 10
    assert path.exists()
