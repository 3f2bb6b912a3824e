"""Starts the process that measures one subject, and watches it and the machine meanwhile."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child_environment import child_environment
from benchmarks.sensors_log import SensorRecorder
from benchmarks.subject_request import SubjectFacts, SubjectRequest, read_facts, write_request
from edge.errors import OutputError

__all__ = ["SubjectOutcome", "watch_subject"]

_CHILD = "benchmarks.measure_subject"
_TICK_S = 0.5
_GRACE_S = 10.0
_CHATTER_BYTES = 65536


@dataclass(frozen=True, slots=True)
class SubjectOutcome:
    """How the measuring process ended.

    Attributes:
        facts: what it had found.
        failure: why it ended early, in one line; "" where it did not.
        is_interrupted: somebody stopped it, or this process.
    """

    facts: SubjectFacts
    failure: str
    is_interrupted: bool


def watch_subject(
    request: SubjectRequest,
    folder: Path,
    *,
    on_start: Callable[[SensorRecorder], None],
    on_tick: Callable[[], None],
) -> SubjectOutcome:
    """Measure one subject in a process of its own.

    Args:
        request: what to measure.
        folder: where both processes leave their files.
        on_start: is given the recorder of the sensors.
        on_tick: called twice a second; must be quick.

    Returns:
        How it ended; a `KeyboardInterrupt` (which SIGTERM raises too) becomes one that was
        interrupted.
    """
    write_request(folder, request)
    child = subprocess.Popen(
        [sys.executable, "-m", _CHILD, str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # No file: a disk that is full is what it may have to complain of.
        stderr=subprocess.PIPE,
        env=child_environment(),
        # Ctrl-C in a terminal goes to this process, which passes it on in its own time.
        start_new_session=True,
    )
    complaints = bytearray()
    recorder = SensorRecorder(
        root=Path(request.root),
        resident_bytes=lambda: _resident_bytes(child.pid),
        power_program="vcgencmd" if request.root == "/" else None,
    )
    on_start(recorder)
    is_interrupted = True
    try:
        _wait(child, recorder, on_tick, complaints)
        is_interrupted = False
    except KeyboardInterrupt:
        pass
    finally:
        _end(child, is_interrupted=is_interrupted)
    facts = read_facts(folder)
    failure = _failure(facts, child.returncode, bytes(complaints), is_interrupted=is_interrupted)
    return SubjectOutcome(facts, failure, is_interrupted or facts.is_stopped)


def _wait(
    child: subprocess.Popen[bytes],
    recorder: SensorRecorder,
    on_tick: Callable[[], None],
    complaints: bytearray,
) -> None:
    """Until the child closes both its outputs; the end of what it complains of is kept."""
    next_tick = time.monotonic()
    assert child.stdout is not None  # noqa: S101 - it was asked for
    assert child.stderr is not None  # noqa: S101 - so was this
    complaining = child.stderr.fileno()
    outputs = {child.stdout.fileno(), complaining}
    while outputs:
        if time.monotonic_ns() >= recorder.next_ns:
            recorder.read()
        on_tick()
        next_tick = max(next_tick + _TICK_S, time.monotonic())
        ready, _, _ = select.select(outputs, [], [], max(0.0, next_tick - time.monotonic()))
        for output in ready:
            # What an engine's library says on the standard output is nobody's business.
            said = os.read(output, _CHATTER_BYTES)
            if output == complaining:
                complaints += said
                del complaints[:-_CHATTER_BYTES]
            if not said:
                outputs.remove(output)
    recorder.read()


def _end(child: subprocess.Popen[bytes], *, is_interrupted: bool) -> None:
    """Let it end; ask it to where it must, and end it where it does not."""
    for output in (child.stdout, child.stderr):
        if output is not None:
            output.close()
    if is_interrupted:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _failure(
    facts: SubjectFacts, returncode: int, complaints: bytes, *, is_interrupted: bool
) -> str:
    if is_interrupted:
        return f"interrupted while it was at: {facts.step}"
    if facts.is_complete:
        return ""
    if facts.failure:
        return " ".join(facts.failure.split())
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return f"the measuring process ended by {name} at: {facts.step}; see edge-run doctor"
    lines = complaints.decode("utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else f"exit code {returncode}"
    if lines and returncode == OutputError.exit_code:
        # It could not even leave its facts behind.
        return last
    return f"the measuring process failed at: {facts.step} ({last}); see edge-run doctor"


def _resident_bytes(process: int) -> int | None:
    try:
        fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
    except OSError:
        return None
    # Of a process that has ended and is not waited for yet, every field is 0.
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") or None
