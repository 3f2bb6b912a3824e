"""Which bundle the worker is to answer from: one that was named, or the active model slot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from edge.errors import DeviceError, EdgeError
from edge.kiosk.messages import EventLevel, UpdateHealth
from edge.kiosk.service.blocking_call import run_blocking
from edge.kiosk.service.event_log import EventLog
from edge.kiosk.service.worker_faults import WorkerFault
from edge.kiosk.slots.slot_state import SlotState, Switch, SwitchKind
from edge.kiosk.slots.store import SlotStore

__all__ = ["FixedBundle", "ModelChoice", "SlottedBundle"]

_Value = TypeVar("_Value")

_NOTE_INTERVAL_S = 1.0
_EVENTS: dict[SwitchKind, tuple[EventLevel, str, str]] = {
    "installed": ("info", "update_begun", "{model} is in slot {slot}: {reason}"),
    "confirmed": ("info", "update_confirmed", "{model} is confirmed: it {reason}"),
    "rolled_back": ("warning", "update_rolled_back", "{model} was left for slot {slot}: {reason}"),
    "stayed": ("error", "update_stayed", "{model} stays though it failed: {reason}"),
    "repaired": ("warning", "slots_repaired", "{reason}"),
}


class ModelChoice(Protocol):
    """Says which bundle, and hears how it does. None of its methods is called while another is."""

    @property
    def may_change(self) -> bool:
        """Whether another bundle may answer one day."""
        ...

    async def begin(self) -> Path:
        """The bundle for the worker that is about to start.

        Raises:
            EdgeError: there is none that can be used.
        """
        ...

    async def has_changed(self) -> bool:
        """Whether another bundle is to answer than `begin` gave."""
        ...

    async def note_failure(self, fault: WorkerFault) -> None:
        """The worker has failed."""
        ...

    async def note_running(self, running_s: float) -> None:
        """The worker has been ready for so many seconds more."""
        ...

    async def note_stopped(self) -> None:
        """The service ends in good order."""
        ...

    def health(self) -> UpdateHealth:
        """What is shown of it."""
        ...


class FixedBundle:
    """A bundle that was named when the service was started; nothing is ever switched."""

    may_change = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def begin(self) -> Path:
        """See `ModelChoice`."""
        return self._path

    async def has_changed(self) -> bool:
        """See `ModelChoice`."""
        return False

    async def note_failure(self, fault: WorkerFault) -> None:
        """See `ModelChoice`."""

    async def note_running(self, running_s: float) -> None:
        """See `ModelChoice`."""

    async def note_stopped(self) -> None:
        """See `ModelChoice`."""

    def health(self) -> UpdateHealth:
        """See `ModelChoice`."""
        return UpdateHealth(state="none", slot="", trial_left_ms=0)


class SlottedBundle:
    """The active one of two slots; goes back to the one before where a new one fails.

    Args:
        store: the slots; asked in threads of their own, one at a time.
        events: switches are told here.
    """

    may_change = True

    def __init__(self, store: SlotStore, events: EventLog) -> None:
        self._store = store
        self._events = events
        self._asking = threading.Lock()
        self._token = store.token()
        self._begun = ""
        self._state: SlotState | None = None
        self._history: tuple[Switch, ...] | None = None
        self._unnoted_s = 0.0
        self._trouble = ""

    async def begin(self) -> Path:
        """See `ModelChoice`."""
        self._unnoted_s, self._begun = 0.0, ""
        # Before the state is read: what is switched meanwhile is noticed afterwards.
        self._token = self._store.token()
        if self._history is None:
            self._history = await self._locked(self._store.history)
        state = await self._ask(self._store.begin)
        self._begun = state.active.digest
        return state.active.path

    async def has_changed(self) -> bool:
        """See `ModelChoice`."""
        token = self._store.token()
        if token == self._token:
            return False
        try:
            state = await self._locked(self._store.state)
        except EdgeError as error:
            self._token = token
            self._complain(error)
            return False
        if state is None or state.active.digest == self._begun:
            self._token = token
            return False
        return True

    async def note_failure(self, fault: WorkerFault) -> None:
        """See `ModelChoice`; in a trial it may go back to the bundle before."""
        if fault.is_model:
            await self._try(
                lambda: self._store.note_failure(fault.message, is_golden=fault.is_hopeless)
            )

    async def note_running(self, running_s: float) -> None:
        """See `ModelChoice`; after enough of it a trial is over."""
        self._unnoted_s += running_s
        if self._state is None or not self._state.is_trial or self._unnoted_s < _NOTE_INTERVAL_S:
            return
        noted_s, self._unnoted_s = self._unnoted_s, 0.0
        await self._try(lambda: self._store.note_running(noted_s))

    async def note_stopped(self) -> None:
        """See `ModelChoice`."""
        if self._begun:
            try:
                await self._locked(self._store.note_stopped)
            except EdgeError as error:
                self._complain(error)

    def health(self) -> UpdateHealth:
        """See `ModelChoice`."""
        state = self._state
        if state is None:
            return UpdateHealth(state="none", slot="", trial_left_ms=0)
        return UpdateHealth(
            state="trial" if state.is_trial else "confirmed",
            slot=state.active.name,
            trial_left_ms=state.trial_left_ms,
        )

    async def _try(self, question: Callable[[], SlotState]) -> None:
        try:
            await self._ask(question)
        except EdgeError as error:
            self._complain(error)

    async def _ask(self, question: Callable[[], SlotState]) -> SlotState:
        """Ask, and tell what has become of the slots."""
        state, history = await self._locked(lambda: (question(), self._store.history()))
        self._state, self._trouble = state, ""
        for switch in _news(self._history or (), history):
            level, code, words = _EVENTS[switch.kind]
            self._events.add(
                "update",
                level,
                code,
                words.format(model=switch.model, slot=switch.slot, reason=switch.reason),
            )
        self._history = history
        return state

    async def _locked(self, question: Callable[[], _Value]) -> _Value:
        def ask() -> _Value:
            # One that was cancelled may still be at it.
            with self._asking:
                try:
                    return question()
                except OSError as error:
                    raise DeviceError(f"the model slots cannot be used: {error}") from error

        return await run_blocking(ask)

    def _complain(self, error: EdgeError) -> None:
        """Tell trouble once, not every second."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._events.add("update", "error", "slots_failing", self._trouble)


def _news(known: tuple[Switch, ...], history: tuple[Switch, ...]) -> tuple[Switch, ...]:
    """What came after the last switch that is known; the oldest are forgotten meanwhile."""
    if not known or known[-1] not in history:
        return history
    return history[history.index(known[-1]) + 1 :]
