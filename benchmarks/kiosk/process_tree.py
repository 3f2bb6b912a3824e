"""Resident memory of a service and of the processes that it started, as time goes by."""

from __future__ import annotations

import threading
from pathlib import Path

from benchmarks.kiosk.footprint import resident_mib
from edge.errors import DeviceError

__all__ = ["TreeWatch"]

_EVERY_S = 0.25


class TreeWatch:
    """Watches while its block runs.

    Args:
        pid: of the service.

    Raises:
        DeviceError: on entering, there is no such process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._service: list[float] = []
        self._workers: list[float] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> TreeWatch:
        if not resident_mib(self._pid):
            raise DeviceError(f"there is no process {self._pid}; name the service's")
        self.read()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self.read()

    def read(self) -> None:
        """Take one sample more than those that are taken as time goes by."""
        self._service.append(resident_mib(self._pid))
        self._workers.append(sum(resident_mib(pid) for pid in _descendants(self._pid)))

    def summary(self) -> dict[str, dict[str, float]]:
        """MiB before, at most and after: of the service, and of its workers together."""
        named = {"service": self._service, "workers": self._workers}
        return {
            name: {
                "before": round(samples[0], 1),
                "peak": round(max(samples), 1),
                "after": round(samples[-1], 1),
            }
            for name, samples in named.items()
        }

    def _watch(self) -> None:
        while not self._is_over.wait(_EVERY_S):
            self.read()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return found
    for thread in threads:
        try:
            children = (thread / "children").read_text(encoding="ascii")
        except OSError:
            continue
        for child in map(int, children.split()):
            found += [child, *_descendants(child)]
    return found
