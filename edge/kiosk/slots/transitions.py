"""What becomes of the slots' state when something happens: pure, no file and no clock."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from edge.kiosk.slots.slot_state import SwitchKind
from edge.kiosk.slots.stored_state import SlotRecord, StoredState, SwitchRecord, TrialRecord

__all__ = [
    "MOST_HISTORY",
    "confirmed_if_long_enough",
    "first_installed",
    "installed",
    "is_failed",
    "known_good",
    "noted",
    "replaced_by_same",
    "rolled_back",
    "with_failure",
    "with_good_end",
    "with_running",
    "with_start",
    "without_way_back",
]

MOST_HISTORY: Final = 50
"""How many switches are remembered; the oldest are forgotten."""

_MAX_REASON = 300


def noted(
    state: StoredState, kind: SwitchKind, about: SlotRecord, reason: str, *, time_ns: int
) -> StoredState:
    """Add an entry to the history."""
    line = " ".join(reason.split())[:_MAX_REASON]
    entry = SwitchRecord(time_ns, kind, state.active.name, about.digest, about.model, line)
    return replace(state, history=(*state.history, entry)[-MOST_HISTORY:])


def known_good(state: StoredState) -> SlotRecord:
    """The slot that an installation leaves alone: the active one unless it is on trial."""
    return state.active if state.trial is None or state.previous is None else state.previous


def first_installed(state: StoredState | None, new: SlotRecord, *, time_ns: int) -> StoredState:
    """Make a bundle active where there is none to go back to, so that no trial makes sense."""
    if state is None:
        first = StoredState(schema_version=1, writes=0, active=new)
        return noted(first, "installed", new, "the first bundle", time_ns=time_ns)
    changed = replace(state, active=new, previous=None, trial=None)
    return noted(changed, "installed", new, "what was there is damaged", time_ns=time_ns)


def installed(
    state: StoredState, new: SlotRecord, good: SlotRecord, trial: TrialRecord, *, time_ns: int
) -> StoredState:
    """Make a new bundle active, on trial.

    Args:
        state: as it is.
        new: in the slot that `good` is not in.
        good: what to go back to.
        trial: of which nothing has been run yet; its `id` is filled in here.
        time_ns: wall clock.
    """
    trial = replace(trial, id=state.writes + 1)
    changed = replace(state, active=new, previous=good, trial=trial)
    return noted(changed, "installed", new, f"on trial after {good.model}", time_ns=time_ns)


def replaced_by_same(state: StoredState, same: SlotRecord, *, time_ns: int) -> StoredState:
    """Put the same bundle, maybe signed, in the active one's place; without a new trial."""
    changed = replace(state, active=same)
    return noted(changed, "installed", same, "the same bundle, laid down anew", time_ns=time_ns)


def with_start(state: StoredState) -> StoredState:
    """Count a start of the service."""
    if state.trial is None:
        return state
    return replace(state, trial=replace(state.trial, starts=state.trial.starts + 1))


def with_good_end(state: StoredState) -> StoredState:
    """Count that the last start ended in good order, so that it is no crash."""
    trial = state.trial
    if trial is None or trial.good_ends >= trial.starts:
        return state
    return replace(state, trial=replace(trial, good_ends=trial.good_ends + 1))


def with_failure(state: StoredState) -> StoredState:
    """Count a failure of the model's worker."""
    if state.trial is None:
        return state
    return replace(state, trial=replace(state.trial, failures=state.trial.failures + 1))


def is_failed(state: StoredState) -> bool:
    """Whether the trial has seen more failures than are allowed."""
    return state.trial is not None and state.trial.all_failures > state.trial.most_failures


def with_running(state: StoredState, running_ms: int) -> StoredState:
    """Count time for which the active bundle ran well."""
    if state.trial is None:
        return state
    return replace(state, trial=replace(state.trial, ran_ms=state.trial.ran_ms + running_ms))


def confirmed_if_long_enough(state: StoredState, *, time_ns: int) -> StoredState:
    """End the trial where the bundle has run well for long enough."""
    trial = state.trial
    if trial is None or trial.ran_ms < trial.length_ms:
        return state
    reason = f"ran well for {trial.ran_ms // 1000} s"
    return noted(replace(state, trial=None), "confirmed", state.active, reason, time_ns=time_ns)


def rolled_back(
    state: StoredState, previous: SlotRecord, reason: str, *, time_ns: int
) -> StoredState:
    """Make the previous bundle active again; what is left is not gone back to."""
    changed = replace(state, active=previous, previous=None, trial=None)
    return noted(changed, "rolled_back", state.active, reason, time_ns=time_ns)


def without_way_back(state: StoredState, reason: str, *, time_ns: int) -> StoredState:
    """Keep the active bundle though it should be left: the previous one is damaged."""
    changed = replace(state, previous=None, trial=None)
    return noted(changed, "stayed", state.active, reason, time_ns=time_ns)
