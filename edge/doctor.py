"""What works on this machine: each engine run in a child process, so a crash becomes a sentence."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
from importlib import metadata
from typing import TypedDict

from edge import __version__
from edge.engines.selection import INSTALL, is_installed
from edge.engines.threads import resolve_threads

__all__ = ["EngineHealth", "Examination", "examine", "format_examination"]

_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "ai-edge-litert",
    "tflite-runtime",
    "msgspec",
    "click",
)
_ENGINES = ("onnxruntime", "litert")
_DEADLINE_S = 120.0
# With the parent's own search path: `-m` would put the current folder first.
_CHILD = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from edge.cli import main; "
    "main(['selftest', '--json', '--engine', sys.argv[2]])"
)


class EngineHealth(TypedDict):
    """One engine: whether it answers the default bundle's golden inputs, and why not."""

    name: str
    works: bool
    finding: str


class Examination(TypedDict):
    """What was found, ready for JSON."""

    schema_version: int
    edgedx: str
    python: str
    system: str
    threads: int
    packages: dict[str, str | None]
    engines: list[EngineHealth]


def examine() -> Examination:
    """Look at this machine and run each engine once; takes some seconds."""
    return {
        "schema_version": 1,
        "edgedx": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "threads": resolve_threads(None),
        "packages": {name: _version(name) for name in _PACKAGES},
        "engines": [_examine_engine(name) for name in _ENGINES],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _examine_engine(name: str) -> EngineHealth:
    if not is_installed(name):
        return {"name": name, "works": False, "finding": f"not installed; {INSTALL[name]}"}
    command = [sys.executable, "-c", _CHILD, json.dumps(sys.path), name]
    try:
        child = subprocess.run(  # noqa: S603 - our own module
            command,
            capture_output=True,
            text=True,
            timeout=_DEADLINE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        finding = f"gave no answer within {_DEADLINE_S:.0f} s"
        return {"name": name, "works": False, "finding": finding}
    return {
        "name": name,
        "works": child.returncode == 0 and bool(child.stdout),
        "finding": _finding(child.returncode, child.stdout, child.stderr),
    }


def _finding(code: int, output: str, messages: str) -> str:
    if code < 0:
        return _signal_finding(-code)
    checks = [json.loads(line) for line in output.splitlines()]
    failed = [check for check in checks if not check["is_passed"]]
    if checks and not failed and code == 0:
        farthest = max(check["steps"] for check in checks)
        return (
            f"answers all {len(checks)} golden inputs as in the lab "
            f"(at most {farthest:g} output steps away)"
        )
    if failed:
        reason = failed[0]["reason"]
        return reason or (
            f"answers {len(failed)} of {len(checks)} golden inputs otherwise than in the lab"
        )
    lines = messages.strip().splitlines()
    return lines[-1] if lines else f"ended with exit code {code} and said nothing"


def _signal_finding(number: int) -> str:
    names = {each.value: each.name for each in signal.Signals}
    name = names.get(number, f"signal {number}")
    hints = {
        "SIGILL": "its build uses instructions this processor lacks; install another version",
        "SIGSEGV": "it crashed; install another version",
        "SIGKILL": "it was killed, most likely for lack of memory",
        "SIGBUS": "it crashed on memory access; check the disk and the memory",
    }
    return f"died of {name}: {hints.get(name, 'install another version')}"


def format_examination(found: Examination) -> list[str]:
    """The examination for a person to read."""
    lines = [
        f"edgedx {found['edgedx']} on Python {found['python']}, {found['system']}",
        f"threads used by default: {found['threads']}",
    ]
    for name, version in found["packages"].items():
        lines.append(f"  {name:<24}{version or 'not installed'}")
    for engine in found["engines"]:
        state = "works" if engine["works"] else "DOES NOT WORK"
        lines.append(f"{engine['name']}: {state}: {engine['finding']}")
    return lines
