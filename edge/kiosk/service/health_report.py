"""How the kiosk is, in one message."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from edge import __version__
from edge.kiosk.messages import (
    Health,
    JournalHealth,
    Latest,
    Problem,
    ServiceHealth,
    SourceHealth,
    UpdateHealth,
    WorkerHealth,
)
from edge.kiosk.service.supervisor import WorkerStatus
from edge.kiosk.view import KioskCounts

__all__ = ["HealthParts", "SourceView", "report_health"]

_MS_PER_S = 1000


@dataclass(frozen=True, slots=True)
class SourceView:
    """The source as the worker's events tell it: at once, not twice a second.

    Attributes:
        address: without credentials; "" for none.
        since_s: monotonic seconds.
        reason: why it was lost or has ended.
    """

    address: str
    state: Literal["opening", "open", "lost", "ended", "none"]
    since_s: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HealthParts:
    """What the report is made of."""

    status: WorkerStatus
    source: SourceView
    journal: JournalHealth
    journal_reason: str
    update: UpdateHealth
    counts: KioskCounts
    latest: Latest
    started_s: float


def report_health(parts: HealthParts) -> Health:
    """Put the report together: "down" without a worker, "degraded" where anything is wrong."""
    status, now_s = parts.status, time.monotonic()
    problems = tuple(_problems(parts))
    is_down = status.state != "ready"
    return Health(
        status="down" if is_down else "degraded" if problems else "ok",
        problems=problems,
        source=SourceHealth(
            address=parts.source.address,
            state=parts.source.state,
            since_ms=round((now_s - parts.source.since_s) * _MS_PER_S),
            attempts=status.alive.attempts,
            captured=parts.counts.captured,
            dropped=parts.counts.dropped,
        ),
        worker=WorkerHealth(
            state=status.state,
            pid=status.process.pid if status.process else 0,
            restarts=parts.counts.worker_restarts,
            uptime_ms=round(status.process.uptime_s * _MS_PER_S) if status.process else 0,
        ),
        journal=parts.journal,
        update=parts.update,
        service=ServiceHealth(
            version=__version__,
            pid=os.getpid(),
            uptime_ms=round((now_s - parts.started_s) * _MS_PER_S),
        ),
        model=status.card.model if status.card else None,
    )


def _problems(parts: HealthParts) -> Iterator[Problem]:
    if parts.status.state != "ready":
        yield Problem("worker", parts.status.reason)
        return
    if parts.source.state in ("lost", "ended"):
        yield Problem(f"source_{parts.source.state}", parts.source.reason)
    if parts.journal_reason:
        yield Problem("journal_failing", parts.journal_reason)
    latest = parts.latest
    if latest.state == "no_result" and latest.gate not in ("source", "journal"):
        yield Problem(f"gate_{latest.gate}", latest.reason or "")
