"""Which board is this? Reads only; takes a root path, so that tests can lay one out."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devices.sensors import read_memory
from devices.sysfs import read_text

if TYPE_CHECKING:
    from devices.profile import BoardProfile

__all__ = ["Board", "detect_board", "find_profile"]


@dataclass(frozen=True, slots=True)
class Board:
    """What the machine says of itself.

    Attributes:
        model: "Raspberry Pi 5 Model B Rev 1.0", the DMI product name, or "unknown board".
        architecture: "aarch64", "x86_64", ...
        processor: the processor's name, or "" where nothing says it.
        instructions: instruction-set features that int8 inference profits from.
        memory_mib: all of the memory, 0 where it cannot be read.
        compatible: the device tree's names of the board, the most exact first; empty where
            there is no device tree.
    """

    model: str
    architecture: str
    processor: str
    instructions: tuple[str, ...]
    memory_mib: int
    compatible: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What tells it from machines that run the same work at another speed."""
        return "; ".join((self.model, self.processor, " ".join(self.instructions)))


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
_DEVICE_TREES = ("proc/device-tree", "sys/firmware/devicetree/base")


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
        # The core before "model name", which on ARM is "ARMv8 Processor rev 3 (v8l)" for all.
        processor=_arm_core(cpuinfo) or cpuinfo.get("model name") or "",
        instructions=tuple(each for each in _INT8_FEATURES if each in features),
        memory_mib=_memory_mib(root),
        compatible=_compatible(root),
    )


def find_profile(board: Board) -> BoardProfile | None:
    """The profile of a board, or the generic one of its architecture.

    Args:
        board: as `detect_board` gives it.

    Returns:
        None where there is not even a generic profile: an architecture that edgedx does not know.
    """
    from devices.load import load_profile, profile_names, profile_text

    # Parsing every file takes as long as a small model's inference, so only those are parsed
    # that have the architecture's and, where it has one, the device tree's name in them.
    names = [
        name
        for name in profile_names()
        if _has_any(profile_text(name), (board.architecture,))
        and (not board.compatible or _has_any(profile_text(name), board.compatible))
    ]
    ranked = [(_rank(profile, board), profile) for profile in map(load_profile, names)]
    known = [(rank, profile) for rank, profile in ranked if rank is not None]
    if known:
        return min(known, key=lambda each: each[0])[1]
    generic = _GENERIC.get(board.architecture)
    return load_profile(generic) if generic else None


_GENERIC = {"aarch64": "generic_aarch64", "x86_64": "generic_x86_64"}


def _has_any(text: str, names: tuple[str, ...]) -> bool:
    return any(f'"{name}"' in text for name in names)


def _rank(profile: BoardProfile, board: Board) -> int | None:
    """How exactly a profile's names fit, the smallest best; None where they do not."""
    match = profile.match
    if board.architecture not in match.architectures:
        return None
    if board.compatible:
        return next(
            (place for place, name in enumerate(board.compatible) if name in match.compatible),
            None,
        )
    lengths = [len(model) for model in match.models if board.model.startswith(model)]
    return -max(lengths) if lengths else None


def _model(root: Path) -> str:
    places = [f"{tree}/model" for tree in _DEVICE_TREES]
    for place in (*places, "sys/class/dmi/id/product_name"):
        text = read_text(root / place)
        if text:
            return text
    return "unknown board"


def _compatible(root: Path) -> tuple[str, ...]:
    for tree in _DEVICE_TREES:
        text = read_text(root / tree / "compatible")
        if text:
            return tuple(name for name in text.split("\0") if name)
    return ()


def _cpuinfo(root: Path) -> dict[str, str]:
    """Fields of the first processor; later ones repeat them."""
    fields: dict[str, str] = {}
    for line in (read_text(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


# Arm's implementer 0x41: main ID register part numbers, from the Linux kernel's
# arch/arm64/include/asm/cputype.h.
_ARM_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x4e", "0x004"): "NVIDIA Carmel",
}


def _arm_core(cpuinfo: dict[str, str]) -> str:
    key = (cpuinfo.get("CPU implementer", ""), cpuinfo.get("CPU part", ""))
    return _ARM_PARTS.get(key, "")


def _memory_mib(root: Path) -> int:
    return read_memory(root).total_mib or 0
