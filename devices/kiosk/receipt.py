"""What was laid down, so that exactly this can be taken away again.

The receipt lies on the board itself and is written before the files that it names, so that an
installation that was interrupted leaves nothing that no receipt knows of.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from devices.kiosk.setup_error import KioskSetupError

__all__ = ["RECEIPT_FILE", "Receipt", "content_digest", "receipt_from_json", "receipt_to_json"]

RECEIPT_FILE = PurePosixPath("/etc/edgedx/installed.json")
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """Files and folders that an installation made.

    Attributes:
        version: of edgedx that laid them down.
        digests: by absolute path, of what was laid there: one, or several while an installation
            is under way.
        folders: that were not there before, outermost first.
    """

    version: str = ""
    digests: dict[PurePosixPath, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[PurePosixPath, ...] = ()


def content_digest(content: bytes, *, is_link: bool) -> str:
    """SHA-256 in hex; a link is never the same as a file.

    Args:
        content: of a file, or where a link leads to.
        is_link: which of them it is.
    """
    return hashlib.sha256((b"link\0" if is_link else b"file\0") + content).hexdigest()


def receipt_to_json(receipt: Receipt) -> bytes:
    """The receipt's file."""
    document = {
        "format": _FORMAT,
        "version": receipt.version,
        "files": {str(path): list(digests) for path, digests in receipt.digests.items()},
        "folders": [str(folder) for folder in receipt.folders],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def receipt_from_json(data: bytes) -> Receipt:
    """Read the receipt's file.

    Raises:
        KioskSetupError: it is damaged, or of a later format.
    """
    try:
        document = _checked_format(json.loads(data))
        receipt = Receipt(
            version=str(document["version"]),
            digests={
                _absolute(path): tuple(map(str, digests))
                for path, digests in document["files"].items()
            },
            folders=tuple(map(_absolute, document["folders"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise KioskSetupError(
            f"{RECEIPT_FILE} cannot be read ({type(error).__name__}: {error}); it says what was "
            "laid down: bring it back, or remove the files by hand and then this one"
        ) from error
    return receipt


def _checked_format(document: Any) -> Any:
    if document["format"] != _FORMAT:
        raise ValueError(f"format {document['format']!r}")
    return document


def _absolute(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError(f"path {text!r}")
    return path
