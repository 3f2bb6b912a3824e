"""Uploads that are no picture, or one to break a reader: cut, damaged, lying about their size."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.kiosk.hostile_attacks import Attack, request
from edge.errors import InputNotFoundError

__all__ = ["HostileUploads"]

_MIB = 1 << 20
_HUGE = (65_535, 65_500, 100_000, 1 << 31)


class HostileUploads:
    """Makes uploads from one real picture.

    Args:
        picture: a file that OpenCV reads.

    Raises:
        InputNotFoundError: it is none.
    """

    def __init__(self, picture: Path) -> None:
        import cv2

        pixels = cv2.imread(str(picture))
        if pixels is None:
            raise InputNotFoundError(f"{picture}: no picture that OpenCV reads; name another")
        self._good = [
            cv2.imencode(suffix, pixels)[1].tobytes()
            for suffix in (".jpg", ".png", ".bmp", ".webp", ".tiff")
        ]
        self._kinds: tuple[Callable[[random.Random], bytes], ...] = (
            self._cut,
            self._cut,
            self._flipped,
            self._flipped,
            self._joined,
            _noise,
            _png_bomb,
            _png_of_huge_size,
            _jpeg_of_huge_size,
            _bmp_of_huge_size,
            _tiff_in_a_circle,
            _array_of_huge_size,
            _table,
            _archive_bomb,
            _other_files,
        )

    def attack(self, chance: random.Random) -> Attack:
        """One upload."""
        kind = chance.choice(self._kinds)
        data = request(b"POST", b"/v1/infer", body=kind(chance) or b"\0")
        name = f"upload {kind.__name__.lstrip('_')}"
        return Attack(name, lambda: iter([data]))

    def _cut(self, chance: random.Random) -> bytes:
        data = chance.choice(self._good)
        return data[: chance.randrange(1, len(data))]

    def _flipped(self, chance: random.Random) -> bytes:
        data = bytearray(chance.choice(self._good))
        # Headers are where a reader can be misled; pixels are only another picture.
        end = chance.choice((64, 1024, len(data)))
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(min(end, len(data)))] = chance.randrange(256)
        return bytes(data)

    def _joined(self, chance: random.Random) -> bytes:
        first, second = chance.choice(self._good), chance.choice(self._good)
        return first[: chance.randrange(len(first))] + second[chance.randrange(len(second)) :]


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice((1, 10, 1000, 100_000)))


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _png_bomb(chance: random.Random) -> bytes:
    side = chance.choice((8_000, 20_000, 30_000))
    # A few rows stand for all: deflate makes the rest of the zeros nearly free.
    rows = zlib.compress(bytes(min(side * (side + 1), 8 * _MIB)), 9)
    return _png(side, side, rows)


def _png_of_huge_size(chance: random.Random) -> bytes:
    return _png(chance.choice(_HUGE), chance.choice(_HUGE), zlib.compress(b"\0" * 100))


def _jpeg_of_huge_size(chance: random.Random) -> bytes:
    size = struct.pack(">HH", 65_535, chance.choice((65_535, 1)))
    frame = b"\xff\xc0\x00\x11\x08" + size + b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    return b"\xff\xd8" + frame + chance.randbytes(200) + b"\xff\xd9"


def _bmp_of_huge_size(chance: random.Random) -> bytes:
    width, height = chance.choice(_HUGE) & 0x7FFFFFFF, -chance.choice(_HUGE[:3])
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header + chance.randbytes(50)


def _tiff_in_a_circle(chance: random.Random) -> bytes:
    entries = b"".join(
        struct.pack("<HHII", chance.randrange(254, 340), chance.randrange(1, 13), 1 << 30, 8)
        for _ in range(4)
    )
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 4) + entries + struct.pack("<I", 8)


def _array_of_huge_size(chance: random.Random) -> bytes:
    import numpy as np

    file = io.BytesIO()
    np.save(file, np.zeros(4, np.float32))
    shape = f"({chance.choice(_HUGE)}, {chance.choice(_HUGE)})".encode()
    return file.getvalue().replace(b"(4,)", shape)


def _table(chance: random.Random) -> bytes:
    cells = ("1e999", "nan", "", '"', "=cmd()", "9" * 400, "\x00", "é")
    rows = [",".join(chance.choices(cells, k=chance.randrange(1, 50))) for _ in range(50)]
    return "\n".join(rows).encode()


def _archive_bomb(chance: random.Random) -> bytes:
    return b"PK\x03\x04" + zlib.compress(bytes(4 * _MIB), 9) + chance.randbytes(20)


def _other_files(chance: random.Random) -> bytes:
    starts = (
        b"GIF89a\xff\xff\xff\xff",
        b"\0" * 128 + b"DICM",
        b"%PDF-1.7\n",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"\x00\x00\x00\x18ftypavif",
        b"#!/bin/sh\nreboot\n",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"\x76\x2f\x31\x01",
        b"P6 99999 99999 255\n",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    )
    return chance.choice(starts) + chance.randbytes(chance.randrange(0, 500))
