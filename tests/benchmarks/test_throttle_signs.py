"""Signs of throttling in a log of sensors, between two moments."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from benchmarks.records.measurement import SensorLog
from benchmarks.records.sample_column import MISSING
from benchmarks.throttle_signs import ThrottleSign, find_throttle_signs, tells_throttling

S = 1_000_000_000

MakeSensors = Callable[[Mapping[str, Sequence[int]]], SensorLog]


def _while(within: int, otherwise: int) -> list[int]:
    """Twelve readings, one a second, of which four in the middle differ."""
    return [otherwise] * 4 + [within] * 4 + [otherwise] * 4


@pytest.mark.parametrize(
    ("trace", "readings", "sign", "detail"),
    [
        pytest.param(
            "throttle_bits",
            _while(0xE000E, 0xE0000),
            "the firmware's throttle bits",
            "clock capped now, throttled now, soft temperature limit now",
            id="bits that were set since boot already",
        ),
        pytest.param(
            "throttle_bits",
            [0x10000] * 4 + [0x50000] * 8,
            "the firmware's throttle bits",
            "throttled",
            id="a throttling between two readings",
        ),
        pytest.param(
            "undervoltage", _while(1, 0), "the under-voltage alarm", "", id="supply that sank"
        ),
        pytest.param(
            "throttle_events",
            [7] * 4 + [9] * 8,
            "the processor's throttle counter",
            "2 more",
            id="x86",
        ),
        pytest.param(
            "overcurrent_events",
            [0] * 4 + [1] * 8,
            "the over-current counter",
            "1 more",
            id="Jetson's supply",
        ),
        pytest.param(
            "cooling 0 thermal-cpufreq-0",
            _while(5, 0),
            "a brake on the processor's clock",
            "0 thermal-cpufreq-0 at 5",
            id="older kernels' brake",
        ),
        pytest.param(
            "cooling 1 cpufreq-cpu0",
            _while(3, 0),
            "a brake on the processor's clock",
            "1 cpufreq-cpu0 at 3",
            id="newer kernels' brake",
        ),
    ],
)
def test_each_sensor_tells_of_throttling(
    make_sensors: MakeSensors, trace: str, readings: list[int], sign: str, detail: str
) -> None:
    log = make_sensors({trace: readings})
    assert find_throttle_signs(log) == (ThrottleSign(4 * S, trace, sign, detail),)
    assert tells_throttling(log)


@pytest.mark.parametrize(
    ("trace", "readings"),
    [
        pytest.param("throttle_bits", [0xF0000] * 12, id="throttled before, not now"),
        pytest.param("throttle_events", [7] * 12, id="throttled before"),
        pytest.param("cooling 0 pwm-fan", _while(3, 0), id="a fan"),
        pytest.param("cooling 2 devfreq-17000000.gpu", _while(3, 0), id="graphics"),
        pytest.param("undervoltage", _while(0, MISSING), id="a sensor that comes and goes"),
        pytest.param("clock_mhz cpu0", _while(600, 2400), id="a clock alone"),
    ],
)
def test_what_is_no_sign(make_sensors: MakeSensors, trace: str, readings: list[int]) -> None:
    assert find_throttle_signs(make_sensors({trace: readings})) == ()


def test_only_the_time_that_was_asked_for_counts(make_sensors: MakeSensors) -> None:
    log = make_sensors({"undervoltage": _while(1, 0), "throttle_events": [0] * 2 + [1] * 10})
    assert find_throttle_signs(log, 8 * S, 11 * S) == ()
    found = find_throttle_signs(log, 0, 11 * S)
    assert [(each.trace, each.at_ns) for each in found] == [
        ("throttle_events", 2 * S),
        ("undervoltage", 4 * S),
    ]


def test_a_fan_and_a_sensor_that_never_answered_tell_nothing(make_sensors: MakeSensors) -> None:
    traces = {"cooling 0 pwm-fan": [1] * 12, "throttle_bits": [MISSING] * 12}
    assert not tells_throttling(make_sensors(traces))
    assert find_throttle_signs(make_sensors({})) == ()
