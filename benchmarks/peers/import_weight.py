"""What `import edge` loads, and how long it takes."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.child_environment import child_environment

__all__ = ["ImportWeight", "parse_import_times", "weigh_import"]

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s*)(\S+)")
_EXPECTED = frozenset({"edge", "numpy"})


@dataclass(frozen=True, slots=True)
class ImportWeight:
    """What importing the runtime costs, medians of several processes.

    Attributes:
        edge_us: importing edge, numpy within it.
        numpy_us: of that, importing numpy.
        modules: how many modules beyond a bare interpreter's.
        foreign: packages among them that are neither edge, numpy nor the standard library.
    """

    edge_us: float
    numpy_us: float
    modules: int
    foreign: tuple[str, ...]


def parse_import_times(text: str) -> dict[str, int]:
    """Cumulative microseconds by module, of what `python -X importtime` prints."""
    return {match[4]: int(match[2]) for match in map(_LINE.match, text.splitlines()) if match}


def weigh_import(*, runs: int = 5) -> ImportWeight:
    """Import the runtime in fresh processes.

    Args:
        runs: how many.
    """
    added = _loaded_modules("import edge") - _loaded_modules("pass")
    found = [parse_import_times(_run("import edge", "-X", "importtime")[1]) for _ in range(runs)]
    roots = {name.partition(".")[0] for name in added}
    return ImportWeight(
        edge_us=statistics.median(times["edge"] for times in found),
        numpy_us=statistics.median(times["numpy"] for times in found),
        modules=len(added),
        foreign=tuple(sorted(roots - _EXPECTED - sys.stdlib_module_names)),
    )


def _loaded_modules(code: str) -> set[str]:
    # Not from the import times: those also list what was looked for and is not there.
    output, _ = _run(f"{code}\nimport sys\nprint(*sys.modules)")
    return set(output.split())


def _run(code: str, *options: str) -> tuple[str, str]:
    child = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        env=child_environment(),
        check=True,
    )
    return child.stdout, child.stderr
