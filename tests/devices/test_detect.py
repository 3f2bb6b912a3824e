"""Which board this is, from system trees laid out here."""

from pathlib import Path

import pytest

from devices.detect import detect_board

ARM_CPUINFO = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: {features}
CPU implementer\t: 0x41
CPU part\t: {part}
"""


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("model", "part", "features", "processor", "instructions"),
    [
        pytest.param(
            "Raspberry Pi 4 Model B Rev 1.4",
            "0xd08",
            "fp asimd",
            "Cortex-A72",
            ("asimd",),
            id="pi4",
        ),
        pytest.param(
            "Raspberry Pi 5 Model B Rev 1.0",
            "0xd0b",
            "fp asimd asimddp",
            "Cortex-A76",
            ("asimd", "asimddp"),
            id="pi5",
        ),
    ],
)
def test_a_board_is_known_by_its_device_tree(
    tmp_path: Path,
    model: str,
    part: str,
    features: str,
    processor: str,
    instructions: tuple[str, ...],
) -> None:
    root = lay_out(
        tmp_path,
        {
            "proc/device-tree/model": model + "\0",
            "proc/cpuinfo": ARM_CPUINFO.format(features=features, part=part),
            "proc/meminfo": "MemTotal:        8245076 kB\n",
        },
    )
    board = detect_board(root)
    assert (board.model, board.processor, board.instructions) == (model, processor, instructions)
    assert board.memory_mib == 8051


def test_a_pc_is_known_by_its_dmi_name(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "sys/class/dmi/id/product_name": "NUC11\n",
            "proc/cpuinfo": "model name\t: Some Core\nflags\t\t: sse2 avx2 avx512_vnni\n",
        },
    )
    board = detect_board(root)
    assert (board.model, board.processor) == ("NUC11", "Some Core")
    assert board.instructions == ("avx2", "avx512_vnni")


def test_an_empty_machine_is_an_unknown_board_and_no_error(tmp_path: Path) -> None:
    board = detect_board(tmp_path)
    assert (board.model, board.processor, board.memory_mib) == ("unknown board", "", 0)
