"""What disturbed the machine: load, clocks, heat, throttling, sensors that vanish."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from benchmarks.environment import Machine, MachineState
from benchmarks.machine_faults import find_machine_faults
from benchmarks.records.measurement import Measurement, SensorLog
from benchmarks.records.record import BoardLimits
from benchmarks.records.sample_column import MISSING

S = 1_000_000_000

Faults = Callable[..., list[str]]


@pytest.fixture
def faults_of(machine: Machine, limits: BoardLimits) -> Faults:
    def find(measurement: Measurement, **changes: object) -> list[str]:
        conditions = {"machine": machine, "limits": limits, "governor": None} | changes
        return find_machine_faults(measurement, **conditions)

    return find


@pytest.fixture
def with_traces(
    measurement: Measurement,
    make_sensors: Callable[[Mapping[str, Sequence[int]]], SensorLog],
    quiet_traces: dict[str, list[int]],
) -> Callable[[Mapping[str, list[int]]], Measurement]:
    def make(traces: Mapping[str, list[int]]) -> Measurement:
        return replace(measurement, sensors=make_sensors(quiet_traces | traces))

    return make


@pytest.fixture
def with_after(measurement: Measurement, after: MachineState) -> Callable[..., Measurement]:
    return lambda **changes: replace(measurement, after=replace(after, **changes))


def test_a_quiet_machine_has_none(faults_of: Faults, measurement: Measurement) -> None:
    assert faults_of(measurement) == []


def test_other_programs_are_seen(faults_of: Faults, with_after: Callable[..., Measurement]) -> None:
    assert faults_of(with_after(busy_s=128.0)) == ["other programs took 20% of the processors"]


def test_the_watching_process_is_no_other_program(
    faults_of: Faults,
    with_traces: Callable[[Mapping[str, list[int]]], Measurement],
    after: MachineState,
) -> None:
    """It worked for two of the ten seconds: 5 % of four processors."""
    watched = with_traces({"watcher_ms": [250 * index for index in range(12)]})
    assert faults_of(replace(watched, after=replace(after, busy_s=122.2))) == []
    assert faults_of(replace(with_traces({}), after=replace(after, busy_s=122.2))) == [
        "other programs took 5% of the processors"
    ]


def test_a_clock_that_fell_for_a_while_is_seen(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    fell = with_traces({"clock_mhz cpu0": [2400] * 6 + [1800, 1500] + [2400] * 4})
    assert faults_of(fell) == [
        "the clock changed: 2400 MHz, and 1500 to 1800 MHz in 2 of 10 readings"
    ]


def test_a_single_odd_reading_of_a_clock_is_none(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    assert faults_of(with_traces({"clock_mhz cpu0": [2400] * 5 + [1500] + [2400] * 6})) == []


def test_a_clock_that_rises_before_anything_is_timed_is_none(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    """Timing begins two seconds after the log: starting and loading ran on a resting clock."""
    assert faults_of(with_traces({"clock_mhz cpu0": [600, 600] + [2400] * 10})) == []
    assert faults_of(with_traces({"clock_mhz cpu0": [600] * 4 + [2400] * 8})) == [
        "the clock changed: 2400 MHz, and 600 to 1500 MHz in 2 of 10 readings"
    ]


def test_another_governor_is_seen(
    faults_of: Faults, with_after: Callable[..., Measurement]
) -> None:
    assert faults_of(with_after(governors=("powersave",) * 4)) == [
        "the governor changed from performance to powersave"
    ]


def test_a_governor_that_was_not_asked_for_is_seen(
    faults_of: Faults, measurement: Measurement, before: MachineState, after: MachineState
) -> None:
    assert faults_of(measurement, governor="performance") == []
    assert faults_of(measurement, governor="schedutil") == [
        "the governor is performance, asked for was schedutil"
    ]
    silent = replace(
        measurement, before=replace(before, governors=()), after=replace(after, governors=())
    )
    assert faults_of(silent) == []
    assert faults_of(silent, governor="performance") == [
        "the governor is not to be read, asked for was performance"
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param(
            {"throttle_bits": 0x50005},
            "the board says: under-voltage now, throttled now",
            id="throttled now",
        ),
        pytest.param(
            {"throttle_bits": 0x40000}, "meanwhile the board met: throttled", id="meanwhile"
        ),
        pytest.param(
            {"has_undervoltage": True}, "the board's supply sank too low", id="undervoltage"
        ),
    ],
)
def test_throttling_is_seen(
    faults_of: Faults,
    with_after: Callable[..., Measurement],
    changes: dict[str, object],
    fault: str,
) -> None:
    assert faults_of(with_after(**changes)) == [fault]


@pytest.mark.parametrize(
    ("traces", "fault"),
    [
        pytest.param(
            {"throttle_bits": [0xE0000] * 5 + [0xE0006] * 3 + [0xE0000] * 4},
            "meanwhile the board met: clock capped, throttled",
            id="bits that were set since boot already",
        ),
        pytest.param(
            {"undervoltage": [0] * 5 + [1] * 3 + [0] * 4},
            "the board's supply sank too low",
            id="undervoltage",
        ),
        pytest.param(
            {"cooling 0 thermal-cpufreq-0": [0] * 5 + [5] * 3 + [0] * 4},
            "the processor's clock was braked meanwhile: 0 thermal-cpufreq-0 at 5",
            id="brake",
        ),
        pytest.param(
            {"throttle_events": [7] * 5 + [8] * 7},
            "processors were throttled meanwhile",
            id="counter",
        ),
    ],
)
def test_throttling_that_was_over_before_the_end_is_seen(
    faults_of: Faults,
    with_traces: Callable[[Mapping[str, list[int]]], Measurement],
    before: MachineState,
    after: MachineState,
    traces: Mapping[str, list[int]],
    fault: str,
) -> None:
    """The states before and after are the same: only the readings between them tell it."""
    bits = 0xE0000
    measurement = replace(
        with_traces(traces),
        before=replace(before, throttle_bits=bits),
        after=replace(after, throttle_bits=bits),
    )
    assert faults_of(measurement) == [fault]


def test_throttling_of_the_warm_up_and_a_fan_are_none(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    assert faults_of(with_traces({"cooling 0 cpufreq-cpu0": [5, 5] + [0] * 10})) == []
    assert faults_of(with_traces({"cooling 0 pwm-fan": [0] * 5 + [3] * 7})) == []


def test_throttling_of_long_ago_is_none(
    faults_of: Faults, measurement: Measurement, before: MachineState, after: MachineState
) -> None:
    earlier = {"throttle_bits": 0x40000}
    assert (
        faults_of(
            replace(measurement, before=replace(before, **earlier), after=replace(after, **earlier))
        )
        == []
    )


@pytest.mark.parametrize(
    ("counter", "fault"),
    [
        ("throttle_events", "processors were throttled meanwhile"),
        ("overcurrent_events", "the board was throttled for its supply meanwhile"),
    ],
)
def test_counters_of_throttling_are_compared(
    faults_of: Faults,
    measurement: Measurement,
    before: MachineState,
    after: MachineState,
    counter: str,
    fault: str,
) -> None:
    def counted(first: int, last: int) -> Measurement:
        return replace(
            measurement,
            before=replace(before, **{counter: first}),
            after=replace(after, **{counter: last}),
        )

    assert faults_of(counted(7, 7)) == []
    assert faults_of(counted(7, 8)) == [fault]


def test_heat_past_the_profiles_limit_is_seen(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    hot = with_traces({"temperature_mc 0 cpu-thermal": [79_000] * 11 + [80_500]})
    assert faults_of(hot) == [
        "it became 80.5 degrees Celsius hot, raspberry_pi_5 slows down from 80 on"
    ]
    assert faults_of(hot, limits=BoardLimits("", None, "")) == []


def test_another_zone_may_be_hotter_than_the_processor_may(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    assert faults_of(with_traces({"temperature_mc 1 rp1_adc": [95_000] * 12})) == []


@pytest.mark.parametrize("jump_s", [-3600, 1])
def test_a_clock_that_jumps_is_seen(
    faults_of: Faults,
    with_traces: Callable[[Mapping[str, list[int]]], Measurement],
    jump_s: int,
) -> None:
    jumped = with_traces({"wall_offset_ns": [0] * 5 + [jump_s * S] * 7})
    assert faults_of(jumped) == [f"the clock jumped by {jump_s:+.1f} s, or the machine slept"]


def test_a_clock_that_is_slewed_is_none(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    """NTP corrects at most 0.5 ms a second (adjtimex(2))."""
    assert faults_of(with_traces({"wall_offset_ns": [500_000 * n for n in range(12)]})) == []


def test_a_sensor_that_vanishes_is_seen_and_a_late_one_is_not(
    faults_of: Faults, with_traces: Callable[[Mapping[str, list[int]]], Measurement]
) -> None:
    readings = [51_000] * 4 + [MISSING] * 8
    assert faults_of(with_traces({"temperature_mc 0 cpu-thermal": readings})) == [
        "sensors vanished meanwhile: temperature_mc 0 cpu-thermal"
    ]
    assert faults_of(with_traces({"power_mw VDD_IN": [MISSING] * 3 + [5000] * 9})) == []
