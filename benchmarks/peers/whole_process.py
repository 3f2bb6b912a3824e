"""Whole processes side by side: from starting one to its end, and the most memory it had."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.child_environment import child_environment
from benchmarks.process_memory import peak_memory_bytes
from edge.errors import EngineError

__all__ = ["ProcessRun", "alternate_processes", "run_process"]


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """One process from its start to its end.

    Attributes:
        wall_ns: as its parent saw it.
        processor_ns: user and system time of all its threads.
        peak_memory_bytes: most resident memory.
    """

    wall_ns: int
    processor_ns: int
    peak_memory_bytes: int


def run_process(command: Sequence[str]) -> tuple[ProcessRun, str]:
    """Run a command to its end.

    Returns:
        What it took, and what it printed.

    Raises:
        EngineError: it failed, or its memory cannot be told from its parent's.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as messages:
        start = time.monotonic_ns()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=messages,
            env=child_environment(),
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_ns = time.monotonic_ns() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        messages.seek(0)
        if process.returncode != 0:
            lines = messages.read().decode(errors="replace").strip().splitlines() or ["nothing"]
            raise EngineError(
                f"{command[0]} ended with exit code {process.returncode} and said: {lines[-1]}"
            )
        text = output.read().decode()
    peak = usage.ru_maxrss * 1024
    # Linux carries ru_maxrss over exec: below its parent's peak it would say nothing.
    if peak <= peak_memory_bytes():
        raise EngineError(
            f"the child's peak memory of {peak} bytes is its parent's; measure from a smaller one"
        )
    processor_ns = round((usage.ru_utime + usage.ru_stime) * 1e9)
    return ProcessRun(wall_ns, processor_ns, peak), text


def alternate_processes(
    commands: Mapping[str, Sequence[str]],
    *,
    rounds: int,
) -> dict[str, tuple[ProcessRun, ...]]:
    """Run commands in turn, in an order that rotates, so that none is always first.

    Args:
        commands: by name.
        rounds: how often each is run, one further round to fill the caches apart.

    Raises:
        EngineError: one failed.
    """
    names = list(commands)
    runs: dict[str, list[ProcessRun]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            run, _ = run_process(commands[name])
            if turn:
                runs[name].append(run)
    return {name: tuple(found) for name, found in runs.items()}
