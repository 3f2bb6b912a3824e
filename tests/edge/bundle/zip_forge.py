"""Zip files with whatever lies in their records one wants."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s2B5H3L5H2L")
END = struct.Struct("<4s4H2LH")


@dataclass
class Forged:
    """One entry; None stands for the honest value."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    method: int = 0
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    system: int = 3
    attributes: int = 0o100644 << 16
    disk: int = 0
    offset: int | None = None
    local: dict[str, int | bytes] = field(default_factory=dict)
    gap_before: bytes = b""


@dataclass
class ForgedEnd:
    """The end record; None stands for the honest value."""

    count: int | None = None
    count_on_disk: int | None = None
    size: int | None = None
    offset: int | None = None
    disk: int = 0
    comment: bytes = b""
    before_directory: bytes = b""
    in_directory: bytes = b""
    after: bytes = b""


def forge(path: Path, entries: list[Forged], end: ForgedEnd | None = None) -> Path:
    """Write the entries, their directory and the end record."""
    end = end or ForgedEnd()
    output = b""
    directory = b""
    for each in entries:
        output += each.gap_before
        offset = len(output) if each.offset is None else each.offset
        size = len(each.data) if each.size is None else each.size
        packed = size if each.packed_size is None else each.packed_size
        crc = zlib.crc32(each.data) if each.crc is None else each.crc
        told = {
            "flags": each.flags,
            "method": each.method,
            "crc": crc,
            "packed": packed,
            "size": size,
            "name": each.name,
            "signature": b"PK\x03\x04",
            **each.local,
        }
        output += LOCAL.pack(
            told["signature"],
            20,
            told["flags"],
            told["method"],
            0,
            33,
            told["crc"],
            told["packed"],
            told["size"],
            len(told["name"]),
            0,
        )
        output += told["name"] + each.data
        directory += CENTRAL.pack(
            *(b"PK\x01\x02", 20, each.system, 20, each.flags, each.method, 0, 33),
            *(crc, packed, size, len(each.name), 0, 0, each.disk, 0, each.attributes, offset),
        )
        directory += each.name
    directory += end.in_directory
    output += end.before_directory
    count = len(entries) if end.count is None else end.count
    output += directory
    output += END.pack(
        b"PK\x05\x06",
        end.disk,
        end.disk,
        count if end.count_on_disk is None else end.count_on_disk,
        count,
        len(directory) if end.size is None else end.size,
        len(output) - len(directory) if end.offset is None else end.offset,
        len(end.comment),
    )
    path.write_bytes(output + end.comment + end.after)
    return path
