"""System trees like those of real boards: `/proc`, `/sys`, `/etc` and `/var` as small files.

Written from what the boards' kernels and firmware document, not copied from a machine. A tree is
laid out below a folder of a test, in one of three states: at rest, throttled, or hot but not yet
throttled; `change` alters it, as if time had passed.

    root = lay_out_board(tmp_path, "pi5", "throttled")
    change(root, {temperature_file("pi5"): "85000"})
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

__all__ = ["BOARDS", "STATES", "BoardName", "State", "change", "lay_out_board", "temperature_file"]

BoardName = Literal["pi4", "pi5", "orin_nano"]
State = Literal["normal", "throttled", "hot"]
BOARDS: tuple[BoardName, ...] = get_args(BoardName)
STATES: tuple[State, ...] = get_args(State)

_CPU = "sys/devices/system/cpu"
_TREE = "sys/firmware/devicetree/base"
_TEMPERATURE_FILES: dict[BoardName, str] = {
    "pi4": "sys/class/thermal/thermal_zone0/temp",
    "pi5": "sys/class/thermal/thermal_zone0/temp",
    "orin_nano": "sys/class/thermal/thermal_zone8/temp",
}


def lay_out_board(root: Path, board: BoardName, state: State = "normal") -> Path:
    """Lay a board's system tree out.

    Args:
        root: an empty folder.
        board: which board.
        state: "normal" is idle and cool; "throttled" has its clocks lowered by heat; "hot" is one
            degree below that, with full clocks.

    Returns:
        The root, to be given to the functions of `devices`.
    """
    makers = {"pi4": _pi4_files, "pi5": _pi5_files, "orin_nano": _orin_nano_files}
    change(root, makers[board](state))
    device_tree = root / "proc/device-tree"
    device_tree.symlink_to(root / _TREE)
    return root


def change(root: Path, files: dict[str, str | None]) -> None:
    """Write files below the root; None takes one away, as a sensor that vanishes."""
    for name, text in files.items():
        path = root / name
        if text is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def temperature_file(board: BoardName) -> str:
    """Where the board keeps the temperature that its throttling goes by, in millidegrees."""
    return _TEMPERATURE_FILES[board]


def _pi4_files(state: State) -> dict[str, str | None]:
    """Raspberry Pi 4 Model B, 4 GB: 1500 MHz, throttled from 80 degrees on."""
    clock_khz = 1000000 if state == "throttled" else 1500000
    temperature = {"normal": 46251, "throttled": 82764, "hot": 79354}[state]
    return {
        **_machine(
            model="Raspberry Pi 4 Model B Rev 1.4",
            compatible=("raspberrypi,4-model-b", "brcm,bcm2711"),
            memory_kib=3884360,
        ),
        **_arm_cpuinfo(4, part="0xd08", features="fp asimd evtstrm crc32 cpuid"),
        **_clocks(4, current_khz=clock_khz, limits_khz=(600000, 1500000)),
        **_zone(0, "cpu-thermal", temperature),
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": _throttle_word(state),
        **_camera(0, "unicam-image"),
        **_camera(1, "bcm2835-codec-decode"),
    }


def _pi5_files(state: State) -> dict[str, str | None]:
    """Raspberry Pi 5, 8 GB, with its fan: 2400 MHz, throttled from 80 degrees on."""
    clock_khz = 1800000 if state == "throttled" else 2400000
    temperature = {"normal": 51800, "throttled": 83050, "hot": 79200}[state]
    firmware = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware"
    return {
        **_machine(
            model="Raspberry Pi 5 Model B Rev 1.0",
            compatible=("raspberrypi,5-model-b", "brcm,bcm2712"),
            memory_kib=8245072,
        ),
        **_arm_cpuinfo(
            4,
            part="0xd0b",
            features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid "
            "asimdrdm lrcpc dcpop asimddp",
        ),
        **_clocks(4, current_khz=clock_khz, limits_khz=(1500000, 2400000)),
        **_zone(0, "cpu-thermal", temperature),
        "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
        "sys/class/thermal/cooling_device0/cur_state": "1\n" if state == "normal" else "4\n",
        "sys/class/thermal/cooling_device0/max_state": "4\n",
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
        f"{firmware}/get_throttled": _throttle_word(state),
        **_camera(0, "rp1-cfe-csi2_ch0"),
    }


def _orin_nano_files(state: State) -> dict[str, str | None]:
    """Jetson Orin Nano 8 GB developer kit in its 15 W mode: 1510 MHz."""
    is_throttled = state == "throttled"
    temperature = {"normal": 48593, "throttled": 99500, "hot": 98031}[state]
    monitor = "sys/class/hwmon/hwmon1"
    return {
        **_machine(
            model="NVIDIA Jetson Orin Nano Developer Kit",
            compatible=("nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"),
            memory_kib=7802024,
        ),
        **_arm_cpuinfo(
            6,
            part="0xd42",
            features="fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid "
            "asimdrdm lrcpc dcpop asimddp uscat ilrcpc flagm paca pacg",
        ),
        **_clocks(6, current_khz=729600 if is_throttled else 1510400, limits_khz=(115200, 1510400)),
        **_zone(0, "cpu-thermal", temperature - 500),
        **_zone(1, "gpu-thermal", temperature - 1500),
        # A zone whose part is switched off refuses to be read; here its temperature is missing.
        "sys/class/thermal/thermal_zone2/type": "cv0-thermal\n",
        **_zone(8, "tj-thermal", temperature),
        "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
        "sys/class/thermal/cooling_device0/cur_state": "1\n" if state == "normal" else "3\n",
        "sys/class/thermal/cooling_device0/max_state": "3\n",
        "sys/class/thermal/cooling_device1/type": "cpufreq-cpu0\n",
        "sys/class/thermal/cooling_device1/cur_state": "10\n" if is_throttled else "0\n",
        "sys/class/thermal/cooling_device1/max_state": "19\n",
        f"{monitor}/name": "ina3221\n",
        **_rail(monitor, 1, "VDD_IN", millivolt=5072, milliampere=1000),
        **_rail(monitor, 2, "VDD_CPU_GPU_CV", millivolt=5072, milliampere=248),
        **_rail(monitor, 3, "VDD_SOC", millivolt=5064, milliampere=304),
        "sys/class/hwmon/hwmon2/name": "soctherm_oc\n",
        "sys/class/hwmon/hwmon2/oc1_event_cnt": "0\n",
        "sys/class/hwmon/hwmon2/oc3_event_cnt": "7\n" if is_throttled else "0\n",
        "var/lib/nvpmodel/status": "pmode:0000 fmode:quiet\n",
        "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=7W >\n",
        **_camera(0, "vi-output, imx219 9-0010"),
    }


def _machine(*, model: str, compatible: tuple[str, ...], memory_kib: int) -> dict[str, str | None]:
    return {
        f"{_TREE}/model": model + "\0",
        f"{_TREE}/compatible": "".join(f"{each}\0" for each in compatible),
        "proc/meminfo": f"MemTotal: {memory_kib} kB\nMemFree: {memory_kib // 2} kB\n"
        f"MemAvailable: {memory_kib * 3 // 4} kB\nSwapTotal: 102396 kB\nSwapFree: 102396 kB\n",
        "proc/loadavg": "0.08 0.03 0.01 1/180 1234\n",
        "proc/stat": "cpu  4000 0 2000 400000 500 0 100 0 0 0\n",
        "proc/sys/kernel/arch": "aarch64\n",
    }


def _arm_cpuinfo(count: int, *, part: str, features: str) -> dict[str, str | None]:
    blocks = [
        f"processor\t: {number}\nBogoMIPS\t: 108.00\nFeatures\t: {features}\n"
        f"CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n"
        f"CPU part\t: {part}\nCPU revision\t: 3\n"
        for number in range(count)
    ]
    return {"proc/cpuinfo": "\n".join(blocks)}


def _clocks(count: int, *, current_khz: int, limits_khz: tuple[int, int]) -> dict[str, str | None]:
    files: dict[str, str | None] = {}
    for number in range(count):
        folder = f"{_CPU}/cpu{number}/cpufreq"
        files |= {
            f"{folder}/scaling_governor": "ondemand\n",
            f"{folder}/scaling_cur_freq": f"{current_khz}\n",
            f"{folder}/scaling_min_freq": f"{limits_khz[0]}\n",
            f"{folder}/scaling_max_freq": f"{limits_khz[1]}\n",
            f"{folder}/cpuinfo_max_freq": f"{limits_khz[1]}\n",
        }
    return files


def _zone(number: int, kind: str, millidegrees: int) -> dict[str, str | None]:
    zone = f"sys/class/thermal/thermal_zone{number}"
    return {f"{zone}/type": f"{kind}\n", f"{zone}/temp": f"{millidegrees}\n"}


def _rail(
    monitor: str, channel: int, label: str, *, millivolt: int, milliampere: int
) -> dict[str, str | None]:
    return {
        f"{monitor}/in{channel}_label": f"{label}\n",
        f"{monitor}/in{channel}_input": f"{millivolt}\n",
        f"{monitor}/curr{channel}_input": f"{milliampere}\n",
    }


def _camera(number: int, name: str) -> dict[str, str | None]:
    return {
        f"sys/class/video4linux/video{number}/name": f"{name}\n",
        f"sys/class/video4linux/video{number}/index": "0\n",
        f"dev/video{number}": "",
    }


def _throttle_word(state: State) -> str:
    """Throttled: by heat, now and before. Hot: nothing yet."""
    return "60006\n" if state == "throttled" else "0\n"
