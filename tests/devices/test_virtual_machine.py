"""Real, virtual or emulated, from trees laid out like such machines."""

from pathlib import Path

import pytest

from devices.virtual_machine import kind_of_machine

CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"


def x86(name: str, *, flags: str = "fpu hypervisor", clocks: str = "tsc acpi_pm") -> dict[str, str]:
    return {
        "proc/cpuinfo": f"vendor_id\t: AuthenticAMD\nmodel name\t: {name}\nflags\t\t: {flags}\n",
        CLOCKS: f"{clocks}\n",
    }


def arm(bogomips: str, implementer: str, **more: str) -> dict[str, str]:
    return {
        "proc/cpuinfo": f"processor\t: 0\nBogoMIPS\t: {bogomips}\nFeatures\t: fp asimd\n"
        f"CPU implementer\t: {implementer}\nCPU part\t: 0xd08\n",
        **{_PLACES[name]: text for name, text in more.items()},
    }


_PLACES = {
    "tree": "proc/device-tree/compatible",
    "vendor": "sys/class/dmi/id/sys_vendor",
    "product": "sys/class/dmi/id/product_name",
}


@pytest.mark.parametrize(
    ("files", "architecture", "kind"),
    [
        pytest.param({}, "x86_64", "real", id="nothing to tell by"),
        pytest.param(x86("AMD EPYC 7B13", flags="fpu avx2"), "x86_64", "real", id="PC"),
        pytest.param(
            x86("QEMU TCG CPU version 2.5+"), "x86_64", "emulated", id="translated, by its name"
        ),
        pytest.param(
            x86("QEMU Virtual CPU version 2.5+"), "x86_64", "emulated", id="translated qemu64"
        ),
        pytest.param(
            x86("QEMU Virtual CPU version 2.5+", clocks="kvm-clock tsc acpi_pm"),
            "x86_64",
            "virtual",
            id="qemu64 on KVM",
        ),
        pytest.param(x86("AMD EPYC"), "x86_64", "virtual", id="KVM with the host's processor"),
        pytest.param(
            arm("125.00", "0x41", tree="linux,dummy-virt\0"),
            "aarch64",
            "emulated",
            id="translated Cortex-A72",
        ),
        pytest.param(
            arm("2000.00", "0x00", tree="linux,dummy-virt\0"),
            "aarch64",
            "emulated",
            id="translated max",
        ),
        pytest.param(
            arm("2000.00", "0x41", vendor="QEMU\n", product="QEMU Virtual Machine\n"),
            "aarch64",
            "emulated",
            id="translated, started by UEFI",
        ),
        pytest.param(
            arm("243.75", "0x41", tree="linux,dummy-virt\0"), "aarch64", "virtual", id="ARM on KVM"
        ),
        pytest.param(
            arm("243.75", "0x41", vendor="QEMU\n", product="KVM Virtual Machine\n"),
            "aarch64",
            "virtual",
            id="ARM on KVM, started by UEFI",
        ),
        pytest.param(
            arm("48.00", "0x61", vendor="QEMU\n", product="QEMU Virtual Machine\n"),
            "aarch64",
            "virtual",
            id="on a Mac, by its own hypervisor",
        ),
        pytest.param(
            arm("108.00", "0x41", tree="raspberrypi,4-model-b\0brcm,bcm2711\0"),
            "aarch64",
            "real",
            id="Raspberry Pi 4",
        ),
        pytest.param({"sys/hypervisor/type": "xen\n"}, "aarch64", "virtual", id="Xen"),
        pytest.param(
            {"proc/cpuinfo": "vendor_id\t: GenuineIntel\n"},
            "aarch64",
            "emulated",
            id="an ARM program on a PC",
        ),
        pytest.param(
            {"proc/sys/kernel/arch": "riscv64\n"}, "x86_64", "emulated", id="another kernel"
        ),
    ],
)
def test_a_machine_is_told_by_what_it_shows(
    tmp_path: Path, files: dict[str, str], architecture: str, kind: str
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert kind_of_machine(tmp_path, architecture) == kind
