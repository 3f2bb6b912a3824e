"""When a worker has to be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.kiosk.worker.wire import Alive

if TYPE_CHECKING:
    from edge.kiosk.service.settings import WorkerLimits

__all__ = ["WorkerFault", "WorkerReading", "find_fault"]

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class WorkerReading:
    """What is known of a worker at a moment.

    Attributes:
        is_ready: whether it has shown its golden answers.
        uptime_s: seconds since it was started.
        silent_s: seconds that the service has waited for a word of it.
        alive: what it last said of itself.
    """

    is_ready: bool
    uptime_s: float
    silent_s: float
    alive: Alive


@dataclass(frozen=True, slots=True)
class WorkerFault:
    """Why a worker is replaced; `is_gentle` where it can be asked to end."""

    code: str
    message: str
    is_gentle: bool = False


def find_fault(reading: WorkerReading, limits: WorkerLimits) -> WorkerFault | None:
    """Say why a worker has to be replaced; None where it has not."""
    alive = reading.alive
    if not reading.is_ready:
        if reading.uptime_s <= limits.start_s:
            return None
        return WorkerFault(
            "worker_slow_start",
            f"the worker has not loaded its model within {limits.start_s:g} s",
        )
    busy_s = alive.busy_ms / _MS_PER_S
    if busy_s > limits.infer_s:
        return WorkerFault("worker_stuck", f"an inference has not come back for {busy_s:.1f} s")
    if reading.silent_s > limits.silence_s:
        return WorkerFault(
            "worker_silent", f"the worker has said nothing for {reading.silent_s:.1f} s"
        )
    if limits.memory_mib is not None and alive.rss_mib > limits.memory_mib:
        return WorkerFault(
            "worker_memory",
            f"the worker holds {alive.rss_mib:.0f} MiB, over its limit of {limits.memory_mib:g}",
            is_gentle=True,
        )
    if alive.abandoned > limits.abandoned_threads:
        return WorkerFault(
            "worker_threads",
            f"{alive.abandoned} threads hang in the camera's library",
            is_gentle=True,
        )
    return None
