"""What a user of the slots sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Slot", "SlotName", "SlotState", "Switch", "SwitchKind", "UpdateRequirements"]

SlotName = Literal["a", "b"]
SwitchKind = Literal["installed", "confirmed", "rolled_back", "stayed", "repaired"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the two slots and the bundle in it.

    Attributes:
        name: of the slot.
        path: of the bundle, one `.edge` file.
        digest: SHA-256 in hex of its manifest, as `edge.ModelIdentity` has it.
        model_name: as its manifest says.
        model_version: as its manifest says.
        signed_by: the public key in hex whose signature was checked when it was installed; ""
            where none was asked for.
    """

    name: SlotName
    path: Path
    digest: str
    model_name: str
    model_version: str
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class SlotState:
    """Which bundle answers, and how far it is trusted.

    Attributes:
        active: the slot to answer from.
        previous: the slot to go back to; None where there is none.
        is_trial: whether `active` is still being tried; `previous` is there then.
        trial_left_ms: how long it must still run well to be confirmed; 0 outside a trial.
        starts_in_trial: how often the service has started with it; 0 outside a trial.
        failures_in_trial: failures noted, and starts that ended in no good order.
    """

    active: Slot
    previous: Slot | None
    is_trial: bool
    trial_left_ms: int
    starts_in_trial: int
    failures_in_trial: int = 0


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that happened to the slots.

    Attributes:
        time_ns: wall clock, nanoseconds since 1970; for people only, nothing is decided by it.
        kind: "installed": a new bundle is active; "confirmed": its trial is over; "rolled_back":
            the previous bundle is active again; "stayed": it should have been, but cannot be;
            "repaired": the state file was damaged, and its copy was used.
        slot: the slot that is active from then on.
        digest: of the bundle that `kind` is about: the one that was left where it was rolled
            back, else the active one.
        model: name and version of that bundle.
        reason: one line.
    """

    time_ns: int
    kind: SwitchKind
    slot: SlotName
    digest: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateRequirements:
    """What a bundle must fulfil to be installed.

    Attributes:
        sha256: of the `.edge` file in hex, as it was published; "" where it is not known.
        trusted_keys: raw public keys of 32 bytes, one of which must have signed it. Where there
            are none, those of the last installation that named some still hold.
        may_be_unsigned: no signature is asked for, whatever was before.
        may_be_older: its version may be below the active one's.
        may_be_other_model: it may have another name than the active one.
        may_be_again: it may be one that was rolled back before.
        engine: which artifacts are tested on this machine: "auto" (all whose engine is
            installed), "onnxruntime" or "litert".
        precision: likewise: "auto", or int8, mixed, dynamic or float32.
        selftest_s: how long the test may take on this machine.
    """

    sha256: str = ""
    trusted_keys: tuple[bytes, ...] = ()
    may_be_unsigned: bool = False
    may_be_older: bool = False
    may_be_other_model: bool = False
    may_be_again: bool = False
    engine: str = "auto"
    precision: str = "auto"
    selftest_s: float = 300.0
