"""Test a bundle on this machine in a process of its own: it may crash, hang or eat the memory."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, Final

from edge.doctor.child_process import ChildEnd, run_python
from edge.errors import GateError
from edge.kiosk.slots.slot_state import UpdateRequirements

__all__ = ["examine_bundle"]

_CHILD: Final = "from edge.kiosk.slots.examination_child import main; main(sys.argv[1:])"
_MAX_MESSAGE = 300


def examine_bundle(path: Path, requirements: UpdateRequirements) -> None:
    """Replay a bundle's golden examples on this machine.

    Root does so as the owner of the folder, who is to run it: a bundle comes from elsewhere.

    Args:
        path: the bundle.
        requirements: which artifacts, and how long it may take.

    Raises:
        GateError: an answer is not the lab's, or the test crashed or took too long; one line.
    """
    owner = path.parent.stat()
    given = {
        "path": str(path),
        "engine": requirements.engine,
        "precision": requirements.precision,
        "trusted_keys": [each.hex() for each in requirements.trusted_keys],
        "deadline_s": requirements.selftest_s,
        "user": owner.st_uid,
        "group": owner.st_gid,
    }
    end = run_python(_CHILD, json.dumps(given), deadline_s=requirements.selftest_s)
    fault = _fault(end)
    if fault:
        raise GateError(f"the bundle's self-test on this machine failed: {fault}; nothing changed")


def _fault(end: ChildEnd) -> str:
    """What was wrong in one line; "" where nothing was."""
    if end.code is None or end.code == -signal.SIGALRM:
        return f"it did not end within {end.deadline_s:g} s"
    if end.code < 0:
        return _killed(-end.code)
    report = _report(end.output)
    if report is None:
        last = " ".join(end.messages.split("\n")[-2:]).split()
        return (
            f"it ended with code {end.code}: {' '.join(last)[:_MAX_MESSAGE] or 'it said nothing'}"
        )
    return str(report.get("fault", ""))[:_MAX_MESSAGE] if report.get("passed") is not True else ""


def _killed(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    cause = "; most likely the memory ran out" if number == signal.SIGKILL else ""
    return f"its process died of {name}{cause}"


def _report(output: str) -> dict[str, Any] | None:
    """The last line, which is the child's; an engine may have written before it."""
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "passed" in found else None
