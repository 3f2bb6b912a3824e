"""Bring a bundle into the slots' folder: one file, whole, on the disk, and what it says it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.bundle_files import OPEN_FLAGS
from edge.bundle.bundle_paths import MAX_TOTAL_BYTES
from edge.bundle.faults import reason, shown
from edge.bundle.reader import open_bundle
from edge.bundle.writer import copy_bundle
from edge.errors import BundleError, DigestError, OutputError, UsageError
from edge.kiosk.slots.slot_files import file_sha256, make_readable
from edge.stored_files import new_stored_file

__all__ = ["Incoming", "copy_in", "describe"]

_CHUNK_BYTES = 2**20
_MIB = 2**20
_SPARE_BYTES: Final = 32 * _MIB
"""What stays free beside the bundle, for the journal and the state of the slots."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A bundle that was copied in, and checked.

    Attributes:
        sha256: of the file, in hex.
        size_bytes: of the file.
        digest: SHA-256 of its manifest, in hex.
        model_name: as its manifest says.
        model_version: as its manifest says.
        signed_by: the trusted key in hex that signed it; "" where none was asked for.
    """

    sha256: str
    size_bytes: int
    digest: str
    model_name: str
    model_version: str
    signed_by: str


def copy_in(source: Path, target: Path, *, sha256: str = "") -> None:
    """Copy a bundle to one file that is on the disk when this returns.

    Args:
        source: a `.edge` file or a bundle's folder, which is packed.
        target: does not exist; removed by the caller, whatever becomes of it.
        sha256: that the file must have, in hex; "" where it is not known.

    Raises:
        BundleError: there is no bundle at `source`, or it is refused.
        DigestError: it has another SHA-256.
        UsageError: a SHA-256 is given for a folder.
        OutputError: there is not enough space.
        OSError: `target` cannot be written.
    """
    if _is_folder(source):
        if sha256:
            raise UsageError(
                f"{source} is a folder, which has no SHA-256; give the .edge file, or leave the "
                "SHA-256 out"
            )
        with open_bundle(source) as bundle:
            size = sum(entry.size_bytes for entry in bundle.manifest.files)
            _check_space(target.parent, size + _MIB)
            copy_bundle(bundle, target, signature=bundle.signature)
    else:
        found = _copy_file(source, target)
        if sha256 and found != sha256.lower():
            raise DigestError(
                f"{source} has SHA-256 {found}, not {sha256.lower()}; it was damaged on its way, "
                "or is another bundle: fetch it again"
            )
    make_readable(target)


def describe(path: Path, trusted_keys: Sequence[bytes], *, origin: Path) -> Incoming:
    """Open a bundle that was copied in, and check all of it.

    Args:
        path: of the copy.
        trusted_keys: one of which must have signed it; none: signed or not.
        origin: what messages call it.

    Raises:
        BundleError: it is refused.
        OSError: it cannot be read.
    """
    try:
        with open_bundle(path, trusted_keys=trusted_keys) as bundle:
            return Incoming(
                sha256=file_sha256(path),
                size_bytes=path.stat().st_size,
                digest=bundle.digest,
                model_name=bundle.manifest.name,
                model_version=bundle.manifest.version,
                signed_by=bundle.signed_by.hex() if bundle.signed_by else "",
            )
    except BundleError as error:
        # The copy is gone when somebody reads this.
        text = str(error).replace(shown(str(path), 300), shown(str(origin), 300))
        raise type(error)(text) from error


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # no leave to look; opening it says so
        return False


def _copy_file(source: Path, target: Path) -> str:
    """Copy a file; what it reads it hashes, so that the digest is of the copy."""
    label = f"bundle {shown(str(source), 300)}"
    try:
        descriptor = os.open(source, OPEN_FLAGS)
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise BundleError(f"{label} cannot be opened: {why}; give a .edge file") from error
    with os.fdopen(descriptor, "rb", buffering=0) as given:
        status = os.fstat(given.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_TOTAL_BYTES + 2**21:
            raise BundleError(f"{label} is no bundle's file or folder; give a .edge file")
        _check_space(target.parent, status.st_size)
        digest = hashlib.sha256()
        with new_stored_file(target) as copy:
            while chunk := _read(given.fileno(), label):
                digest.update(chunk)
                copy.write(chunk)
    return digest.hexdigest()


def _read(descriptor: int, label: str) -> bytes:
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except OSError as error:  # a bad block of the stick that it comes on, not of our disk
        raise BundleError(f"{label} cannot be read: {reason(error)}; copy it again") from error


def _check_space(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes + _SPARE_BYTES:
        raise OutputError(
            f"the bundle needs {size_bytes / _MIB:.0f} MiB and {_SPARE_BYTES // _MIB} MiB must "
            f"stay free, but {folder} has {free / _MIB:.0f} MiB left; free some"
        )
