"""The Raspberry Pi firmware's answers, from programs made here that stand for `vcgencmd`."""

from pathlib import Path

import pytest

from devices.firmware import read_firmware, read_pmic_rails_w

ANSWERS = """#!/bin/sh
case "$*" in
  "measure_clock arm") echo "frequency(0)=1500345728" ;;
  "measure_temp") echo "temp=42.8'C" ;;
  "get_throttled") echo "throttled=0x50005" ;;
  "pmic_read_adc") printf '     3V3_SYS_A current(1)=0.05A\\n   VDD_CORE_A current(7)=2.0A\\n'
     printf '     3V3_SYS_V volt(9)=3.3V\\n   VDD_CORE_V volt(15)=0.9V\\n'
     printf '     EXT5V_V volt(24)=5.1V\\n' ;;
esac
"""


def program(folder: Path, script: str) -> str:
    path = folder / "vcgencmd"
    path.write_text(script)
    path.chmod(0o755)
    return str(path)


def test_the_firmware_is_asked_for_clock_heat_throttling_and_power(tmp_path: Path) -> None:
    reading = read_firmware(program(tmp_path, ANSWERS))
    assert reading is not None
    assert (reading.clock_mhz, reading.temperature_c) == (1500, 42.8)
    assert reading.throttle_bits == 0x50005
    assert reading.rails_w == pytest.approx({"3V3_SYS": 0.165, "VDD_CORE": 1.8})


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("#!/bin/sh\nexit 255\n", id="no permission"),
        pytest.param("#!/bin/sh\necho 'error=1 error_msg=\"Command not registered\"'\n", id="old"),
        pytest.param("#!/bin/sh\necho 'VDD_CORE_A current(7)=1.2.3A'\n", id="damaged"),
        pytest.param("not a program", id="no program"),
        pytest.param("#!/bin/sh\nkill -9 $$\n", id="dies"),
    ],
)
def test_a_firmware_that_does_not_answer_reads_as_silence(tmp_path: Path, script: str) -> None:
    reading = read_firmware(program(tmp_path, script))
    assert reading is not None
    assert reading.clock_mhz is reading.temperature_c is reading.throttle_bits is None
    assert reading.rails_w == {}


def test_a_firmware_that_hangs_is_left_at_its_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.firmware._DEADLINE_S", 0.2)
    assert read_pmic_rails_w(program(tmp_path, "#!/bin/sh\nexec sleep 600\n")) == {}


def test_a_machine_without_the_program_has_no_such_firmware(tmp_path: Path) -> None:
    assert read_firmware(str(tmp_path / "vcgencmd")) is None
    assert read_pmic_rails_w(str(tmp_path / "vcgencmd")) == {}
