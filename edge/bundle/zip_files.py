"""A bundle in one zip file, its entries stored one after another.

Zip readers disagree where archives are ambiguous (APPNOTE.TXT 6.3.10 allows much), so only
one shape is read here: entries without compression, encryption or data descriptors, lying end to
end from the first byte to the central directory, which ends at the end record, which ends the
file. Each byte thus belongs to exactly one thing, and nothing hides between. zip64 records are
never needed within the limits of a bundle and are refused.

The standard library's `zipfile` is not used: it takes 20 ms to import, tolerates what is refused
here, and raises nine kinds of exceptions on damaged files.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edge.bundle.bundle_files import BundleFiles
from edge.bundle.bundle_paths import (
    MANIFEST_NAME,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_TOTAL_BYTES,
    SIGNATURE_NAME,
    check_paths,
)
from edge.bundle.faults import FaultList, shown
from edge.errors import BundleError

__all__ = [
    "CENTRAL",
    "CENTRAL_SIGNATURE",
    "END",
    "END_SIGNATURE",
    "LOCAL",
    "LOCAL_SIGNATURE",
    "UTF8_FLAG",
    "ZipEntry",
    "ZipFiles",
    "read_entries",
]

# APPNOTE.TXT 4.3.7: signature, version, flags, method, time, date, CRC-32, compressed size, size,
# lengths of name and extra field.
LOCAL = struct.Struct("<4s5H3L2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
# 4.3.12: signature, version made by, host system, version, flags, method, time, date, CRC-32,
# compressed size, size, lengths of name, extra field and comment, disk, internal and external
# attributes, offset of the local header.
CENTRAL = struct.Struct("<4s2B5H3L5H2L")
CENTRAL_SIGNATURE = b"PK\x01\x02"
# 4.3.16: signature, this disk, disk of the directory, entries on this disk, entries, size and
# offset of the directory, length of the comment.
END = struct.Struct("<4s4H2LH")
END_SIGNATURE = b"PK\x05\x06"

UTF8_FLAG = 0x800
_STORED = 0
_ENCRYPTED_FLAG = 0x1
_DESCRIPTOR_FLAG = 0x8
_ZIP64_COUNT, _ZIP64_SIZE = 0xFFFF, 0xFFFFFFFF
_UNIX = 3
_WITHOUT_DIGEST = (MANIFEST_NAME, SIGNATURE_NAME)
_DOS_FOLDER = 0x10
_MAX_DIRECTORY_BYTES = 2**20
_REPACK = "make it again with edge-quantize, or with: zip -0 -X -D -r NAME.edge ."


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One stored file.

    Attributes:
        name: path in the bundle.
        size: bytes.
        crc: CRC-32 of the content.
        header: offset of the local header.
        content: offset of the content.
        flags: general purpose bits.
    """

    name: str
    size: int
    crc: int
    header: int
    content: int
    flags: int


class ZipFiles(BundleFiles):
    """A bundle that is one zip file."""

    def __init__(self, descriptor: int, entries: dict[str, ZipEntry]) -> None:
        super().__init__(descriptor, {name: each.size for name, each in entries.items()})
        self._entries = entries

    def read(self, name: str, *, limit: int) -> bytes:
        """Read a whole file; of those that no digest covers, check the CRC-32."""
        data = super().read(name, limit=limit)
        if name in _WITHOUT_DIGEST and zlib.crc32(data) != self._entries[name].crc:
            raise BundleError(f"{name} is damaged (its CRC-32 differs); copy the bundle again")
        return data

    @contextmanager
    def _located(self, name: str) -> Iterator[tuple[int, int]]:
        self._require_open()
        yield self._descriptor, self._entries[name].content


def read_entries(descriptor: int, file_size: int) -> dict[str, ZipEntry]:
    """Read and check the directory of a zip file and every entry's local header.

    Args:
        descriptor: of a regular file.
        file_size: its size in bytes.

    Returns:
        Entries by name, in the order in which they lie in the file.

    Raises:
        BundleError: it is no zip file, damaged, ambiguous, over a limit, or holds an entry that
            is not stored, not a plain file, or badly named.
        OSError: the file could not be read.
    """
    offset, size, count = _read_end(descriptor, file_size)
    directory = _read(descriptor, size, offset)
    entries = sorted(_read_directory(directory, count), key=lambda each: each.header)
    faults = FaultList()
    check_paths(((shown(each.name, 300), each.name) for each in entries), faults)
    if faults:
        raise BundleError(f"holds entries that a bundle may not: {faults}")
    located = _locate(descriptor, entries, offset)
    return {each.name: each for each in located}


def _read(descriptor: int, size: int, offset: int) -> bytes:
    """Read what must lie there; short where the file ends."""
    return os.pread(descriptor, size, offset)


def _damaged(text: str) -> BundleError:
    return BundleError(f"damaged or unsupported zip file: {text}; {_REPACK}")


