"""Cold starts: from starting a process to its first answer, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child_environment import child_environment
from edge.errors import EngineError

__all__ = ["ColdStart", "measure_cold_start"]

_CHILD = "benchmarks.cold_start_child"
_DEADLINE_S = 300.0


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One process from its start to its first answer, nanoseconds by stage.

    The process is new; files and bytecode are in the system's cache.

    Attributes:
        interpreter_ns: from asking for the process to its first own line.
        import_ns: `import edge`.
        load_ns: `edge.load`, the engine's import in it.
        first_answer_ns: the first `run`, reading the file in it.
        total_ns: all of it.
        peak_memory_bytes: most resident memory until the first answer.
    """

    interpreter_ns: int
    import_ns: int
    load_ns: int
    first_answer_ns: int
    total_ns: int
    peak_memory_bytes: int


def measure_cold_start(
    model: Path | None,
    picture: Path,
    *,
    engine: str = "auto",
    threads: int | None = None,
) -> ColdStart:
    """Start a process and take its times.

    Args:
        model: a bundle or a bare model file; None for the bundle that comes with edgedx.
        picture: an image file.
        engine: as in `edge.load`.
        threads: as in `edge.load`.

    Raises:
        EngineError: the process failed, with the last thing it said.
    """
    words = [str(model or ""), engine, str(threads or ""), str(picture)]
    asked = time.monotonic_ns()
    try:
        child = subprocess.run(
            [sys.executable, "-m", _CHILD, *words],
            capture_output=True,
            text=True,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            timeout=_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            f"a fresh process gave no answer within {_DEADLINE_S:.0f} s; see edge-run doctor"
        ) from error
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines() or [f"exit code {child.returncode}"]
        raise EngineError(f"a fresh process did not answer: {lines[-1]}; see edge-run doctor")
    return _from_times(asked, json.loads(child.stdout))


def _from_times(asked: int, times: dict[str, int]) -> ColdStart:
    return ColdStart(
        interpreter_ns=times["started_ns"] - asked,
        import_ns=times["imported_ns"] - times["started_ns"],
        load_ns=times["loaded_ns"] - times["imported_ns"],
        first_answer_ns=times["answered_ns"] - times["loaded_ns"],
        total_ns=times["answered_ns"] - asked,
        peak_memory_bytes=times["peak_memory_bytes"],
    )
