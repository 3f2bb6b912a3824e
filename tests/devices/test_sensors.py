"""What the sensors say, from small folders laid out here; whole boards are tested elsewhere."""

from pathlib import Path

import pytest

from devices.sensors import (
    Memory,
    PowerMode,
    describe_throttle_bits,
    read_busy_s,
    read_clocks,
    read_coolings,
    read_disk_free_mib,
    read_load,
    read_memory,
    read_on_battery,
    read_overcurrent_events,
    read_power_mode,
    read_sensors,
    read_temperatures_c,
    read_throttle_bits,
    read_throttle_events,
    read_undervoltage,
)

CPU = "sys/devices/system/cpu"
ZONES = "sys/class/thermal"


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_machine_that_says_nothing_is_not_guessed_at(tmp_path: Path) -> None:
    reading = read_sensors(tmp_path)
    assert reading.clocks == reading.coolings == ()
    assert reading.temperatures_c == reading.power_rails_w == {}
    assert reading.memory == Memory()
    silent = ("load_1min", "busy_s", "throttle_bits", "has_undervoltage", "throttle_events")
    assert {getattr(reading, name) for name in silent} == {None}
    assert reading.overcurrent_events is reading.power_mode is reading.is_on_battery is None


def test_a_root_that_is_not_there_reads_as_silence(tmp_path: Path) -> None:
    reading = read_sensors(tmp_path / "nowhere")
    assert reading.load_1min is reading.disk_free_mib is None


DAMAGED = {
    "proc/loadavg": "garbage\n",
    "proc/stat": "cpu  one two\n",
    "proc/meminfo": "MemTotal:\nMemAvailable: many kB\n",
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "<unknown>\n",
    f"{ZONES}/thermal_zone0/temp": "hot\n",
    f"{ZONES}/cooling_device0/cur_state": "\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0xZZ\n",
    "var/lib/nvpmodel/status": "pmode:\n",
    "sys/class/hwmon/hwmon0/name": "ina3221\n",
    "sys/class/hwmon/hwmon0/in1_input": "5000\n",
    "sys/class/hwmon/hwmon0/curr1_input": "9" * 5000,
}


def test_damaged_values_read_as_silence(tmp_path: Path) -> None:
    reading = read_sensors(lay_out(tmp_path, DAMAGED))
    assert reading.clocks_mhz == reading.governors == ()
    assert reading.temperatures_c == reading.power_rails_w == {}
    assert reading.load_1min is reading.busy_s is reading.throttle_bits is None
    assert reading.power_mode is None
    assert reading.memory == Memory()


def test_a_folder_where_a_file_should_be_reads_as_silence(tmp_path: Path) -> None:
    for name in DAMAGED:
        (tmp_path / name).mkdir(parents=True)
    assert read_sensors(tmp_path).clocks_mhz == ()


def test_processors_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    files = {f"{CPU}/cpu{n}/cpufreq/scaling_cur_freq": f"{n}00000\n" for n in (10, 2, 0)}
    clocks = read_clocks(lay_out(tmp_path, files))
    assert [(clock.processor, clock.current_mhz) for clock in clocks] == [
        (0, 0),
        (2, 200),
        (10, 1000),
    ]


def test_a_processor_has_a_governor_and_limits_beside_its_clock(tmp_path: Path) -> None:
    folder = f"{CPU}/cpu0/cpufreq"
    files = {
        f"{folder}/scaling_governor": "ondemand\n",
        f"{folder}/scaling_cur_freq": "1500000\n",
        f"{folder}/cpuinfo_cur_freq": "1499998\n",
        f"{folder}/scaling_min_freq": "600000\n",
        f"{folder}/scaling_max_freq": "1500000\n",
        f"{folder}/cpuinfo_max_freq": "1800000\n",
    }
    (clock,) = read_clocks(lay_out(tmp_path, files))
    assert (clock.governor, clock.current_mhz, clock.measured_mhz) == ("ondemand", 1500, 1499)
    assert (clock.allowed_min_mhz, clock.allowed_max_mhz, clock.hardware_max_mhz) == (
        600,
        1500,
        1800,
    )


def test_zones_are_told_apart_by_their_numbers_and_may_be_below_zero(tmp_path: Path) -> None:
    files = {
        f"{ZONES}/thermal_zone0/temp": "51350\n",
        f"{ZONES}/thermal_zone0/type": "cpu-thermal\n",
        f"{ZONES}/thermal_zone1/temp": "-5000\n",
        f"{ZONES}/thermal_zone1/type": "cpu-thermal\n",
        f"{ZONES}/thermal_zone2/type": "gpu-thermal\n",
    }
    expected = {"0 cpu-thermal": 51.35, "1 cpu-thermal": -5.0}
    assert read_temperatures_c(lay_out(tmp_path, files)) == expected


