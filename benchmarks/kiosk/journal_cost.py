"""What a durable entry costs: the kiosk's journal beside SQLite in WAL mode.

    python -m benchmarks.kiosk.journal_cost -o benchmarks/results/journal_cost.json

writes the record and, beside it, a table in Markdown. All store the same entries, checked, hashed
and chained, each on the disk before the next; they alternate in one run on one disk, and only
their ratios are quoted. The disk is that of `--folder`: what a sync costs is a property of it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import click
import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.environment import (
    Machine,
    MachineState,
    describe_machine,
    others_share,
    read_state,
)
from benchmarks.kiosk.journal_contestants import CONTESTANTS, Contestant
from benchmarks.peers.ratios import Ratio, ratio_of_pairs
from edge.command_line import run_command
from edge.kiosk.journal.entry import DeviceState, JournalEntry
from edge.kiosk.messages import LabelScore, Latency, ModelName, Output

__all__ = ["Block", "JournalCost", "compare_journals", "format_table", "main"]

SCHEMA_VERSION: Final = 1
_OURS = "journal"
_SQLITE = "SQLite"
_LABELS = 14
_NS_PER_MS = 1e6
_READ_SO = (
    "Below 1: the journal is faster, or writes less. `journal` changes to its own thread and back "
    "for each group, as the kiosk needs it; SQLite is called in the same thread."
)


@dataclass(frozen=True, slots=True)
class Block:
    """Entries that one contestant stored one group after another.

    Attributes:
        group_ns: for each group, until it was durable.
        written_bytes: what the process gave the disk to write (proc(5), io, write_bytes).
    """

    group_ns: tuple[int, ...]
    written_bytes: int


@dataclass(frozen=True, slots=True)
class JournalCost:
    """Everything that one run found.

    Attributes:
        schema: always "edgedx-journal-cost".
        schema_version: of this form.
        command: what makes such a record again.
        groups: in a block.
        blocks: by size of the group, by contestant; those of one round at the same place.
        file_bytes: by contestant, of its files at the end, a group of one entry.
        sqlite: its version.
        file_system: of the disk.
        machine: where.
        before: the machine's state at the start.
        after: its state at the end.
        others_share: share of the processors that other programs took meanwhile.
    """

    schema: Literal["edgedx-journal-cost"]
    schema_version: Literal[1]
    command: str
    groups: int
    blocks: dict[int, dict[str, tuple[Block, ...]]]
    file_bytes: dict[str, int]
    sqlite: str
    file_system: str
    machine: Machine
    before: MachineState
    after: MachineState
    others_share: float | None


def compare_journals(
    folder: Path, *, groups: int, rounds: int, sizes: Sequence[int] = (1, 8), command: str = ""
) -> JournalCost:
    """Store entries with each contestant in turn.

    Args:
        folder: on the disk that is meant.
        groups: in a block.
        rounds: blocks of each contestant; one more is not counted.
        sizes: entries in a group, which share one sync.
        command: what the user called, for the record.
    """
    machine, before = describe_machine(), read_state()
    blocks, file_bytes = {}, {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="journal-cost-", dir=folder) as scratch:
            blocks[size] = _alternate(Path(scratch), size, groups, rounds)
            if size == 1:
                file_bytes = {name: _size(Path(scratch) / name) for name in CONTESTANTS}
    after = read_state()
    return JournalCost(
        schema="edgedx-journal-cost",
        schema_version=SCHEMA_VERSION,
        command=command,
        groups=groups,
        blocks=blocks,
        file_bytes=file_bytes,
        sqlite=sqlite3.sqlite_version,
        file_system=_file_system(folder),
        machine=machine,
        before=before,
        after=after,
        others_share=others_share(before, after, machine.processors),
    )


def _alternate(scratch: Path, size: int, groups: int, rounds: int) -> dict[str, tuple[Block, ...]]:
    contestants: dict[str, Contestant] = {
        name: make(scratch / name) for name, make in CONTESTANTS.items()
    }
    found: dict[str, list[Block]] = {name: [] for name in contestants}
    names = list(contestants)
    for round_number in range(rounds + 1):
        # Who begins takes turns, so that a disk that slows down slows all.
        for name in names[round_number % len(names) :] + names[: round_number % len(names)]:
            found[name].append(_store_block(contestants[name], size, groups))
    for each in contestants.values():
        each.close()
    return {name: tuple(blocks[1:]) for name, blocks in found.items()}


def _store_block(contestant: Contestant, size: int, groups: int) -> Block:
    written = _written_bytes()
    times = []
    for group in range(groups):
        entries = [_answer(size * group + each) for each in range(size)]
        begin_ns = time.perf_counter_ns()
        contestant.store(entries)
        times.append(time.perf_counter_ns() - begin_ns)
    return Block(tuple(times), _written_bytes() - written)


def _answer(index: int) -> JournalEntry:
    """As the chest X-ray model gives: fourteen findings."""
    digest = hashlib.sha256(index.to_bytes(8, "big")).hexdigest()
    scores = tuple(
        LabelScore(f"Finding number {label}", (index * 31 + label * 17) % 997 / 997)
        for label in range(_LABELS)
    )
    return JournalEntry(
        kind="answer",
        model=ModelName("chest-xray", "1.0.0", digest),
        engine="onnxruntime",
        precision="int8",
        source_kind="camera",
        index=index,
        capture_time_ns=time.time_ns(),
        input_digest=digest,
        status="ok",
        outputs=(Output("findings", "multilabel", scores, (scores[0].label,)),),
        latency_ns=Latency(1_000, 2_000, 3_000, 4_000, 5_000, 15_000),
        capture_to_answer_ns=20_000_000,
        device=DeviceState(temperature_c=51.5, is_throttled=False, load_1min=0.5),
    )


def _written_bytes() -> int:
    for line in Path("/proc/self/io").read_text("ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _file_system(folder: Path) -> str:
    """Type of the file system that a folder is on, as the kernel names it; "" where unknown."""
    place = folder.resolve()
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    fitting = [words for words in mounts if place.is_relative_to(words[1])]
    return max(fitting, key=lambda words: len(words[1]))[2] if fitting else ""


def format_table(cost: JournalCost) -> str:
    """A record as Markdown."""
    lines = [
        "# A durable entry beside SQLite in WAL mode with synchronous=FULL\n",
        "| entries to a sync | what, ours by SQLite's | journal | journal, same thread |",
        "|---|---|---|---|",
    ]
    for size, blocks in cost.blocks.items():
        theirs = blocks[_SQLITE]
        ours = [name for name in blocks if name != _SQLITE]
        for what, ratios in _ratios({name: blocks[name] for name in ours}, theirs).items():
            cells = " | ".join("-" if ratio is None else _quoted(ratio) for ratio in ratios)
            lines.append(f"| {size} | {what} | {cells} |")
    lines += ["", _READ_SO, ""]
    lines += [_spread(name, blocks) for name, blocks in cost.blocks.get(1, {}).items()]
    lines += ["", _conditions(cost), "", f"Made by `{cost.command}`."]
    return "\n".join(lines) + "\n"


def _conditions(cost: JournalCost) -> str:
    share = "unknown" if cost.others_share is None else f"{cost.others_share:.0%}"
    entries = len(cost.blocks[1][_OURS]) * cost.groups if 1 in cost.blocks else 0
    return (
        f"{entries} entries on each side, one to a sync; medians of the rounds' ratios with the "
        "median's 95 % interval.\n"
        f"File system: {cost.file_system}; SQLite {cost.sqlite}; Python {cost.machine.python}. "
        f"Other programs took {share} of {cost.machine.processors} processors meanwhile."
    )


def _ratios(
    ours: Mapping[str, Sequence[Block]], theirs: Sequence[Block]
) -> dict[str, list[Ratio | None]]:
    rows: dict[str, list[Ratio | None]] = {"time": [], "bytes given to the disk": []}
    for blocks in ours.values():
        rows["time"].append(
            ratio_of_pairs(
                [float(sum(each.group_ns)) for each in blocks],
                [float(sum(each.group_ns)) for each in theirs],
            )
        )
        # A disk in memory is given nothing.
        has_bytes = all(each.written_bytes for each in (*blocks, *theirs))
        rows["bytes given to the disk"].append(
            ratio_of_pairs(
                [float(each.written_bytes) for each in blocks],
                [float(each.written_bytes) for each in theirs],
            )
            if has_bytes
            else None
        )
    return rows


def _spread(name: str, blocks: Sequence[Block]) -> str:
    times = sorted(each for block in blocks for each in block.group_ns)
    entries_s = len(times) / (sum(times) / 1e9)
    written = sum(block.written_bytes for block in blocks) / len(times)
    median_ms = times[len(times) // 2] / _NS_PER_MS
    return (
        f"* {name}: {entries_s:.0f} entries/s; median {median_ms:.2f} ms, "
        f"the slowest {times[-1] / _NS_PER_MS:.1f} ms; {written:.0f} bytes to the disk an entry"
    )


def _quoted(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="On the disk that is meant; the current folder by default.",
)
@click.option("--groups", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=15, show_default=True)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def cost_command(output: Path, folder: Path, *, groups: int, rounds: int, debug: bool) -> None:
    """Store entries in turn with the journal and SQLite; write JSON and Markdown."""
    del debug
    command = (
        f"python -m benchmarks.kiosk.journal_cost -o benchmarks/results/{output.name} "
        f"--groups {groups} --rounds {rounds}"
    )
    cost = compare_journals(folder, groups=groups, rounds=rounds, command=command)
    write_file(output, msgspec.json.format(msgspec.json.encode(cost), indent=1))
    table = format_table(cost)
    write_file(output.with_suffix(".md"), table.encode())
    click.echo(table, nl=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point; ends the process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    run_command(cost_command, words, name="journal_cost")


if __name__ == "__main__":
    main()
