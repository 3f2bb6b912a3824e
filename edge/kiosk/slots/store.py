"""The two model slots in a folder: which bundle answers, and the way back to the one before.

A service that runs calls `begin` at each start and after each switch that it notices
(`changed_since`), before it loads the bundle; `note_running` now and then; `note_failure` when
the model's worker crashed, was stuck or failed a golden example; `note_stopped` when it ends in
good order. Any of them may go back to the previous bundle, so the state that is returned says
what to answer from.

Another process installs a bundle or rolls back meanwhile. At every instant, a loss of power
included, the state names whole files of the old or of the new bundle: files are named by their
content, are on the disk before the state names them, and are removed only after no state does.

No time of day decides anything here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.errors import BundleError
from edge.kiosk.slots import transitions
from edge.kiosk.slots.slot_files import is_whole, locked_state, remove_unused, storing_errors
from edge.kiosk.slots.slot_state import Slot, SlotState, Switch, UpdateRequirements
from edge.kiosk.slots.stored_state import (
    FileToken,
    SlotRecord,
    StateFile,
    StoredState,
    SwitchRecord,
    TrialRecord,
)

__all__ = [
    "FileToken",
    "Slot",
    "SlotState",
    "SlotStore",
    "Switch",
    "UpdateRequirements",
]

_LEAST_STORED_MS: Final = 10_000
"""Time that ran well is stored in steps of so much, to spare the disk."""
_NO_TRIAL: Final = 0


class SlotStore:
    """The slots in one folder. Not for several threads at once; processes may share the folder.

    Args:
        folder: where bundles and state lie; made by the first installation.
        trial_s: how long a bundle installed here must run well to be confirmed.
        most_failures: how many failures and crashes a trial may have.
        examine: tests a bundle on this machine; None for `examine_bundle`, which replays its
            golden examples in a child process. Raises an `EdgeError` where it is not right.
    """

    def __init__(
        self,
        folder: Path,
        *,
        trial_s: float = 600.0,
        most_failures: int = 2,
        examine: Callable[[Path, UpdateRequirements], None] | None = None,
    ) -> None:
        self._folder = folder
        self._file = StateFile(folder)
        self._trial_ms = max(0, round(trial_s * 1000))
        self._most_failures = most_failures
        self._examine = examine
        self._begun: int | None = None
        self._unstored_ms = 0.0

    @property
    def folder(self) -> Path:
        """Where the slots are."""
        return self._folder

    def install(self, bundle: Path, requirements: UpdateRequirements) -> Slot:
        """Check a bundle, test it on this machine, and switch to it.

        Args:
            bundle: a `.edge` file or a bundle's folder; it is copied.
            requirements: what it must fulfil.

        Returns:
            The slot that is active now, on trial unless it is the first. The active one
            unchanged, where it holds this very bundle already.

        Raises:
            EdgeError: in one line, why nothing was changed.
        """
        # Here: the service never installs, and need not load what that takes.
        from edge.kiosk.slots.examination import examine_bundle
        from edge.kiosk.slots.installation import Installation

        installation = Installation(
            self._folder, self._new_trial(), self._examine or examine_bundle
        )
        return self._slot(installation.install(bundle, requirements))

    def token(self) -> FileToken:
        """What `changed_since` compares. Take it before `state`, so that no switch is missed."""
        return self._file.token()

    def changed_since(self, token: FileToken) -> bool:
        """Whether the state may be another than when the token was taken; one stat(2)."""
        return self._file.token() != token

    def state(self) -> SlotState | None:
        """The state now; None where nothing was ever installed.

        Raises:
            BundleError: it is damaged.
        """
        stored, _ = self._file.read()
        return None if stored is None else self._view(stored)

    def history(self) -> tuple[Switch, ...]:
        """The latest switches, oldest first.

        Raises:
            BundleError: the state is damaged.
        """
        stored, _ = self._file.read()
        return () if stored is None else tuple(map(_switch, stored.history))

    def begin(self) -> SlotState:
        """Say that the service starts with the active bundle, and check that its file is whole.

        In a trial this counts a start; a second call by the same store does not. Goes back to
        the previous bundle where the trial has seen too many crashes, or the file is damaged.

        Raises:
            BundleError: nothing is installed, or no bundle here is whole.
            OutputError: the state cannot be stored.
        """
        with self._changing() as stored:
            changed = self._checked_or_gone_back(stored)
            if changed is stored and stored.trial is not None and self._begun != stored.trial.id:
                changed = transitions.with_start(stored)
                if transitions.is_failed(changed):
                    changed = self._gone_back_or_stayed(changed, _crash_reason(changed))
            self._unstored_ms = 0.0
            self._begun = changed.trial.id if changed.trial is not None else _NO_TRIAL
            return self._written(stored, changed)

    def note_failure(self, reason: str, *, is_golden: bool = False) -> SlotState:
        """Say that the active bundle's worker crashed or was stuck.

        Goes back to the previous bundle where a trial has seen too many failures. Outside a
        trial nothing changes. Where the previous bundle is damaged, the active one stays, without
        a trial.

        Args:
            reason: one line.
            is_golden: it answered a golden example wrongly; a trial ends at once.

        Raises:
            BundleError: nothing is installed.
            OutputError: the state cannot be stored.
        """
        with self._changing() as stored:
            if not self._is_of_this_trial(stored):
                return self._view(stored)
            changed = transitions.with_failure(stored)
            if is_golden or transitions.is_failed(changed):
                changed = self._gone_back_or_stayed(changed, reason)
            return self._written(stored, changed)

    def note_running(self, running_s: float) -> SlotState:
        """Say that the active bundle has run well; after enough of it a trial is over.

        Args:
            running_s: for how many seconds of the monotonic clock, since the last call or since
                `begin`. What is no positive number is not counted.

        Raises:
            BundleError: nothing is installed.
            OutputError: the state cannot be stored.
        """
        if math.isfinite(running_s) and running_s > 0:
            self._unstored_ms += running_s * 1000
        with self._changing() as stored:
            trial = stored.trial
            if trial is None or not self._is_of_this_trial(stored):
                self._unstored_ms = 0.0
                return self._view(stored)
            left_ms = trial.length_ms - trial.ran_ms
            if self._unstored_ms < min(left_ms, _LEAST_STORED_MS):
                return self._view(stored)
            changed = transitions.with_running(stored, int(self._unstored_ms))
            changed = transitions.confirmed_if_long_enough(changed, time_ns=time.time_ns())
            self._unstored_ms = 0.0
            return self._written(stored, changed)

    def note_stopped(self) -> None:
        """Say that the service ends in good order, so that this start is not taken for a crash.

        Raises:
            BundleError: nothing is installed.
            OutputError: the state cannot be stored.
        """
        with self._changing() as stored:
            if self._begun is not None and self._is_of_this_trial(stored):
                self._written(stored, transitions.with_good_end(stored))
            self._begun = None

    def roll_back(self, reason: str) -> SlotState:
        """Go back to the previous bundle, trial or not.

        Raises:
            BundleError: there is none, or it is damaged; nothing was changed.
            OutputError: the state cannot be stored.
        """
        with self._changing() as stored:
            if stored.previous is None:
                raise BundleError(
                    f"there is no bundle to go back to in {self._folder}; only "
                    f"{stored.active.model} is installed, so apply another one"
                )
            if not is_whole(self._folder, stored.previous):
                raise BundleError(
                    f"cannot go back to {stored.previous.model}: its file "
                    f"{self._folder / stored.previous.file} is damaged; apply a bundle anew"
                )
            now = time.time_ns()
            changed = transitions.rolled_back(stored, stored.previous, reason, time_ns=now)
            return self._written(stored, changed)

    @contextmanager
    def _changing(self) -> Iterator[StoredState]:
        """Hold the lock on the state, and give what is stored."""
        self._stored()  # says kindly where there is nothing yet, not even a folder for the lock
        with storing_errors(self._folder), locked_state(self._folder):
            stored, is_copy = self._file.read()
            if stored is None:
                raise BundleError(f"the model slots in {self._folder} were removed meanwhile")
            yield self._repaired(stored) if is_copy else stored

    def _stored(self) -> StoredState:
        stored, _ = self._file.read()
        if stored is None:
            raise BundleError(
                f"no bundle is installed in {self._folder}; run edge-kiosk update apply NEW.edge"
            )
        return stored

    def _repaired(self, stored: StoredState) -> StoredState:
        reason = "the state file was damaged; its copy is used"
        now = time.time_ns()
        return self._file.write(
            transitions.noted(stored, "repaired", stored.active, reason, time_ns=now)
        )

    def _written(self, stored: StoredState, changed: StoredState) -> SlotState:
        if changed is not stored:
            changed = self._file.write(changed)
            if changed.active != stored.active or changed.previous != stored.previous:
                remove_unused(self._folder, changed)
        return self._view(changed)

    def _checked_or_gone_back(self, stored: StoredState) -> StoredState:
        """The same state where the active file is whole, else the one gone back to."""
        if is_whole(self._folder, stored.active):
            return stored
        path = self._folder / stored.active.file
        if stored.previous is None or not is_whole(self._folder, stored.previous):
            beside = "" if stored.previous is None else ", and so is the previous one"
            raise BundleError(
                f"the active bundle {path} is damaged{beside}; apply a bundle anew with "
                "edge-kiosk update apply"
            )
        reason = f"the file of slot {stored.active.name} is damaged"
        return transitions.rolled_back(stored, stored.previous, reason, time_ns=time.time_ns())

    def _gone_back_or_stayed(self, stored: StoredState, reason: str) -> StoredState:
        now = time.time_ns()
        previous = stored.previous
        if previous is not None and is_whole(self._folder, previous):
            return transitions.rolled_back(stored, previous, reason, time_ns=now)
        reason = f"{reason}; the previous bundle is damaged"
        return transitions.without_way_back(stored, reason, time_ns=now)

    def _is_of_this_trial(self, stored: StoredState) -> bool:
        """Whether what the caller saw is about the trial that runs now.

        Another process may have switched since; the failures of the bundle before are not to be
        laid at the new one's door.
        """
        return stored.trial is not None and self._begun in (None, stored.trial.id)

    def _new_trial(self) -> TrialRecord:
        return TrialRecord(id=0, length_ms=self._trial_ms, most_failures=self._most_failures)

    def _view(self, stored: StoredState) -> SlotState:
        trial = stored.trial
        return SlotState(
            active=self._slot(stored.active),
            previous=None if stored.previous is None else self._slot(stored.previous),
            is_trial=trial is not None,
            trial_left_ms=0 if trial is None else max(0, trial.length_ms - trial.ran_ms),
            starts_in_trial=0 if trial is None else trial.starts,
            failures_in_trial=0 if trial is None else trial.all_failures,
        )

    def _slot(self, record: SlotRecord) -> Slot:
        return Slot(
            name=record.name,
            path=self._folder / record.file,
            digest=record.digest,
            model_name=record.model_name,
            model_version=record.model_version,
            signed_by=record.signed_by,
        )


def _switch(record: SwitchRecord) -> Switch:
    return Switch(
        time_ns=record.time_ns,
        kind=record.kind,
        slot=record.slot,
        digest=record.digest,
        model=record.model,
        reason=record.reason,
    )


def _crash_reason(stored: StoredState) -> str:
    failures = 0 if stored.trial is None else stored.trial.all_failures
    return f"crashed or failed {failures} times on trial"
