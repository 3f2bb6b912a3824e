"""Processes are measured from outside, and warm images in alternating blocks."""

import sys

import pytest

from benchmarks.peers.import_weight import parse_import_times, weigh_import
from benchmarks.peers.warm_images import alternate_blocks
from benchmarks.peers.whole_process import alternate_processes, run_process
from benchmarks.process_memory import peak_memory_bytes, resident_bytes
from edge.errors import EngineError

MIB = 2**20


def allocating(mib: int) -> list[str]:
    """A process that holds so much memory, every page of it touched."""
    return [sys.executable, "-c", f"x = b'x' * ({mib} << 20); print(len(x))"]


def test_a_process_is_measured_with_what_it_printed() -> None:
    mib = peak_memory_bytes() // MIB + 100
    run, text = run_process(allocating(mib))
    assert text == f"{mib * MIB}\n"
    assert mib * MIB <= run.peak_memory_bytes < (mib + 60) * MIB
    assert run.wall_ns > 0


def test_a_peak_that_may_be_the_parents_is_refused() -> None:
    held = b"x" * (60 * MIB)
    with pytest.raises(EngineError, match="is its parent's"):
        run_process([sys.executable, "-c", "pass"])
    assert len(held) == 60 * MIB


def test_a_process_that_fails_says_why() -> None:
    failing = [sys.executable, "-c", "import sys; sys.stderr.write('out of luck'); sys.exit(3)"]
    with pytest.raises(EngineError, match="exit code 3 and said: out of luck"):
        run_process(failing)


def test_every_command_runs_in_every_round() -> None:
    mib = peak_memory_bytes() // MIB + 100
    runs = alternate_processes({"a": allocating(mib), "b": allocating(mib)}, rounds=2)
    assert {name: len(found) for name, found in runs.items()} == {"a": 2, "b": 2}


def test_blocks_alternate_and_both_sides_answer_for_the_same_images() -> None:
    asked: list[tuple[str, str]] = []
    blocks = alternate_blocks(
        lambda picture: asked.append(("ours", picture)),
        lambda picture: asked.append(("theirs", picture)),
        ["a", "b", "c"],
        images=20,
        block=5,
    )
    assert blocks.images == 20
    assert len(blocks.ours_ns) == len(blocks.theirs_ns) == 4
    order = [side for side, _ in asked[::6]]
    assert order == ["theirs", "ours"] + ["ours", "theirs", "theirs", "ours"] * 2
    ours = [picture for side, picture in asked if side == "ours"]
    assert ours == [picture for side, picture in asked if side == "theirs"]


def test_import_times_are_read_by_module() -> None:
    text = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       100 |        100 |     numpy.core\n"
        "import time:       300 |       1500 |   numpy\n"
        "a warning in between\n"
        "import time:       500 |       2000 | edge\n"
    )
    assert parse_import_times(text) == {"numpy.core": 100, "numpy": 1500, "edge": 2000}


def test_importing_edge_loads_nothing_foreign() -> None:
    found = weigh_import(runs=1)
    assert found.foreign == ()
    assert found.modules > 0


def test_resident_memory_is_at_most_its_peak() -> None:
    assert 0 < resident_bytes() <= peak_memory_bytes()
