"""The command that runs Python code in a process of its own."""

from __future__ import annotations

import json
import sys

__all__ = ["python_command"]

# With the parent's own search path: `-m` would put the current folder first.
_PROLOGUE = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1)); "


def python_command(code: str, *arguments: str) -> list[str]:
    """The command that runs Python code by this interpreter, with this process's search path.

    Args:
        code: what to run.
        arguments: what it finds in `sys.argv` from index 1 on.
    """
    return [sys.executable, "-c", _PROLOGUE + code, json.dumps(sys.path), *arguments]
