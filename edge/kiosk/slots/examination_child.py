"""The self-test's own process: replays golden examples and says on its last line what was wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from edge.errors import EdgeError
from edge.model_loader import LoadOptions
from edge.selftest import GoldenCheck, run_selftest

__all__ = ["main"]

_PATIENT = 10


def main(arguments: Sequence[str]) -> None:
    """Test one bundle; the exit code says nothing, the last line of the output does.

    Args:
        arguments: one JSON object: path, engine, precision, trusted_keys, deadline_s, and the
            user and group to be.
    """
    given = json.loads(arguments[0])
    _yield_to_the_kiosk()
    # Where the parent is killed, nobody else would end a test that hangs.
    signal.setitimer(signal.ITIMER_REAL, given["deadline_s"] + 1)
    options = LoadOptions(
        engine=given["engine"],
        precision=given["precision"],
        trusted_keys=tuple(map(bytes.fromhex, given["trusted_keys"])),
    )
    fault = _become(given["user"], given["group"]) or _fault(Path(given["path"]), options)
    sys.stdout.write("\n" + json.dumps({"passed": not fault, "fault": fault}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a native library that crashes when it is unloaded has answered rightly before


def _yield_to_the_kiosk() -> None:
    """What answers now comes first, and lives where memory is short."""
    os.nice(_PATIENT)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _become(user: int, group: int) -> str:
    """Be another user where this is root's process; why that one could run nothing, or ""."""
    if os.geteuid() != 0 or user == 0:
        return ""
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if os.access(os.__file__, os.R_OK):
        return ""
    return (
        f"user {user}, to whom the folder of the slots belongs, may not read {sys.executable}'s "
        "Python, and so could not run the kiosk either"
    )


def _fault(path: Path, options: LoadOptions) -> str:
    """What was wrong in one line; "" where nothing was."""
    try:
        failed = [check for check in run_selftest(path, options) if not check.is_passed]
    except EdgeError as error:
        return str(error)
    except MemoryError:
        return "the memory ran out"
    return _described(failed[0]) if failed else ""


def _described(check: GoldenCheck) -> str:
    if check.reason is not None:
        return f"{check.artifact}: {check.reason}"
    if not check.same_tensor:
        return f"{check.artifact}: {check.input} is not prepared as in the lab"
    return (
        f"{check.artifact} on {check.input}: {check.steps:g} output steps from the lab's answer, "
        f"{check.tolerance_steps} are allowed"
    )
