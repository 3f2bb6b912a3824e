"""Power by rail, where a board measures it: Jetson's INA3221 and other monitors of the INA family.

Linux, Documentation/hwmon/ina3221.rst and ina2xx.rst: voltages in mV, currents in mA, powers in
uW. JetPack 4 has a driver of its own with powers in mW (NVIDIA Jetson Linux Developer Guide R32,
"Clock Frequency and Power Management").
"""

from __future__ import annotations

from pathlib import Path

from devices.sysfs import find_paths, read_integer, read_text

__all__ = ["read_power_rails_w"]

_MONITORS = ("ina219", "ina220", "ina226", "ina230", "ina231", "ina238", "ina3221")
_JETPACK_4 = "sys/bus/i2c/drivers/ina3221x"


def read_power_rails_w(root: Path = Path("/")) -> dict[str, float]:
    """Watts by rail ("VDD_IN", "VDD_CPU_CV", ...); empty where nothing measures them.

    Rails may contain each other (VDD_IN is all of a Jetson module), so their sum means nothing.

    Args:
        root: where `sys` is.
    """
    rails: dict[str, float] = {}
    for monitor in find_paths(root / "sys/class/hwmon", "hwmon[0-9]*"):
        if read_text(monitor / "name") in _MONITORS:
            rails.update(_hwmon_rails_w(monitor))
    for device in find_paths(root / _JETPACK_4, "*/iio:device[0-9]*"):
        rails.update(_jetpack_4_rails_w(device))
    return rails


def _hwmon_rails_w(monitor: Path) -> dict[str, float]:
    rails = {}
    # Channel 4 of an INA3221's currents, and its voltages above 3, are sums and shunt voltages.
    for channel in (1, 2, 3):
        microwatt = read_integer(monitor / f"power{channel}_input")
        if microwatt is None:
            millivolt = read_integer(monitor / f"in{channel}_input")
            milliampere = read_integer(monitor / f"curr{channel}_input")
            if millivolt is None or milliampere is None:
                continue
            microwatt = millivolt * milliampere
        label = read_text(monitor / f"in{channel}_label")
        rails[label or f"{monitor.name} channel {channel}"] = microwatt / 1e6
    return rails


def _jetpack_4_rails_w(device: Path) -> dict[str, float]:
    rails = {}
    for channel in (0, 1, 2):
        milliwatt = read_integer(device / f"in_power{channel}_input")
        if milliwatt is not None:
            label = read_text(device / f"rail_name_{channel}")
            rails[label or f"{device.name} channel {channel}"] = milliwatt / 1e3
    return rails
