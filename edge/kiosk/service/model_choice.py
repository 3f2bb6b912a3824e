"""Which bundle the worker is to answer from: one that was named, or the active model slot."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from edge.errors import EdgeError
from edge.kiosk.messages import UpdateHealth
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.worker_faults import WorkerFault
from edge.kiosk.slots.store import SlotState, SlotStore

__all__ = ["FixedBundle", "ModelChoice", "SlottedBundle"]

GOLDEN = "golden"
_NOTE_INTERVAL_S = 5.0


class ModelChoice(Protocol):
    """Says which bundle, and hears how it does."""

    def begin(self) -> Path:
        """The bundle for the worker that is about to start.

        Raises:
            EdgeError: there is none that can be used.
        """
        ...

    def has_changed(self) -> bool:
        """Whether another bundle is to answer than the worker was started with."""
        ...

    def note_failure(self, fault: WorkerFault) -> None:
        """The worker has failed."""
        ...

    def note_running(self) -> None:
        """The worker answers; said several times a second."""
        ...

    def note_stopped(self) -> None:
        """The service ends in good order."""
        ...

    def health(self) -> UpdateHealth:
        """What is shown of it."""
        ...


class FixedBundle:
    """A bundle that was named when the service was started; nothing is ever switched."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self) -> Path:
        """See `ModelChoice`."""
        return self._path

    def has_changed(self) -> bool:
        """See `ModelChoice`."""
        return False

    def note_failure(self, fault: WorkerFault) -> None:
        """See `ModelChoice`."""

    def note_running(self) -> None:
        """See `ModelChoice`."""

    def note_stopped(self) -> None:
        """See `ModelChoice`."""

    def health(self) -> UpdateHealth:
        """See `ModelChoice`."""
        return UpdateHealth(state="none", slot="", trial_left_ms=0)


class SlottedBundle:
    """The active one of two slots; goes back to the one before where a new one fails.

    Args:
        store: the slots.
        events: switches are told here.
    """

    def __init__(self, store: SlotStore, events: EventLog) -> None:
        self._store = store
        self._events = events
        self._token = store.token()
        self._state: SlotState | None = None
        self._noted_s = time.monotonic()

    def begin(self) -> Path:
        """See `ModelChoice`."""
        self._noted_s = time.monotonic()
        self._token = self._store.token()
        state = self._take(self._store.begin())
        # What `begin` itself stored is no switch to be noticed.
        self._token = self._store.token()
        return state.active.path

    def has_changed(self) -> bool:
        """See `ModelChoice`: whether the active slot holds another bundle."""
        token = self._store.token()
        if token == self._token:
            return False
        try:
            state = self._store.state()
        except EdgeError as error:
            self._token = token
            self._events.add("update", "error", "slots_unreadable", str(error))
            return False
        was = self._state
        self._token = token
        return state is not None and (was is None or state.active.digest != was.active.digest)

    def note_failure(self, fault: WorkerFault) -> None:
        """See `ModelChoice`; in a trial it may go back to the bundle before."""
        try:
            state = self._store.note_failure(fault.message, is_golden=fault.code == GOLDEN)
        except EdgeError as error:
            self._events.add("update", "error", "slots_unwritable", str(error))
            return
        self._take(state)

    def note_running(self) -> None:
        """See `ModelChoice`; after enough of it a trial is over."""
        now_s = time.monotonic()
        ran_s = now_s - self._noted_s
        if ran_s < _NOTE_INTERVAL_S or self._state is None or not self._state.is_trial:
            return
        self._noted_s = now_s
        try:
            self._take(self._store.note_running(ran_s))
        except EdgeError as error:
            self._events.add("update", "error", "slots_unwritable", str(error))

    def note_stopped(self) -> None:
        """See `ModelChoice`."""
        try:
            self._store.note_stopped()
        except EdgeError as error:
            self._events.add("update", "error", "slots_unwritable", str(error))

    def health(self) -> UpdateHealth:
        """See `ModelChoice`."""
        state = self._state
        if state is None:
            return UpdateHealth(state="confirmed", slot="", trial_left_ms=0)
        return UpdateHealth(
            state="trial" if state.is_trial else "confirmed",
            slot=state.active.name,
            trial_left_ms=state.trial_left_ms,
        )

    def _take(self, state: SlotState) -> SlotState:
        """Tell what has changed since the last look."""
        was, self._state = self._state, state
        now = state.active
        name = f"{now.model_name} {now.model_version} ({now.digest[:12]})"
        if was is None or was.active.digest == now.digest:
            if was is not None and was.is_trial and not state.is_trial:
                self._events.add("update", "info", "update_confirmed", f"{name} has proved itself")
        elif state.is_trial:
            self._events.add("update", "info", "update_begun", f"{name} is being tried")
        else:
            self._events.add(
                "update", "warning", "update_rolled_back", f"back to {name} in slot {now.name}"
            )
        return state
