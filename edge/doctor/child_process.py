"""Python code in a process of its own, with a deadline: whatever becomes of it, we live on."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from edge.python_command import python_command

__all__ = ["ChildEnd", "run_python"]


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child process ended.

    Attributes:
        code: its exit code; negative: the number of the signal that it died of; None: it was
            ended at its deadline.
        output: what it wrote to standard output.
        messages: what it wrote to standard error.
        deadline_s: how long it was given.
    """

    code: int | None
    output: str
    messages: str
    deadline_s: float


def run_python(code: str, *arguments: str, deadline_s: float) -> ChildEnd:
    """Run Python code by this interpreter, with this process's search path.

    Args:
        code: what to run.
        arguments: what it finds in `sys.argv` from index 1 on.
        deadline_s: after so many seconds it is killed.
    """
    try:
        ended = subprocess.run(  # noqa: S603 - our own code
            python_command(code, *arguments),
            capture_output=True,
            timeout=deadline_s,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return ChildEnd(None, _text(error.stdout), _text(error.stderr), deadline_s)
    except OSError as error:
        return ChildEnd(1, "", f"no process could be started: {error.strerror}", deadline_s)
    return ChildEnd(ended.returncode, _text(ended.stdout), _text(ended.stderr), deadline_s)


def _text(written: bytes | None) -> str:
    return (written or b"").decode("utf-8", errors="replace")
