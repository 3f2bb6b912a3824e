"""Whether this is a real machine, a virtual one, or one whose processor is emulated.

A virtual machine (KVM, Xen, ...) runs on the host's own processor: its times are of that, shared
with whoever else is on the host. An emulated processor (QEMU's translator TCG, whole system or a
single program) translates every instruction, and no time on it is a latency.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from devices.sysfs import read_text

__all__ = ["MachineKind", "kind_of_machine"]

MachineKind = Literal["real", "virtual", "emulated"]

_X86_VENDORS: Final = ("GenuineIntel", "AuthenticAMD")
_CLOCK_SOURCES: Final = "sys/devices/system/clocksource/clocksource0/available_clocksource"
# QEMU's target/i386/cpu.c: what translates calls itself TCG; "Virtual" it is on KVM as well.
_X86_TRANSLATED: Final = "QEMU TCG CPU"
_X86_EITHER: Final = "QEMU Virtual CPU"
# QEMU's hw/arm/virt.c: with KVM the product is "KVM Virtual Machine".
_ARM_NOT_KVM: Final = "QEMU Virtual Machine"
_APPLE: Final = "0x61"
# QEMU's processor "max" has no implementer; and its counter runs at 62.5 MHz unless its processor
# is newer than any board's (target/arm/cpu.c), which Linux prints doubled.
_NO_IMPLEMENTER: Final = "0x00"
_TRANSLATED_BOGOMIPS: Final = "125.00"


def kind_of_machine(root: Path, architecture: str) -> MachineKind:
    """Look at the kernel, the device tree, DMI and the processor.

    Args:
        root: where `proc` and `sys` are.
        architecture: as `uname -m` gives it to this process.

    Returns:
        "real" where nothing tells otherwise.
    """
    cpuinfo = read_text(root / "proc/cpuinfo") or ""
    if _is_translated_program(root, cpuinfo, architecture):
        return "emulated"
    product = read_text(root / "sys/class/dmi/id/product_name") or ""
    vendor = read_text(root / "sys/class/dmi/id/sys_vendor") or ""
    is_dummy = "linux,dummy-virt" in _compatible(root)
    is_qemu = is_dummy or vendor == "QEMU"
    if _is_translated_x86(root, cpuinfo) or (is_qemu and _is_translated_arm(cpuinfo, product)):
        return "emulated"
    has_hypervisor = "hypervisor" in _field(cpuinfo, "flags").split()
    is_guest = is_qemu or has_hypervisor or read_text(root / "sys/hypervisor/type") is not None
    return "virtual" if is_guest else "real"


def _is_translated_x86(root: Path, cpuinfo: str) -> bool:
    name = _field(cpuinfo, "model name")
    if _X86_TRANSLATED in name:
        return True
    return _X86_EITHER in name and "kvm-clock" not in (read_text(root / _CLOCK_SOURCES) or "")


def _is_translated_arm(cpuinfo: str, product: str) -> bool:
    implementer = _field(cpuinfo, "CPU implementer")
    if implementer in ("", _APPLE):
        return False
    return (
        implementer == _NO_IMPLEMENTER
        or _field(cpuinfo, "BogoMIPS") == _TRANSLATED_BOGOMIPS
        or product == _ARM_NOT_KVM
    )


def _compatible(root: Path) -> list[str]:
    for tree in ("proc/device-tree", "sys/firmware/devicetree/base"):
        text = read_text(root / tree / "compatible")
        if text:
            return text.split("\0")
    return []


def _field(cpuinfo: str, name: str) -> str:
    """Of the first processor; "" where it is not there."""
    for line in cpuinfo.splitlines():
        found, _, value = line.partition(":")
        if found.strip() == name:
            return value.strip()
    return ""


def _is_translated_program(root: Path, cpuinfo: str, architecture: str) -> bool:
    # qemu's user mode changes what uname says, but hands the host's own /proc through: the
    # kernel's name (since Linux 6.1), and the program that really runs, which is qemu itself
    # (/proc/self/exe is the one of these that it answers in the program's stead).
    kernel = read_text(root / "proc/sys/kernel/arch") or ""
    for seen in (kernel, _program_architecture(root / "proc/thread-self/exe")):
        if seen and _family(seen) != _family(architecture):
            return True
    has_x86 = any(vendor in cpuinfo for vendor in _X86_VENDORS)
    return has_x86 and _family(architecture) != "x86"


# e_machine in an ELF file's header; elf(5) and the kernel's include/uapi/linux/elf-em.h.
_ELF_ARCHITECTURES = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


def _program_architecture(path: Path) -> str:
    """For which architecture an ELF program was made; "" where that cannot be seen."""
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except OSError:
        return ""
    is_elf = header.startswith(b"\x7fELF") and len(header) == 20  # noqa: PLR2004 - was asked for
    byte_order: Literal["little", "big"] = "little" if header[5:6] == b"\x01" else "big"
    machine = int.from_bytes(header[18:20], byte_order) if is_elf else 0
    return _ELF_ARCHITECTURES.get(machine, "")


def _family(architecture: str) -> str:
    """A 32-bit program on a 64-bit kernel of the same family is not emulated."""
    if architecture in ("x86_64", "i386", "i686", "AMD64"):
        return "x86"
    return "arm" if architecture.startswith(("arm", "aarch")) else architecture
