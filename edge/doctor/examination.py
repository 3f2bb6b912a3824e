"""The whole examination: Python, packages, libraries, engines."""

from __future__ import annotations

import platform
import struct
from typing import TypedDict

from edge import __version__
from edge.doctor.package_health import (
    EngineHealth,
    LibraryHealth,
    examine_engine,
    examine_library,
    installed_version,
)
from edge.engines.threads import resolve_threads

__all__ = ["Examination", "examine", "format_examination"]

_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "ai-edge-litert",
    "tflite-runtime",
    "msgspec",
    "click",
)
_LIBRARIES = {"numpy": "numpy", "opencv-python-headless": "cv2"}
_ENGINES = ("onnxruntime", "litert")


class Examination(TypedDict):
    """What was found, ready for JSON."""

    schema_version: int
    edgedx: str
    python: str
    python_bits: int
    system: str
    threads: int
    packages: dict[str, str | None]
    libraries: list[LibraryHealth]
    engines: list[EngineHealth]


def examine(*, threads: int | None = None) -> Examination:
    """Look at this machine's Python and run each engine once; takes some seconds.

    Args:
        threads: what `edge-run` uses here by default; None for what it uses on any machine.
    """
    return {
        "schema_version": 1,
        "edgedx": __version__,
        "python": platform.python_version(),
        "python_bits": struct.calcsize("P") * 8,
        "system": platform.platform(),
        "threads": resolve_threads(threads),
        "packages": {name: installed_version(name) for name in _PACKAGES},
        "libraries": [examine_library(name, module) for name, module in _LIBRARIES.items()],
        "engines": [examine_engine(name) for name in _ENGINES],
    }


def format_examination(found: Examination) -> list[str]:
    """The examination for a person to read."""
    lines = [
        f"edgedx {found['edgedx']} on Python {found['python']}, {found['system']}",
        f"threads used by default: {found['threads']}",
    ]
    for name, version in found["packages"].items():
        lines.append(f"  {name:<24}{version or 'not installed'}")
    lines += [
        f"{library['name']}: DOES NOT WORK: {library['finding']}"
        for library in found["libraries"]
        if not library["works"]
    ]
    for engine in found["engines"]:
        state = "works" if engine["works"] else "DOES NOT WORK"
        lines.append(f"{engine['name']}: {state}: {engine['finding']}")
    return lines
