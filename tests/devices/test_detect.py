"""Which board this is, from system trees laid out here."""

from pathlib import Path

import pytest
from board_trees import BoardName, lay_out_board

from devices.defaults import recommended_here
from devices.detect import Board, detect_board, find_profile
from devices.load import load_profile, profile_names

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


def test_an_arm_core_is_known_by_its_numbers_and_not_by_the_name_that_all_have(
    tmp_path: Path,
) -> None:
    cpuinfo = "model name\t: ARMv8 Processor rev 0 (v8l)\nFeatures\t: asimd\n"
    lay_out(tmp_path, {"proc/cpuinfo": cpuinfo})
    assert detect_board(tmp_path).processor == "ARMv8 Processor rev 0 (v8l)"
    lay_out(
        tmp_path,
        {"proc/cpuinfo": cpuinfo + "CPU implementer\t: 0x4e\nCPU part\t: 0x004\n"},
    )
    assert detect_board(tmp_path).processor == "NVIDIA Carmel"


def test_an_empty_machine_is_an_unknown_board_and_no_error(tmp_path: Path) -> None:
    board = detect_board(tmp_path)
    assert (board.model, board.processor, board.memory_mib) == ("unknown board", "", 0)


def board(*, architecture: str = "aarch64", model: str = "", compatible: tuple[str, ...]) -> Board:
    return Board(model, architecture, "", (), 0, compatible)


@pytest.mark.parametrize(
    ("tree", "title", "processor"),
    [
        ("pi4", "Raspberry Pi 4B", "Cortex-A72"),
        ("pi5", "Raspberry Pi 5", "Cortex-A76"),
        ("orin_nano", "Jetson Orin Nano", "Cortex-A78AE"),
    ],
)
def test_a_whole_board_finds_its_profile(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tree: BoardName,
    title: str,
    processor: str,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    found = detect_board(lay_out_board(tmp_path, tree))
    profile = find_profile(found)
    assert profile is not None
    assert (profile.title, found.processor) == (title, processor)
    assert profile.instructions is not None
    assert set(profile.instructions.names) == set(found.instructions)


@pytest.mark.parametrize(
    "compatible",
    [
        pytest.param(each, id=each)
        for name in profile_names()
        for each in load_profile(name).match.compatible
    ],
)
def test_every_name_in_a_profile_leads_to_it(compatible: str) -> None:
    profile = find_profile(board(compatible=("maker,variant-of-it", compatible, "maker,chip")))
    assert profile is not None
    assert compatible in profile.match.compatible


@pytest.mark.parametrize(
    ("model", "title"),
    [
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "Raspberry Pi 3B+"),
        ("Raspberry Pi 3 Model B Rev 1.2", "Raspberry Pi 3B"),
        ("Raspberry Pi Compute Module 4 Rev 1.0", "Raspberry Pi 4B"),
        ("Raspberry Pi Compute Module 3 Plus Rev 1.0", "Raspberry Pi 3B+"),
        ("Raspberry Pi Zero 2 W Rev 1.0", "Raspberry Pi Zero 2 W"),
        ("NVIDIA Jetson Orin NX Developer Kit", "Jetson Orin NX"),
        ("Some other board", "a 64-bit ARM board"),
        ("Raspberry Pi", "a 64-bit ARM board"),
    ],
)
def test_without_the_device_trees_names_the_longest_beginning_of_the_model_decides(
    model: str, title: str
) -> None:
    profile = find_profile(board(model=model, compatible=()))
    assert profile is not None
    assert profile.title == title


def test_the_device_trees_names_outweigh_the_model() -> None:
    """Makers of carrier boards write models of their own."""
    found = find_profile(board(model="Raspberry Pi 4 Model B", compatible=("nvidia,p3767-0001",)))
    assert found is not None
    assert found.title == "Jetson Orin NX"


def test_a_name_of_another_architecture_is_no_match() -> None:
    found = find_profile(board(architecture="x86_64", compatible=("raspberrypi,5-model-b",)))
    assert found is not None
    assert found.name == "generic_x86_64"


def test_an_unknown_architecture_has_no_profile() -> None:
    assert find_profile(board(architecture="riscv64", compatible=("starfive,jh7110",))) is None


@pytest.mark.parametrize(
    ("tree", "engine", "threads"), [("pi4", "litert", 4), ("orin_nano", None, 6)]
)
def test_a_board_recommends_what_its_profile_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tree: BoardName,
    engine: str | None,
    threads: int,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    recommended = recommended_here(lay_out_board(tmp_path, tree))
    assert recommended is not None
    assert (recommended.engine, recommended.threads) == (engine, threads)


def test_a_pc_recommends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert recommended_here(tmp_path) is None
