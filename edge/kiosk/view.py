"""The seam between what runs the kiosk and what shows it: the HTTP API and the Unix socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.errors import EdgeError

if TYPE_CHECKING:
    from edge.kiosk.messages import Answer, Event, Health, Latest, ModelCard

__all__ = ["KioskBusyError", "KioskCounts", "KioskView", "Snapshot"]


class KioskBusyError(EdgeError):
    """The kiosk cannot take the request now; asking again in a moment may succeed."""

    code = "busy"
    exit_code = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest frame as the camera gave it, be it answered or refused.

    Attributes:
        jpeg: a JPEG picture, at most 640 pixels wide.
        index: of the frame.
        age_ms: since it was captured.
    """

    jpeg: bytes
    index: int
    age_ms: int


@dataclass(frozen=True, slots=True)
class KioskCounts:
    """Totals since the service started, for the metrics.

    Attributes:
        captured: frames that the source gave.
        dropped: frames replaced by a newer one before anybody took them.
        answered: answers with a result.
        refused: by gate, frames and uploads that got no result.
        reconnects: times that a lost source came back.
        worker_restarts: times that the worker was replaced.
        journal_entries: entries written.
        journal_failures: entries that could not be written.
        uploads: pictures sent in.
        infer_seconds_sum: seconds spent in inference, over all answers.
        capture_to_answer_seconds_sum: seconds from capture to answer, over all answers of the
            source (uploads left out).
    """

    captured: int = 0
    dropped: int = 0
    answered: int = 0
    refused: tuple[tuple[str, int], ...] = ()
    reconnects: int = 0
    worker_restarts: int = 0
    journal_entries: int = 0
    journal_failures: int = 0
    uploads: int = 0
    infer_seconds_sum: float = 0.0
    capture_to_answer_seconds_sum: float = 0.0


class KioskView(Protocol):
    """What may be asked of a running kiosk. Every method is called on the event loop's thread."""

    def health(self) -> Health:
        """How it is."""
        ...

    def model_card(self) -> ModelCard | None:
        """The model; None until a worker has loaded it."""
        ...

    def latest(self) -> Latest:
        """What may be shown now; its age is as of this call."""
        ...

    def snapshot(self) -> Snapshot | None:
        """The newest frame; None where none is current."""
        ...

    def counts(self) -> KioskCounts:
        """Totals."""
        ...

    async def infer(self, data: bytes) -> Answer:
        """Answer for an encoded picture or record that was sent in.

        Raises:
            KioskBusyError: too many wait already, or the worker is being replaced.
            EdgeError: anything else. What the model refuses or cannot read is an `Answer` with
                that status, not an error.
        """
        ...

    def events_after(self, last_id: int) -> tuple[Event, ...]:
        """The events kept (a bounded number) whose id is above `last_id`, oldest first."""
        ...

    def note_client(self, code: str, message: str) -> None:
        """Tell what a client does to the kiosk as an event of type "service".

        Args:
            code: stable word, such as "client_slow"; at most one a second of each is told.
            message: one line, without what the client sent.
        """
        ...

    @property
    def revision(self) -> int:
        """Grows whenever `latest`, `health` or the events have changed."""
        ...

    async def wait_for_change(self, revision: int, timeout_s: float) -> int:
        """Wait until `revision` differs from what the caller has seen, or the time is over.

        A caller that is slow misses what lay between, never blocks anybody, and costs no memory.

        Returns:
            The revision now.
        """
        ...
