"""Which board is this? Reads only; takes a root path, so that tests can lay one out."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Board", "detect_board"]


@dataclass(frozen=True, slots=True)
class Board:
    """What the machine says of itself.

    Attributes:
        model: "Raspberry Pi 5 Model B Rev 1.0", the DMI product name, or "unknown board".
        architecture: "aarch64", "x86_64", ...
        processor: the processor's name, or "" where nothing says it.
        instructions: instruction-set features that int8 inference profits from.
        memory_mib: all of the memory, 0 where it cannot be read.
    """

    model: str
    architecture: str
    processor: str
    instructions: tuple[str, ...]
    memory_mib: int


# Names as /proc/cpuinfo writes them: on x86 under `flags`, on ARM under `Features`.
_INT8_FEATURES = (
    "avx2",
    "avx_vnni",
    "avx512_vnni",
    "amx_int8",
    "asimd",
    "asimddp",
    "i8mm",
    "sve",
)


def detect_board(root: Path = Path("/")) -> Board:
    """Look at the device tree, DMI and `/proc`.

    Args:
        root: where `proc` and `sys` are.
    """
    cpuinfo = _cpuinfo(root)
    features = set((cpuinfo.get("flags") or cpuinfo.get("Features") or "").split())
    return Board(
        model=_model(root),
        architecture=platform.machine(),
        processor=cpuinfo.get("model name") or cpuinfo.get("Model") or _arm_core(cpuinfo),
        instructions=tuple(each for each in _INT8_FEATURES if each in features),
        memory_mib=_memory_mib(root),
    )


def _model(root: Path) -> str:
    for place in (
        "proc/device-tree/model",
        "sys/firmware/devicetree/base/model",
        "sys/class/dmi/id/product_name",
    ):
        text = _read(root / place).strip("\0 \n")
        if text:
            return text
    return "unknown board"


def _cpuinfo(root: Path) -> dict[str, str]:
    """Fields of the first processor; later ones repeat them."""
    fields: dict[str, str] = {}
    for line in _read(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


# Arm's implementer 0x41: main ID register part numbers, from the Linux kernel's
# arch/arm64/include/asm/cputype.h.
_ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd42": "Cortex-A78AE",
}


def _arm_core(cpuinfo: dict[str, str]) -> str:
    if cpuinfo.get("CPU implementer") != "0x41":
        return ""
    return _ARM_PARTS.get(cpuinfo.get("CPU part", ""), "")


def _memory_mib(root: Path) -> int:
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
