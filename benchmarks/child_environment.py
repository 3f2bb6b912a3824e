"""The environment in which fresh processes find the same packages as this one."""

from __future__ import annotations

import os
from pathlib import Path

import edge

__all__ = ["child_environment"]


def child_environment() -> dict[str, str]:
    """This process's environment, with the folder that holds our packages searched first.

    Python may keep its bytecode, even where this process is told not to: an installed package
    comes with it, and a checkout that is compiled anew in every process would be timed as
    something that nobody runs. A first, uncounted process writes it.
    """
    root = str(Path(edge.__file__).resolve().parents[1])
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": search}
