"""Counts since the service started, over all its workers."""

from __future__ import annotations

from collections import Counter

from edge.kiosk.view import KioskCounts
from edge.kiosk.worker.wire import UPLOAD, Alive, Answered

__all__ = ["Totals"]

_NS_PER_S = 1e9


class Totals:
    """Adds up; used on the event loop's thread alone."""

    def __init__(self) -> None:
        self.journal_entries = 0
        self.journal_failures = 0
        self._answered = 0
        self._uploads = 0
        self._refused: Counter[str] = Counter()
        self._infer_ns = 0
        self._capture_to_answer_ns = 0
        self._ended = Alive()
        self._present = Alive()

    def add_answer(self, answer: Answered, gate: str, capture_to_answer_ns: int) -> None:
        """Count an answer; `gate` is "" where it has a result."""
        if gate:
            self._refused[gate] += 1
        else:
            self._answered += 1
        if answer.source == UPLOAD:
            self._uploads += 1
        else:
            self._capture_to_answer_ns += capture_to_answer_ns
        self._infer_ns += answer.latency_ns.infer

    def note_alive(self, alive: Alive) -> None:
        """What the present worker says it has captured so far."""
        self._present = alive

    def note_gone(self) -> None:
        """The present worker has ended; what it said last stays counted, the next is at zero."""
        self._ended = Alive(
            captured=self.captured, dropped=self.dropped, reconnects=self._reconnects
        )
        self._present = Alive()

    @property
    def captured(self) -> int:
        """Frames that the source gave."""
        return self._ended.captured + self._present.captured

    @property
    def dropped(self) -> int:
        """Frames replaced by a newer one before anybody took them."""
        return self._ended.dropped + self._present.dropped

    @property
    def _reconnects(self) -> int:
        return self._ended.reconnects + self._present.reconnects

    def counts(self, worker_restarts: int) -> KioskCounts:
        """The totals now."""
        return KioskCounts(
            captured=self.captured,
            dropped=self.dropped,
            answered=self._answered,
            refused=tuple(sorted(self._refused.items())),
            reconnects=self._reconnects,
            worker_restarts=worker_restarts,
            journal_entries=self.journal_entries,
            journal_failures=self.journal_failures,
            uploads=self._uploads,
            infer_seconds_sum=self._infer_ns / _NS_PER_S,
            capture_to_answer_seconds_sum=self._capture_to_answer_ns / _NS_PER_S,
        )
