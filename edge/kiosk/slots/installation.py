"""Install a bundle into the slot that is not needed: copied, checked, tried out, then switched to.

Until the switch, which is one rename of a small file, nothing that answers now is touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from edge.errors import BundleError
from edge.kiosk.slots import transitions
from edge.kiosk.slots.incoming import Incoming, copy_in, describe
from edge.kiosk.slots.slot_files import (
    INCOMING_NAME,
    is_whole,
    locked_state,
    locked_update,
    make_folder,
    remove_unused,
    slot_file_name,
    storing_errors,
)
from edge.kiosk.slots.slot_state import SlotName, UpdateRequirements
from edge.kiosk.slots.stored_state import SlotRecord, StateFile, StoredState, TrialRecord
from edge.kiosk.slots.succession import (
    check_keys_are_said,
    check_successor,
    is_same,
    with_kept_keys,
)
from edge.stored_files import sync_folder

__all__ = ["Installation"]


@dataclass(frozen=True, slots=True)
class Installation:
    """How bundles are installed.

    Attributes:
        folder: of the slots; made where it is not there.
        trial: what a bundle must stand, nothing of it run yet.
        examine: tests the copy on this machine; raises an `EdgeError` where it is not right.
    """

    folder: Path
    trial: TrialRecord
    examine: Callable[[Path, UpdateRequirements], None]

    def install(self, bundle: Path, requirements: UpdateRequirements) -> SlotRecord:
        """Check a bundle, test it, and make it the active one; as `SlotStore.install`."""
        with storing_errors(self.folder):
            make_folder(self.folder)
            with locked_update(self.folder):
                return self._install(bundle, requirements)

    def _install(self, bundle: Path, requirements: UpdateRequirements) -> SlotRecord:
        try:
            before = StateFile(self.folder).read()[0]
            remove_unused(self.folder, before)
        except BundleError as error:
            # Which bundles it named is lost too: all are left until another is in place.
            check_keys_are_said(requirements, error)
            before = None
        requirements = with_kept_keys(requirements, before)
        incoming = self.folder / INCOMING_NAME
        incoming.unlink(missing_ok=True)
        try:
            copy_in(bundle, incoming, sha256=requirements.sha256)
            new = describe(incoming, requirements.trusted_keys, origin=bundle)
            if before is not None:
                if is_same(before.active, new) and is_whole(self.folder, before.active):
                    return self._keep(before, requirements)
                check_successor(before, new, requirements)
            self.examine(incoming, requirements)
            return self._switch(incoming, new, requirements)
        finally:
            with suppress(OSError):
                incoming.unlink(missing_ok=True)

    def _switch(
        self, incoming: Path, new: Incoming, requirements: UpdateRequirements
    ) -> SlotRecord:
        """Give the copy its name, put it into the state, and remove what is not needed any more."""
        with locked_state(self.folder):
            state = self._state()
            good = self._good(state)
            is_same_bundle = state is not None and state.active.digest == new.digest
            if state is not None and is_same_bundle:
                name = state.active.name
            else:
                name = "b" if good is not None and good.name == "a" else "a"
            record = _record(name, new)
            incoming.replace(self.folder / record.file)
            sync_folder(self.folder)
            now = time.time_ns()
            if state is not None and is_same_bundle:
                changed = transitions.replaced_by_same(state, record, time_ns=now)
            elif state is None or good is None:
                changed = transitions.first_installed(state, record, time_ns=now)
            else:
                changed = transitions.installed(state, record, good, self.trial, time_ns=now)
            changed = _with_keys(changed, requirements)
            remove_unused(self.folder, StateFile(self.folder).write(changed))
            return record

    def _keep(self, before: StoredState, requirements: UpdateRequirements) -> SlotRecord:
        """Leave the active bundle, and remember what signatures are asked for from now on."""
        if _with_keys(before, requirements) != before:
            with locked_state(self.folder):
                state = self._state() or before
                StateFile(self.folder).write(_with_keys(state, requirements))
        return before.active

    def _good(self, state: StoredState | None) -> SlotRecord | None:
        """What to go back to: known to be good, and whole."""
        if state is None:
            return None
        for record in (transitions.known_good(state), state.previous):
            if record is not None and is_whole(self.folder, record):
                return record
        return None

    def _state(self) -> StoredState | None:
        """The state; None where there is none, or where it is lost and only this can help."""
        try:
            return StateFile(self.folder).read()[0]
        except BundleError:
            return None


def _with_keys(state: StoredState, requirements: UpdateRequirements) -> StoredState:
    keys = tuple(each.hex() for each in requirements.trusted_keys)
    if not keys and not requirements.may_be_unsigned:
        return state
    return replace(state, trusted_keys=keys)


def _record(name: SlotName, new: Incoming) -> SlotRecord:
    return SlotRecord(
        name=name,
        file=slot_file_name(name, new.sha256),
        sha256=new.sha256,
        size_bytes=new.size_bytes,
        digest=new.digest,
        model_name=new.model_name,
        model_version=new.model_version,
        signed_by=new.signed_by,
    )
