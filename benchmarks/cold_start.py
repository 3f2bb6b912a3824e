"""Cold starts: from starting a process to its first answer, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.child_environment import child_environment
from benchmarks.records.measurement import ColdStart
from benchmarks.subject_request import SubjectRequest
from edge.doctor.diagnosis import signal_name
from edge.errors import BundleError, EdgeError, EngineError, InputError

__all__ = ["ColdStart", "error_of", "measure_cold_start"]

_CHILD = "benchmarks.cold_start_child"
_DEADLINE_S = 300.0


def measure_cold_start(request: SubjectRequest) -> ColdStart:
    """Start a process and take its times.

    Args:
        request: what to load, and what to answer for.

    Raises:
        InputError: the input is refused.
        BundleError: the model is refused.
        EngineError: the process failed otherwise, with the last thing it said.
    """
    words = [
        request.model,
        request.artifact,
        request.engine,
        str(request.threads),
        request.inputs[0] if request.inputs else "",
        str(request.settings.seed) if request.is_engine_only else "",
    ]
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
        raise error_of(child.returncode, _last_words(child.returncode, child.stderr), request)
    # Libraries may have said something before.
    last = child.stdout.strip().splitlines()[-1:]
    try:
        times = json.loads(last[0]) if last else {}
        return _from_times(asked, times)
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"a fresh process said {last!r} for its times; see edge-run doctor"
        ) from error


def _last_words(exit_code: int, complaints: str) -> str:
    """The signal that ended a process, else the last thing that it said."""
    if exit_code < 0:
        return f"it ended by {signal_name(-exit_code)}"
    lines = complaints.strip().splitlines()
    return lines[-1] if lines else f"exit code {exit_code}"


def error_of(exit_code: int, said: str, request: SubjectRequest) -> EdgeError:
    """What a process that loads and answers ended with.

    Args:
        exit_code: its own.
        said: its last sentence.
        request: what it was to do.

    Returns:
        An `InputError` or `BundleError` where it said so, else an `EngineError`.
    """
    # A record has no folders of its user's.
    for source in request.inputs:
        said = said.replace(source, Path(source).name)
    for kind in (InputError, BundleError):
        if exit_code == kind.exit_code:
            return kind(said)
    return EngineError(f"a fresh process did not answer: {said}; see edge-run doctor")


def _from_times(asked: int, times: dict[str, int]) -> ColdStart:
    return ColdStart(
        interpreter_ns=times["started_ns"] - asked,
        import_ns=times["imported_ns"] - times["started_ns"],
        load_ns=times["loaded_ns"] - times["imported_ns"],
        first_answer_ns=times["answered_ns"] - times["ready_ns"],
        total_ns=times["loaded_ns"] - asked + times["answered_ns"] - times["ready_ns"],
        peak_memory_bytes=times["peak_memory_bytes"],
    )
