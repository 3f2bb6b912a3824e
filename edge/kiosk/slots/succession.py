"""Whether a bundle may follow the one that is active: guards against accidents, not attackers."""

from __future__ import annotations

import re
from dataclasses import replace

from edge.errors import BundleError, GateError, UsageError
from edge.kiosk.slots.incoming import Incoming
from edge.kiosk.slots.slot_state import UpdateRequirements
from edge.kiosk.slots.stored_state import SlotRecord, StoredState

__all__ = ["check_keys_are_said", "check_successor", "is_same", "with_kept_keys"]

_NUMBERED = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9})*)", re.ASCII)


def with_kept_keys(
    requirements: UpdateRequirements, before: StoredState | None
) -> UpdateRequirements:
    """Ask for the signature that the last installation with one asked for, unless told otherwise.

    So a forgotten option does not let an unsigned bundle in.
    """
    if requirements.may_be_unsigned or requirements.trusted_keys or before is None:
        return requirements
    return replace(requirements, trusted_keys=tuple(map(bytes.fromhex, before.trusted_keys)))


def check_keys_are_said(requirements: UpdateRequirements, lost: BundleError) -> None:
    """Ask for a word on signatures where the state is lost, and with it what was asked for before.

    Args:
        requirements: of the installation.
        lost: what is wrong with the state.

    Raises:
        UsageError: nothing is said.
    """
    if requirements.trusted_keys or requirements.may_be_unsigned:
        return
    what = str(lost).partition(";")[0]
    raise UsageError(
        f"{what}, and with it the keys that bundles had to be signed with; add "
        "--require-signature PUBLIC.pem, or --allow-unsigned where none was asked for"
    ) from lost


def is_same(active: SlotRecord, new: Incoming) -> bool:
    """Whether a slot holds this bundle already, with the signature that is asked for now."""
    return active.digest == new.digest and new.signed_by in ("", active.signed_by)


def check_successor(before: StoredState, new: Incoming, requirements: UpdateRequirements) -> None:
    """Check that a bundle may follow the active one.

    Raises:
        GateError: it is another model, an older version, or was rolled back before, and the
            requirements do not allow it.
    """
    active = before.active
    if new.model_name != active.model_name and not requirements.may_be_other_model:
        raise GateError(
            f"the bundle is of another model, {new.model_name!r}, than the active one, "
            f"{active.model_name!r}; add --allow-other-model if that is meant"
        )
    is_older = new.model_name == active.model_name and _is_older(
        new.model_version, active.model_version
    )
    if is_older and not requirements.may_be_older:
        raise GateError(
            f"version {new.model_version} is older than {active.model_version}, which is active; "
            "add --allow-older if that is meant, or see edge-kiosk update rollback"
        )
    left = _why_left(before, new.digest)
    if left and not requirements.may_be_again:
        raise GateError(
            f"{new.model_name} {new.model_version} was rolled back on this machine before "
            f"({left}); add --again to try it once more"
        )


def _is_older(new: str, active: str) -> bool:
    """Whether both versions are numbers with points between, and `new` is the lower one."""
    numbers = [_numbers(new), _numbers(active)]
    if None in numbers:
        return False
    first, second = (each or [] for each in numbers)
    length = max(len(first), len(second))
    return first + [0] * (length - len(first)) < second + [0] * (length - len(second))


def _numbers(version: str) -> list[int] | None:
    found = _NUMBERED.fullmatch(version)
    return None if found is None else [int(each) for each in found[1].split(".")]


def _why_left(before: StoredState, digest: str) -> str:
    """Why a bundle was rolled back; "" where it was not, or was confirmed since."""
    for entry in reversed(before.history):
        if entry.digest == digest and entry.kind in ("rolled_back", "confirmed"):
            return entry.reason if entry.kind == "rolled_back" else ""
    return ""
