"""What the toolchain costs to have and to use."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.environment import describe_machine
from benchmarks.peers.quantizers.toolchain_cost import (
    BYTECODE,
    ConversionCost,
    ToolchainCost,
    folder_mebibytes,
    verdicts,
)

MEBIBYTE = 1 << 20


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_packages_are_weighed_without_installers_and_with_bytecode_apart(tmp_path: Path) -> None:
    write(tmp_path / "numpy" / "core.so", 3 * MEBIBYTE)
    write(tmp_path / "numpy" / "__pycache__" / "core.pyc", MEBIBYTE)
    write(tmp_path / "single.py", 2 * MEBIBYTE)
    write(tmp_path / "pip" / "main.py", MEBIBYTE)
    sizes = folder_mebibytes(tmp_path)
    assert sizes == pytest.approx({"numpy": 3.0, "single.py": 2.0, BYTECODE: 1.0})


def test_a_link_is_not_weighed_twice(tmp_path: Path) -> None:
    write(tmp_path / "a" / "lib.so", MEBIBYTE)
    (tmp_path / "a" / "lib.so.1").symlink_to(tmp_path / "a" / "lib.so")
    assert folder_mebibytes(tmp_path)["a"] == pytest.approx(1.0)


COST = ToolchainCost(
    machine=describe_machine(),
    installed_mib={"numpy": 399.0, BYTECODE: 50.0},
    conversion=ConversionCost((9.0, 4.0), (1.0, 1.0), (600.0, 650.0), 1),
    digests=(("a", "b"), ("a", "b")),
)


def met(cost: ToolchainCost) -> list[bool]:
    return [is_met for _, is_met in verdicts(cost)]


def test_all_bars_met_by_the_fastest_run_and_the_highest_peak() -> None:
    assert met(COST) == [True, True, True, True]


def test_each_bar_is_missed_on_its_own() -> None:
    heavy = replace(COST, installed_mib={"numpy": 401.0})
    slow = replace(COST, conversion=ConversionCost((5.1,), (1.0,), (600.0,), 1))
    large = replace(COST, conversion=ConversionCost((1.0, 1.0), (1.0, 1.0), (1.0, 701.0), 1))
    unlike = replace(COST, digests=(("a", "b"), ("a", "c")))
    assert met(heavy) == [False, True, True, True]
    assert met(slow) == [True, False, True, True]
    assert met(large) == [True, True, False, True]
    assert met(unlike) == [True, True, True, False]
