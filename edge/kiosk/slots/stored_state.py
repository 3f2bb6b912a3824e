"""The slots' state as it is stored: small, whole or absent, and checked when it is read."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec

from edge.errors import BundleError, DeviceError
from edge.kiosk.slots.slot_state import SlotName, SwitchKind
from edge.stored_files import replace_stored_file

__all__ = [
    "STATE_NAME",
    "FileToken",
    "SlotRecord",
    "StateFile",
    "StoredState",
    "SwitchRecord",
    "TrialRecord",
]

logger = logging.getLogger(__name__)

STATE_NAME: Final = "slots.json"
_COPY_NAME = "slots.copy.json"
_MAX_BYTES = 2**20
_MODE = 0o644

FileToken: TypeAlias = tuple[int, int, int]
"""Inode, time of change in nanoseconds and size of the state file; zeros where there is none."""

_Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
_FileName = Annotated[str, msgspec.Meta(pattern=r"^[ab]-[0-9a-f]{16}\.edge$")]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class SlotRecord(_Part, frozen=True):
    """A slot: its bundle is `file` in the slots' folder, of that SHA-256 and size."""

    name: SlotName
    file: _FileName
    sha256: _Hex64
    size_bytes: _Count
    digest: _Hex64
    model_name: str
    model_version: str
    signed_by: str = ""

    @property
    def model(self) -> str:
        """Name and version for a person."""
        return f"{self.model_name} {self.model_version}"


class TrialRecord(_Part, frozen=True):
    """The active slot's trial: `id` tells it from earlier ones."""

    id: _Count
    length_ms: _Count
    most_failures: _Count
    ran_ms: _Count = 0
    starts: _Count = 0
    good_ends: _Count = 0
    failures: _Count = 0

    @property
    def all_failures(self) -> int:
        """Failures noted, and starts before the last one that ended in no good order."""
        return self.failures + max(0, self.starts - 1 - self.good_ends)


class SwitchRecord(_Part, frozen=True):
    """One entry of the history, as `edge.kiosk.slots.slot_state.Switch`."""

    time_ns: int
    kind: SwitchKind
    slot: SlotName
    digest: str
    model: str
    reason: str


class StoredState(_Part, frozen=True):
    """Everything that is known of the slots.

    `writes` counts up; `trusted_keys` are the public keys in hex that the last installation with
    a signature asked for; `check` is the SHA-256 of this with an empty `check`.
    """

    schema_version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    writes: _Count
    active: SlotRecord
    previous: SlotRecord | None = None
    trial: TrialRecord | None = None
    trusted_keys: tuple[_Hex64, ...] = ()
    history: tuple[SwitchRecord, ...] = ()
    check: str = ""


class StateFile:
    """The state in a folder, in two copies: the second is for a disk that loses the first.

    Args:
        folder: of the slots; it need not exist to be read.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STATE_NAME
        self._copy = folder / _COPY_NAME

    def token(self) -> FileToken:
        """Changes whenever another state is in place; costs one look at the folder."""
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_ino, status.st_mtime_ns, status.st_size)

    def read(self) -> tuple[StoredState | None, bool]:
        """Read the state.

        Returns:
            The state, None where nothing was ever installed; and whether it comes from the copy
            because the file is damaged.

        Raises:
            BundleError: both are damaged.
            DeviceError: this user may not read them, or they lie in no folder.
        """
        state, fault = _read(self._path)
        if state is not None:
            return state, False
        copy, copy_fault = _read(self._copy)
        if copy is not None:
            return copy, True
        if not fault and not copy_fault:
            return None, False
        raise BundleError(
            f"the state of the model slots, {self._path}, is damaged "
            f"({fault or 'it is gone, and so is its copy'}); apply a bundle anew with "
            "edge-kiosk update apply"
        )

    def write(self, state: StoredState) -> StoredState:
        """Put a state in place of the one there, in one step.

        What is said of it is said of the first of the two copies, which is the one that is read:
        without the second a later loss of the first is not made good.

        Returns:
            The state as it was written.

        Raises:
            OSError: it cannot be written; the old one is still there.
        """
        written = _sealed(msgspec.structs.replace(state, writes=state.writes + 1))
        data = msgspec.json.format(msgspec.json.encode(written), indent=1) + b"\n"
        replace_stored_file(self._path, data, mode=_MODE)
        try:
            replace_stored_file(self._copy, data, mode=_MODE)
        except OSError as error:
            logger.warning("%s: the copy of the state cannot be written: %s", self._copy, error)
        return written


def _sealed(state: StoredState) -> StoredState:
    bare = msgspec.structs.replace(state, check="")
    check = hashlib.sha256(msgspec.json.encode(bare)).hexdigest()
    return msgspec.structs.replace(bare, check=check)


def _read(path: Path) -> tuple[StoredState | None, str]:
    """The state in one file, or what is wrong; "" where there is no file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None, ""
    except PermissionError as error:
        raise DeviceError(
            f"cannot read {path}: permission denied; run this as the kiosk's user or with sudo"
        ) from error
    except NotADirectoryError as error:
        raise DeviceError(
            f"cannot read {path}: {path.parent} is no folder; name the folder of the model slots"
        ) from error
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}"
    if len(data) > _MAX_BYTES:
        return None, f"it has more than {_MAX_BYTES} bytes"
    try:
        state = msgspec.json.decode(data, type=StoredState)
    except (ValueError, RecursionError) as error:
        return None, " ".join(str(error).split())
    if _sealed(state).check != state.check:
        return None, "its content does not have its own check sum"
    return state, ""