def test_a_cooling_device_says_how_hard_it_works(tmp_path: Path) -> None:
    files = {
        f"{ZONES}/cooling_device0/type": "pwm-fan\n",
        f"{ZONES}/cooling_device0/cur_state": "2\n",
        f"{ZONES}/cooling_device0/max_state": "4\n",
    }
    (fan,) = read_coolings(lay_out(tmp_path, files))
    assert (fan.name, fan.state, fan.state_max) == ("0 pwm-fan", 2, 4)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("soc/soc:firmware", id="without an address"),
        pytest.param("soc@107c000000/soc@107c000000:firmware", id="with an address"),
    ],
)
@pytest.mark.parametrize("text", ["50005\n", "0x50005\n"])
def test_the_throttle_word_is_hexadecimal_with_or_without_its_mark(
    tmp_path: Path, place: str, text: str
) -> None:
    root = lay_out(tmp_path, {f"sys/devices/platform/{place}/get_throttled": text})
    assert read_throttle_bits(root) == 0x50005


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        pytest.param(0x0, (), id="all is well"),
        pytest.param(0x1, ("under-voltage now",), id="the supply is weak"),
        pytest.param(
            0x50005,
            (
                "under-voltage now",
                "throttled now",
                "under-voltage since boot",
                "throttled since boot",
            ),
            id="weak and throttled",
        ),
        pytest.param(
            0x80008,
            ("soft temperature limit now", "soft temperature limit since boot"),
            id="warm",
        ),
        pytest.param(0x20000, ("clock capped since boot",), id="it was capped once"),
    ],
)
def test_the_throttle_word_is_put_into_words(bits: int, words: tuple[str, ...]) -> None:
    assert describe_throttle_bits(bits) == words


@pytest.mark.parametrize(("alarm", "expected"), [("0\n", False), ("1\n", True), ("", None)])
def test_the_kernel_says_whether_the_supply_is_weak(
    tmp_path: Path, alarm: str, expected: bool | None
) -> None:
    folder = "sys/class/hwmon/hwmon1"
    files = {
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        f"{folder}/name": "rpi_volt\n",
        f"{folder}/in0_lcrit_alarm": alarm,
    }
    assert read_undervoltage(lay_out(tmp_path, files)) is expected


def test_events_are_summed_over_their_counters(tmp_path: Path) -> None:
    files = {
        f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "3\n",
        f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "4\n",
        "sys/class/hwmon/hwmon3/oc1_event_cnt": "1\n",
        "sys/class/hwmon/hwmon3/oc3_event_cnt": "6\n",
    }
    root = lay_out(tmp_path, files)
    assert (read_throttle_events(root), read_overcurrent_events(root)) == (7, 7)


NVPMODEL = """# comment
< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
< PM_CONFIG DEFAULT=0 >
"""


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param("pmode:0000\n", PowerMode(0, "15W"), id="named"),
        pytest.param("pmode:0002 fmode:quiet\n", PowerMode(2, "MAXN_SUPER"), id="with a fan mode"),
        pytest.param("pmode:0007\n", PowerMode(7, None), id="not in the table"),
    ],
)
def test_a_jetson_says_its_power_mode(tmp_path: Path, status: str, expected: PowerMode) -> None:
    files = {"var/lib/nvpmodel/status": status, "etc/nvpmodel.conf": NVPMODEL}
    assert read_power_mode(lay_out(tmp_path, files)) == expected


def test_power_is_read_by_rail_or_is_volts_times_amperes(tmp_path: Path) -> None:
    monitor = "sys/class/hwmon/hwmon4"
    files = {
        f"{monitor}/name": "ina3221\n",
        f"{monitor}/in1_label": "VDD_IN\n",
        f"{monitor}/in1_input": "5072\n",
        f"{monitor}/curr1_input": "1000\n",
        f"{monitor}/in2_label": "VDD_CPU_GPU_CV\n",
        f"{monitor}/power2_input": "750000\n",
        f"{monitor}/curr4_input": "9999\n",
        f"{monitor}/in4_input": "9999\n",
    }
    expected = {"VDD_IN": 5.072, "VDD_CPU_GPU_CV": 0.75}
    assert read_sensors(lay_out(tmp_path, files)).power_rails_w == pytest.approx(expected)


def test_the_older_jetson_driver_gives_milliwatts(tmp_path: Path) -> None:
    device = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    files = {f"{device}/rail_name_0": "POM_5V_IN\n", f"{device}/in_power0_input": "2532\n"}
    assert read_sensors(lay_out(tmp_path, files)).power_rails_w == {"POM_5V_IN": 2.532}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"AC/type": "Mains", "AC/online": "1"}, None, id="no battery"),
        pytest.param({"BAT0/type": "Battery", "BAT0/status": "Charging"}, False, id="charging"),
        pytest.param({"BAT0/type": "Battery", "BAT0/status": "Discharging"}, True, id="on battery"),
        pytest.param(
            {"mouse/type": "Battery", "mouse/status": "Discharging", "mouse/scope": "Device"},
            None,
            id="a mouse's battery",
        ),
    ],
)
def test_a_battery_is_told_from_the_mains(
    tmp_path: Path, files: dict[str, str], expected: bool | None
) -> None:
    root = lay_out(
        tmp_path, {f"sys/class/power_supply/{name}": text for name, text in files.items()}
    )
    assert read_on_battery(root) is expected


def test_memory_is_in_mib(tmp_path: Path) -> None:
    meminfo = (
        "MemTotal: 8256000 kB\nMemAvailable: 7168000 kB\nSwapTotal: 102400 kB\nSwapFree: 0 kB\n"
    )
    root = lay_out(tmp_path, {"proc/meminfo": meminfo})
    assert read_memory(root) == Memory(8062, 7000, 100, 0)


def test_time_of_guests_is_not_counted_twice(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"proc/stat": "cpu  1000 200 300 40000 500 60 70 80 900 0\n"})
    assert read_busy_s(root) == pytest.approx((1000 + 200 + 300 + 60 + 70 + 80) / 100)


def test_this_very_machine_can_be_read() -> None:
    assert read_load() is not None
    assert (read_memory().total_mib or 0) > 0
    assert (read_disk_free_mib() or 0) > 0