def _read_end(descriptor: int, file_size: int) -> tuple[int, int, int]:
    """Offset and size of the directory, and number of entries."""
    if _read(descriptor, 4, 0) not in (LOCAL_SIGNATURE, END_SIGNATURE):
        raise BundleError(
            "neither a bundle's folder nor its .edge file (a zip file); "
            "give one of them, or a bare .onnx or .tflite model"
        )
    if file_size > MAX_TOTAL_BYTES + 2**21:
        raise _damaged(f"{file_size} bytes are more than a bundle may have")
    tail = _read(descriptor, END.size, max(0, file_size - END.size))
    if len(tail) != END.size or not tail.startswith(END_SIGNATURE):
        raise _damaged("it does not end with an end record (cut short, or something follows)")
    _, disk, first_disk, on_disk, count, size, offset, comment = END.unpack(tail)
    if _ZIP64_COUNT in (on_disk, count) or _ZIP64_SIZE in (size, offset):
        raise _damaged("zip64 is not read")
    if disk or first_disk or on_disk != count or comment:
        raise _damaged("its end record is not that of one whole file without a comment")
    most = MAX_FILES + len(_WITHOUT_DIGEST)
    if count > most:
        raise _damaged(f"it has {count} entries; at most {most} are read")
    if size > _MAX_DIRECTORY_BYTES:
        raise _damaged(f"its directory has {size} bytes; at most {_MAX_DIRECTORY_BYTES} are read")
    if offset + size != file_size - END.size:
        raise _damaged("its directory does not end where its end record begins")
    return offset, size, count


def _read_directory(directory: bytes, count: int) -> list[ZipEntry]:
    entries = []
    position = 0
    for _ in range(count):
        record = directory[position : position + CENTRAL.size]
        if len(record) != CENTRAL.size or not record.startswith(CENTRAL_SIGNATURE):
            raise _damaged("its directory is cut short")
        fields = CENTRAL.unpack(record)
        name_start = position + CENTRAL.size
        lengths = fields[11:14]
        name = directory[name_start : name_start + lengths[0]]
        position = name_start + sum(lengths)
        entries.append(_check_entry(fields, name))
    if position != len(directory):
        raise _damaged("its directory's size does not fit its entries")
    return entries


def _check_entry(fields: tuple[int, ...], encoded_name: bytes) -> ZipEntry:
    """Refuse an entry that is anything but a plain stored file."""
    (_, _, system, _, flags, method, _, _, crc, packed_size, size, *rest) = fields
    disk, _, attributes, header = rest[3:]
    name = _decode_name(encoded_name, flags)
    label = f"entry {shown(name, 300)}"
    if flags & _ENCRYPTED_FLAG:
        raise _damaged(f"{label} is encrypted")
    if method != _STORED:
        raise _damaged(f"{label} is compressed (method {method}); entries are stored")
    if flags & _DESCRIPTOR_FLAG:
        raise _damaged(f"{label} has its size after its content")
    if flags & ~UTF8_FLAG:
        raise _damaged(f"{label} has unknown flags {flags:#x}")
    if _ZIP64_SIZE in (packed_size, size, header) or disk:
        raise _damaged(f"{label} is of a zip64 or split file")
    if packed_size != size:
        raise _damaged(f"{label} has two sizes, {packed_size} and {size}")
    if size > MAX_FILE_BYTES:
        raise _damaged(f"{label} has {size} bytes; at most {MAX_FILE_BYTES} are read")
    kind = stat.S_IFMT(attributes >> 16) if system == _UNIX else 0
    if kind not in (0, stat.S_IFREG) or attributes & _DOS_FOLDER or name.endswith("/"):
        raise _damaged(f"{label} is not a plain file")
    return ZipEntry(name, size, crc, header, 0, flags)


def _decode_name(encoded: bytes, flags: int) -> str:
    try:
        return encoded.decode("utf-8" if flags & UTF8_FLAG else "ascii")
    except UnicodeDecodeError:
        raise _damaged(f"an entry's name is not UTF-8: {encoded[:60]!r}") from None


def _locate(descriptor: int, entries: list[ZipEntry], end: int) -> Iterator[ZipEntry]:
    """Find each entry's content; the entries must fill the file up to the directory."""
    position = 0
    for each in entries:
        label = f"entry {shown(each.name, 300)}"
        if each.header != position:
            verb = "overlaps another" if each.header < position else "leaves a gap before it"
            raise _damaged(f"{label} {verb}")
        record = _read(descriptor, LOCAL.size, position)
        if len(record) != LOCAL.size or not record.startswith(LOCAL_SIGNATURE):
            raise _damaged(f"{label} has no header where the directory says")
        _, _, flags, method, _, _, crc, packed_size, size, *lengths = LOCAL.unpack(record)
        name = _read(descriptor, lengths[0], position + LOCAL.size)
        if (flags, method, crc, packed_size, size, name) != (
            each.flags,
            _STORED,
            each.crc,
            each.size,
            each.size,
            each.name.encode(),
        ):
            raise _damaged(f"{label} is described differently in its header and the directory")
        content = position + LOCAL.size + sum(lengths)
        position = content + each.size
        if position > end:
            raise _damaged(f"{label} runs past the end of the entries")
        yield ZipEntry(each.name, each.size, each.crc, each.header, content, each.flags)
    if position != end:
        raise _damaged("something lies between its entries and its directory")
