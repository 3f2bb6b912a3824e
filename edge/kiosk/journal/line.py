r"""One line of the journal, and the bytes that its digest is of.

A line is ``{"sha256":"<64 hex digits>",<the rest>}\n``. The digest is the SHA-256 of the line
without that first member and without the newline: of ``{<the rest>}``. The rest begins with
``"sequence"``, ``"synced"`` and ``"previous"``, the digest of the line before. So every byte of
a file is either hashed, or part of a digest, or fixed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated

import msgspec

from edge.kiosk.journal.entry import MAX_ENTRY_BYTES
from edge.kiosk.journal.errors import BrokenChainError

__all__ = [
    "FORMAT",
    "MAX_GROUP_BYTES",
    "MAX_LINE_BYTES",
    "NO_DIGEST",
    "Line",
    "Link",
    "read_line",
    "seal",
]

FORMAT = 1
NO_DIGEST = "0" * 64
"""What the very first line of a journal names as the line before."""

MAX_LINE_BYTES = MAX_ENTRY_BYTES + 4096

MAX_GROUP_BYTES = 2 * MAX_LINE_BYTES
"""Lines that share a sync take less together."""

_HEAD = b'{"sha256":"'
_HEX_END = len(_HEAD) + 64
_NECK = b'",'
_Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]


class Link(msgspec.Struct, frozen=True):
    """What the chain needs of a line, whatever else is in it.

    Attributes:
        sequence: counts every line of the journal from 1.
        synced: every line up to this one was on the disk before this one was written.
        previous: digest of the line before.
        kind: as in an entry; "segment" for the first line of a file.
        time_ns, boot_id, monotonic_ns, code, numbers: as in an entry.
        format: of a "segment": the version of the format.
        chain: of a "segment": number of the chain, as in the name of its folder.
        elapsed_ns: of a "segment": time from the journal's beginning to the line before, whose
            clocks it repeats.
        is_first: of a "segment": it begins its chain.
        follows: of a "segment" that begins a chain: the folder of the one set aside before it.
    """

    sequence: Annotated[int, msgspec.Meta(ge=1, le=1 << 62)]
    synced: _Number
    previous: str
    kind: str
    time_ns: int
    boot_id: str
    monotonic_ns: int
    code: str = ""
    numbers: dict[str, int] = {}
    format: int = 0
    chain: _Number = 0
    elapsed_ns: _Number = 0
    is_first: bool = False
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line whose own digest is right.

    Attributes:
        raw: all of it, with its newline.
        digest: SHA-256 in hex.
        link: how it hangs in the chain.
    """

    raw: bytes
    digest: str
    link: Link


def seal(body: bytes) -> tuple[bytes, str]:
    """Put the digest before a JSON object.

    Returns:
        The line with its newline, and the digest.
    """
    digest = hashlib.sha256(body).hexdigest()
    return _HEAD + digest.encode() + _NECK + body[1:] + b"\n", digest


def read_line(raw: bytes) -> Line:
    """Take a line apart and check it against its own digest.

    Raises:
        BrokenChainError: it is not whole, or was changed.
    """
    if not raw.endswith(b"\n"):
        raise BrokenChainError("the line is not whole")
    neck_end = _HEX_END + len(_NECK)
    if not raw.startswith(_HEAD) or raw[_HEX_END:neck_end] != _NECK:
        raise BrokenChainError("the line does not begin with a digest")
    body = b"{" + raw[neck_end:-1]
    digest = hashlib.sha256(body).hexdigest()
    if raw[len(_HEAD) : _HEX_END] != digest.encode():
        raise BrokenChainError("the line's content does not have the line's digest")
    try:
        return Line(raw, digest, msgspec.json.decode(body, type=Link))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BrokenChainError(f"the line is no entry: {error}") from None
