"""Memory of processes: with its share of what others map too, and what is its own alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["anonymous_mib", "engine_alone_mib", "proportional_mib", "resident_mib"]

_KIB_PER_MIB = 1024
_ENGINE_ALONE = """
import sys
import edge
from benchmarks.kiosk.footprint import proportional_mib
with edge.load(sys.argv[1]) as model:
    for _ in range(5):
        model.run(sys.argv[2])
    print(proportional_mib("self"))
"""


def proportional_mib(pid: int | str) -> float:
    """Proportional set size in MiB (proc(5), smaps_rollup): shared pages by their share.

    0 where the process is gone.
    """
    return _field_mib(pid, "smaps_rollup", "Pss:")


def anonymous_mib(pid: int | str) -> float:
    """Memory in MiB that no file backs: heaps and stacks, which only the process itself changes.

    A proportional size moves whenever another program that maps the same libraries starts or
    ends, so that it cannot tell whether a process grows. 0 where the process is gone.
    """
    return _field_mib(pid, "smaps_rollup", "Anonymous:")


def resident_mib(pid: int | str) -> float:
    """Resident set size in MiB (proc(5), status), shared pages whole; 0 where it is gone."""
    return _field_mib(pid, "status", "VmRSS:")


def _field_mib(pid: int | str, file: str, field: str) -> float:
    try:
        text = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    for line in text.splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / _KIB_PER_MIB
    return 0.0


def engine_alone_mib(bundle: Path, picture: Path) -> float:
    """What a process takes that only loads the bundle and answers for one picture five times."""
    words = [sys.executable, "-c", _ENGINE_ALONE, str(bundle), str(picture)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
