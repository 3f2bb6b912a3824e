"""Which paths a bundle may hold, and how much."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from edge.bundle.faults import FaultList, shown

__all__ = [
    "MANIFEST_NAME",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_PATH_BYTES",
    "MAX_TOTAL_BYTES",
    "SIGNATURE_NAME",
    "check_paths",
    "path_fault",
]

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig"
"""Beside the manifest where its maker signed it, and like it in no list of files."""
MAX_FILES = 1000
"""Files in a bundle, `manifest.json` and `manifest.sig` not counted."""
MAX_FILE_BYTES = 2**31 - 1
"""2 GiB: neither protobuf (ONNX) nor FlatBuffers (TFLite) addresses more."""
MAX_TOTAL_BYTES = 2**32 - 1 - 2**21
"""4 GiB less room for the zip's own records, so that no zip64 record is ever needed."""
MAX_PATH_BYTES = 255

# Control characters and those that no folder on some system can hold; ':' also ends drive letters.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f\u2028\u2029\\:*?"<>|]')


def path_fault(path: str) -> str | None:
    """Say why `path` may not name a file of a bundle; None where it may.

    Allowed: relative POSIX paths in Unicode normal form C of at most `MAX_PATH_BYTES` UTF-8
    bytes, without empty, "." or ".." parts and without characters that some file system refuses.
    """
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return f"path {shown(path)} is not valid Unicode"
    if not 0 < length <= MAX_PATH_BYTES:
        return f"path {shown(path)} has {length} bytes; 1 to {MAX_PATH_BYTES} are allowed"
    if path.startswith("/"):
        return f"path {shown(path)} is absolute; paths are relative to the bundle"
    if _FORBIDDEN.search(path):
        return f"path {shown(path)} has a backslash, a colon, a control or another unsafe character"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return f"path {shown(path)} has an empty, '.' or '..' part"
    if not unicodedata.is_normalized("NFC", path):
        return f"path {shown(path)} is not in Unicode normal form C"
    return None


def check_paths(paths: Iterable[tuple[str, str]], faults: FaultList) -> None:
    """Check that paths are allowed, and that one folder can hold them all on any system.

    Args:
        paths: (where it stands, path) of each file.
        faults: takes a fault for each path that is not allowed, differs from another only in
            case, or is also the folder of another.
    """
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for where, path in paths:
        fault = path_fault(path)
        if fault:
            faults.add(where, fault)
            continue
        folded = path.casefold()
        if folded in seen:
            faults.add(where, f"path {shown(path)} names the same file as {shown(seen[folded])}")
        elif folded in folders:
            faults.add(where, f"path {shown(path)} is also the folder of {shown(folders[folded])}")
        seen.setdefault(folded, path)
        parents = folded.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            folder = "/".join(parents[:depth])
            folders.setdefault(folder, path)
            if folder in seen:
                faults.add(where, f"path {shown(path)} lies in the file {shown(seen[folder])}")
                break
