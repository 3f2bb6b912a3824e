"""numpy's .npy and .npz files, read without trusting them.

The format is numpy's NEP 1 (https://numpy.org/neps/nep-0001-npy-format.html). numpy's own reader
evaluates the header as a Python literal and may unpickle; here the header must be the very text
that writers write, and only plain numbers are read. Sizes are checked before memory is taken.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.bundle.faults import shown
from edge.errors import DecodeError, InputTooLargeError, UnsupportedInputError
from edge.records.limits import MAX_ARRAY_BYTES, MAX_RANK
from edge.source_name import show_source

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["NPY_MAGIC", "ZIP_MAGIC", "parse_npy", "parse_npz"]

NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK\x03\x04"

_HEADER = re.compile(
    rb"\{'descr': '([^']{1,40})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,10}, ?)*\d{0,10})\),? ?\} *\n?",
)
_NUMBERS = re.compile(rb"[<>|=]?(?:[fiu][1248]|b1)")
_PREFIX_BYTES = 12
_LONG_LENGTH_FROM_VERSION = 2
_LATEST_VERSION = 3
_MOST_ARRAYS = 64
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_AGAIN = "write it again with numpy.save or numpy.savez"


def parse_npy(data: bytes, source: str) -> NDArray[Any]:
    """Read one array.

    Args:
        data: the whole file; the array's memory is its, read-only.
        source: what messages call it.

    Returns:
        Numbers or booleans in the file's shape, dtype and byte order.

    Raises:
        DecodeError: it is cut short, damaged, or followed by something.
        UnsupportedInputError: it holds text, objects or complex numbers.
        InputTooLargeError: it has too many axes.
    """
    where = show_source(source)
    header, start = _split_header(data, where)
    match = _HEADER.fullmatch(header)
    if match is None:
        raise DecodeError(f"{where}: the header of its array is {header[:40]!r}...; {_AGAIN}")
    kind, order, sizes = match.groups()
    if not _NUMBERS.fullmatch(kind):
        raise UnsupportedInputError(
            f"{where}: its array is of type {kind.decode('latin-1')!r}; numbers are read, not "
            "text, objects or structures: convert it with astype('float32')",
        )
    shape = tuple(int(size) for size in sizes.replace(b" ", b"").split(b",") if size)
    if len(shape) > MAX_RANK:
        raise InputTooLargeError(f"{where}: its array has {len(shape)} axes; at most {MAX_RANK}")
    try:
        dtype = np.dtype(kind.decode("ascii"))
    except TypeError:
        raise UnsupportedInputError(f"{where}: its array is of type {kind!r}; {_AGAIN}") from None
    count = math.prod(shape)
    if len(data) - start != count * dtype.itemsize:
        raise DecodeError(
            f"{where}: its array of {list(shape)} {dtype} needs {count * dtype.itemsize} bytes and "
            f"{len(data) - start} are there; copy the file again",
        )
    flat = np.frombuffer(data, dtype, count, start)
    return flat.reshape(shape, order="F" if order == b"True" else "C")


def _split_header(data: bytes, where: str) -> tuple[bytes, int]:
    """The header's text, and where the numbers begin."""
    if not data.startswith(NPY_MAGIC) or len(data) < _PREFIX_BYTES:
        raise DecodeError(f"{where}: it does not begin like a .npy file; {_AGAIN}")
    version = data[6]
    if not 1 <= version <= _LATEST_VERSION:
        raise DecodeError(f"{where}: it is of .npy version {version}; {_AGAIN}")
    width = 4 if version >= _LONG_LENGTH_FROM_VERSION else 2
    begin = 8 + width
    end = begin + int.from_bytes(data[8:begin], "little")
    if end > len(data):
        raise DecodeError(f"{where}: it ends within its header; copy the file again")
    return data[begin:end], end


def parse_npz(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    """Read the arrays of a .npz file: a zip file of .npy files, stored or deflated.

    Args:
        data: the whole file.
        source: what messages call it.

    Returns:
        Arrays by name, without ".npy".

    Raises:
        DecodeError: it is damaged.
        UnsupportedInputError: it holds something else than arrays of numbers.
        InputTooLargeError: unpacked, its arrays are over the limit; nothing was unpacked.
    """
    import zipfile

    where = show_source(source)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, where)
            packed = {entry.filename[:-4]: _unpack(archive, entry, where) for entry in entries}
    except (DecodeError, UnsupportedInputError, InputTooLargeError):
        raise
    except Exception as error:  # zipfile has nine kinds for damaged files, with no common root
        raise DecodeError(f"{where}: damaged .npz file ({_one_line(error)}); {_AGAIN}") from error
    return {name: parse_npy(part, f"{source}[{name}]") for name, part in packed.items()}


def _check_entries(entries: list[ZipInfo], where: str) -> None:
    names = [entry.filename for entry in entries]
    if not 0 < len(names) <= _MOST_ARRAYS:
        raise UnsupportedInputError(
            f"{where}: it holds {len(names)} arrays; 1 to {_MOST_ARRAYS}, one an input, are read",
        )
    if len(set(names)) != len(names):
        raise DecodeError(f"{where}: it names an array twice; {_AGAIN}")
    total = sum(entry.file_size for entry in entries)
    if total > MAX_ARRAY_BYTES:
        raise InputTooLargeError(
            f"{where}: unpacked it is {total:,} bytes, and the most is {MAX_ARRAY_BYTES:,}; "
            "give the model's inputs only",
        )
    for entry in entries:
        is_read = entry.compress_type in {_STORED, _DEFLATED} and not entry.flag_bits & _ENCRYPTED
        if not is_read or not entry.filename.endswith(".npy"):
            raise UnsupportedInputError(
                f"{where}: entry {shown(entry.filename)} is no stored or deflated .npy "
                f"array; {_AGAIN}",
            )


def _unpack(archive: ZipFile, entry: ZipInfo, where: str) -> bytes:
    """No more than the directory says, which has been held against the limit."""
    with archive.open(entry) as file:
        part = file.read(entry.file_size + 1)
    if len(part) != entry.file_size:
        raise DecodeError(
            f"{where}: entry {shown(entry.filename)} has {len(part)} bytes, its directory "
            f"says {entry.file_size}; copy the file again",
        )
    return part


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return shown(text, 200)
