"""What a Raspberry Pi's firmware says through `vcgencmd`: a child process with a deadline.

Raspberry Pi documentation, `vcgencmd`: the kernel knows the clock that it asked for, the firmware
the one that the processor runs at; and the power chip of the Raspberry Pi 5 is read through it
alone. A call takes some milliseconds, so it has no place inside a timed loop.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

__all__ = ["FirmwareReading", "read_firmware", "read_pmic_rails_w"]

_DEADLINE_S = 2.0
# A line a channel, amperes and volts of a rail apart:
#    VDD_CORE_A current(7)=3.21A
#    VDD_CORE_V volt(15)=0.89V
_ADC_LINE = re.compile(r"^\s*(\S+)_([AV])\s+(?:current|volt)\(\d+\)=([\d.]+)[AV]\s*$")


@dataclass(frozen=True, slots=True)
class FirmwareReading:
    """What the firmware says now; each is None or empty where it does not.

    Attributes:
        clock_mhz: that the processors really run at.
        temperature_c: of the chip.
        throttle_bits: as of `devices.sensors.describe_throttle_bits`.
        rails_w: watts by rail of the Raspberry Pi 5's power chip.
    """

    clock_mhz: int | None
    temperature_c: float | None
    throttle_bits: int | None
    rails_w: dict[str, float]


def read_firmware(program: str = "vcgencmd") -> FirmwareReading | None:
    """Ask the firmware everything once.

    Args:
        program: name or path of the program.

    Returns:
        None where there is no such program.
    """
    if shutil.which(program) is None:
        return None
    clock = _value_of(_ask(program, "measure_clock", "arm"))
    temperature = _value_of(_ask(program, "measure_temp")).removesuffix("'C")
    word = _value_of(_ask(program, "get_throttled"))
    return FirmwareReading(
        clock_mhz=int(clock) // 1_000_000 if clock.isdecimal() else None,
        temperature_c=_number(temperature),
        throttle_bits=int(word, 16) if re.fullmatch("0x[0-9a-fA-F]+", word) else None,
        rails_w=read_pmic_rails_w(program),
    )


def read_pmic_rails_w(program: str = "vcgencmd") -> dict[str, float]:
    """Watts by rail of the Raspberry Pi 5's power chip, volts times amperes.

    Their sum is what the board's parts take; what USB devices and the regulators themselves take
    is not in it.

    Args:
        program: name or path of the program.

    Returns:
        Empty on other boards.
    """
    volts: dict[str, float] = {}
    amperes: dict[str, float] = {}
    for line in _ask(program, "pmic_read_adc").splitlines():
        found = _ADC_LINE.match(line)
        value = _number(found[3]) if found else None
        if found and value is not None:
            (volts if found[2] == "V" else amperes)[found[1]] = value
    return {rail: volts[rail] * amperes[rail] for rail in amperes if rail in volts}


def _ask(program: str, *words: str) -> str:
    try:
        ended = subprocess.run(  # noqa: S603 - the firmware's own program
            [program, *words],
            capture_output=True,
            timeout=_DEADLINE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.decode("utf-8", errors="replace") if ended.returncode == 0 else ""


def _value_of(answer: str) -> str:
    """`frequency(48)=1500345728`, `temp=42.8'C`, `throttled=0x0`."""
    return answer.strip().partition("=")[2]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
