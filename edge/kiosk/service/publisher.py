"""An answer of the worker -> an entry in the journal -> what the world is told.

Nothing is told that is not in the journal: where an entry cannot be written, the outcome is "no
result" and its reason.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec

from edge.errors import EdgeError
from edge.kiosk.journal.entry import DeviceState, JournalEntry, kind_of_source
from edge.kiosk.journal.journal import Receipt
from edge.kiosk.messages import Answer
from edge.kiosk.service.device_gauge import DeviceGauge
from edge.kiosk.service.journal_link import OFF, JournalLink
from edge.kiosk.service.totals import Totals
from edge.kiosk.worker.wire import Answered

__all__ = ["Published", "Publisher", "make_entry"]

_JOURNAL_GATE = "journal"


@dataclass(frozen=True, slots=True)
class Published:
    """An answer that may be told.

    Attributes:
        answer: what is told.
        captured_ns: monotonic time of the capture.
        published_ns: monotonic time at which its entry was durable.
    """

    answer: Answer
    captured_ns: int
    published_ns: int


class Publisher:
    """Takes answers to the journal and gives back what may be told.

    Args:
        journal: where they go.
        totals: where they are counted.
        gauge: what the board says of itself.
    """

    def __init__(
        self,
        journal: JournalLink,
        totals: Totals,
        gauge: DeviceGauge,
    ) -> None:
        self._journal = journal
        self._totals = totals
        self._gauge = gauge

    async def publish(self, answered: Answered) -> Published:
        """Wait until an answer is in the journal."""
        try:
            receipt = await self._journal.write(make_entry(answered, self._gauge.latest()))
        except EdgeError as error:
            self._totals.journal_failures += 1
            return self._done(_withheld(answered, str(error)), OFF)
        self._totals.journal_entries += receipt is not OFF
        return self._done(answered, receipt)

    def _done(self, answered: Answered, receipt: Receipt) -> Published:
        now_ns = time.monotonic_ns()
        waited_ns = max(0, now_ns - answered.capture_monotonic_ns)
        self._totals.add_answer(answered, answered.gate, waited_ns)
        answer = Answer(
            sequence=receipt.sequence,
            entry_digest=receipt.digest,
            source=answered.source,
            index=answered.index,
            status=answered.status,
            gate=answered.gate,
            reason=answered.reason,
            model=answered.model,
            engine=answered.engine,
            precision=answered.precision,
            outputs=answered.outputs,
            latency_ns=answered.latency_ns,
            capture_time_ns=answered.capture_time_ns,
            capture_to_answer_ns=waited_ns,
            input_digest=answered.input_digest,
        )
        return Published(answer, answered.capture_monotonic_ns, now_ns)


def make_entry(answered: Answered, device: DeviceState | None) -> JournalEntry:
    """What the journal is told of an answer: no address, no name of a file, no free text."""
    return JournalEntry(
        kind="answer",
        model=answered.model,
        engine=answered.engine,
        precision=answered.precision,
        source_kind=kind_of_source(answered.source),
        index=answered.index,
        capture_time_ns=answered.capture_time_ns,
        input_digest=answered.input_digest,
        status=answered.status,
        gate=answered.gate,
        error_code=answered.error_code,
        outputs=answered.outputs,
        latency_ns=answered.latency_ns,
        capture_to_answer_ns=max(0, time.monotonic_ns() - answered.capture_monotonic_ns),
        device=device,
    )


def _withheld(answered: Answered, reason: str) -> Answered:
    """The answer without what must not be told."""
    return msgspec.structs.replace(
        answered,
        status="refused",
        gate=_JOURNAL_GATE,
        reason=f"the journal could not be written: {reason}",
        outputs=(),
    )
