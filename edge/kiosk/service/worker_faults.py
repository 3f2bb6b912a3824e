"""When a worker has to be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import BundleError, EdgeError, EngineError, UsageError
from edge.kiosk.worker.wire import Alive, Failed

if TYPE_CHECKING:
    from edge.kiosk.service.settings import WorkerLimits

__all__ = ["UPDATE", "FaultTally", "WorkerFault", "WorkerReading", "find_fault"]

UPDATE = "update"
"""Code of what is no fault: another bundle is to answer."""

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class WorkerReading:
    """What is known of a worker at a moment.

    Attributes:
        is_ready: whether it has shown its golden answers.
        waited_s: seconds that it has had so far.
        silent_s: seconds that the service has waited for a word of it.
        alive: what it last said of itself.
    """

    is_ready: bool
    waited_s: float
    silent_s: float
    alive: Alive


@dataclass(frozen=True, slots=True)
class WorkerFault:
    """Why a worker is replaced.

    Attributes:
        code: stable word, as `Event.code`.
        message: one line.
        is_gentle: whether it can be asked to end.
        is_model: whether it may be the model's doing.
        is_hopeless: whether the same bundle fails in the same way the next time.
        exit_code: of the command, where it ends for this.
    """

    code: str
    message: str
    is_gentle: bool = False
    is_model: bool = True
    is_hopeless: bool = False
    exit_code: int = EngineError.exit_code

    @classmethod
    def of_failure(cls, failed: Failed) -> WorkerFault:
        """What a worker says of itself before it ends."""
        return cls(
            failed.code,
            failed.message,
            is_model=failed.is_model,
            is_hopeless=failed.is_hopeless,
            exit_code=failed.exit_code,
        )

    @classmethod
    def of_death(cls, code: int) -> WorkerFault:
        """A worker that ended without a word."""
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return cls("worker_died", f"the worker ended unexpectedly ({how})")

    def to_error(self) -> EdgeError:
        """The error that ends the command for it."""
        kinds = {each.exit_code: each for each in (UsageError, BundleError)}
        return kinds.get(self.exit_code, EngineError)(self.message)


class FaultTally:
    """Faults that come again and again, without a good worker between, are told ever more seldom.

    Months of attempts must not push out all other events.
    """

    def __init__(self) -> None:
        self._code = ""
        self._count = 0

    def note(self, fault: WorkerFault) -> str:
        """Count a fault.

        Returns:
            What to tell of it; "" for nothing. The first, second, fourth, eighth, ... are told.
        """
        self._count = self._count + 1 if fault.code == self._code else 1
        self._code = fault.code
        if self._count & (self._count - 1):
            return ""
        again = f" ({self._count} times in a row)" if self._count > 1 else ""
        return f"{fault.message}{again}"

    def forget(self) -> None:
        """A worker is ready."""
        self._code = ""


def find_fault(reading: WorkerReading, limits: WorkerLimits) -> WorkerFault | None:
    """Say why a worker has to be replaced; None where it has not."""
    alive = reading.alive
    if not reading.is_ready:
        if reading.waited_s <= limits.start_s:
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
            is_model=False,
        )
    return None
