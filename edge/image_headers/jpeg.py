"""JPEG: size, orientation and wholeness (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from edge.errors import DecodeError, UnsupportedInputError
from edge.image_headers.base import TRY_AGAIN, ImageHeader, check_size, cut_short
from edge.image_headers.exif import read_orientation

__all__ = ["read_jpeg"]

_END = 0xD9
_SCAN = 0xDA
_RESTARTS = 0xDD
_EXIF = 0xE1
_EXIF_PREFIX = b"Exif\0\0"
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_PROGRESSIVE = 0xC2
_READABLE_FRAMES = frozenset({0xC0, 0xC1, _PROGRESSIVE})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NOTED = _FRAMES | {_SCAN, _EXIF, _RESTARTS}

# A picture has tens of segments and about ten scans. Each scan of a progressive picture costs a
# pass over all of it, so that a small file of many scans could keep a board busy for hours.
_MAX_SEGMENTS = 10_000
_MAX_SCANS = 100

_COEFFICIENTS = 64
_UNSEEN = 0xFF
_COMPLETE = bytes(_COEFFICIENTS)

# A marker may be preceded by any number of fill bytes; another start of a picture is none.
_MARKER = re.compile(rb"\xff+[^\x00\xd8\xff]")
_FILL = re.compile(rb"\xff+\Z")
# In a scan 0xFF is followed by 0 (a byte 0xFF) or D0..D7 (a restart); all else ends the scan.
_SCAN_END = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_RESTART_NAMES = 8


@dataclass(slots=True)
class _Picture:
    """What the segments have said so far.

    `coverage` holds for each component the lowest bit that the scans have given for each of its
    64 coefficients: all 0 once the picture is complete.
    """

    width: int = 0
    height: int = 0
    orientation: int = 0
    is_progressive: bool = False
    has_restarts: bool = False
    scans: int = 0
    coverage: dict[int, bytearray] = field(default_factory=dict)


def read_jpeg(view: memoryview) -> ImageHeader:
    """Read a JPEG's header and check that it is whole.

    Every segment is walked from the start marker to the end marker, thumbnails inside Exif
    blocks are stepped over, the scans together must give every component in full, and restart
    markers must follow one another as they count. What else is damaged inside a scan cannot be
    seen without decoding: JPEG has no check sums.

    Args:
        view: the whole file, that claims to be a JPEG.

    Raises:
        DecodeError: the file is truncated, damaged or malformed.
        InputTooLargeError: the picture is over the limits.
        UnsupportedInputError: lossless, arithmetic-coded, hierarchical or 12-bit JPEG.
    """
    picture = _Picture()
    position = 2
    for _ in range(_MAX_SEGMENTS):
        marker, position = _read_marker(view, position)
        if marker == _END:
            return _finish(picture, position)
        if marker in _STANDALONE:
            continue
        end = _find_segment_end(view, position)
        if marker in _NOTED:
            _note_segment(picture, marker, view[position + 2 : end])
        position = _skip_scan(picture, view, end) if marker == _SCAN else end
    raise DecodeError(f"the JPEG has over {_MAX_SEGMENTS:,} segments; save it again")


def _read_marker(view: memoryview, position: int) -> tuple[int, int]:
    """Return the marker at `position`, and the position behind it."""
    found = _MARKER.match(view, position)
    if found is not None:
        end = found.end()
        return view[end - 1], end
    if position >= len(view) or _FILL.match(view, position):
        raise cut_short("JPEG", len(view))
    raise _damaged(position)


def _find_segment_end(view: memoryview, position: int) -> int:
    if position + 2 > len(view):
        raise cut_short("JPEG", len(view))
    length = view[position] << 8 | view[position + 1]
    if length < 2:  # noqa: PLR2004 - the length counts its own two bytes
        raise _damaged(position)
    if position + length > len(view):
        raise cut_short("JPEG", len(view))
    return position + length


def _skip_scan(picture: _Picture, view: memoryview, position: int) -> int:
    found = _SCAN_END.search(view, position)
    if found is None:
        raise cut_short("JPEG", len(view))
    if found.start() == position:
        raise _damaged(position)
    if picture.has_restarts:
        _check_restarts(view, position, found.start())
    return found.start()


def _check_restarts(view: memoryview, start: int, end: int) -> None:
    """Find what was lost between two restart markers, whose names go round from 0 in each scan.

    libjpeg makes up what lay there and says so on standard error alone.
    """
    for count, found in enumerate(_RESTART.finditer(view, start, end)):
        if view[found.start() + 1] & 0x0F != count % _RESTART_NAMES:
            raise _damaged(found.start())


def _note_segment(picture: _Picture, marker: int, payload: memoryview) -> None:
    if marker in _FRAMES:
        _note_frame(picture, marker, payload)
    elif marker == _SCAN:
        _note_scan(picture, payload)
    elif marker == _RESTARTS:
        picture.has_restarts = any(payload)
    elif marker == _EXIF and not picture.orientation and payload[:6] == _EXIF_PREFIX:
        picture.orientation = read_orientation(payload[6:])


def _note_frame(picture: _Picture, marker: int, payload: memoryview) -> None:
    if marker not in _READABLE_FRAMES:
        raise UnsupportedInputError(
            f"the JPEG is of a rare kind (0x{marker:02X}: lossless, arithmetic or hierarchical); "
            "save it as a baseline JPEG or as a PNG"
        )
    if picture.coverage or len(payload) < 6:  # noqa: PLR2004 - the fixed part of a frame header
        raise DecodeError(f"the JPEG has a malformed or second frame header; {TRY_AGAIN}")
    bits, height, width, components = struct.unpack_from(">BHHB", payload)
    if bits != 8:  # noqa: PLR2004 - the precision of baseline JPEG
        raise UnsupportedInputError(f"the JPEG has {bits}-bit samples; save it as a 16-bit PNG")
    if height == 0:
        raise UnsupportedInputError("the JPEG gives its height at its end; save it again")
    check_size(width, height)
    if components not in (1, 3, 4):
        raise UnsupportedInputError(f"the JPEG has {components} components; save it as a PNG")
    if len(payload) != 6 + 3 * components:
        raise DecodeError(f"the JPEG has a malformed frame header; {TRY_AGAIN}")
    picture.width, picture.height = width, height
    picture.is_progressive = marker == _PROGRESSIVE
    picture.coverage = {
        identifier: bytearray([_UNSEEN]) * _COEFFICIENTS for identifier in payload[6::3]
    }
    if len(picture.coverage) != components:
        raise DecodeError(f"the JPEG names a component twice; {TRY_AGAIN}")


def _note_scan(picture: _Picture, payload: memoryview) -> None:
    picture.scans += 1
    if picture.scans > _MAX_SCANS:
        raise DecodeError(f"the JPEG has over {_MAX_SCANS} scans; save it again")
    count = payload[0] if payload else 0
    if not picture.coverage or not 1 <= count <= 4 or len(payload) != 4 + 2 * count:  # noqa: PLR2004
        raise DecodeError(f"the JPEG has a malformed scan header; {TRY_AGAIN}")
    first, last, bit = 0, _COEFFICIENTS - 1, 0
    if picture.is_progressive:
        first, last, bit = payload[-3], payload[-2], payload[-1] & 0x0F
    if not first <= last < _COEFFICIENTS:
        raise DecodeError(f"the JPEG has a malformed scan header; {TRY_AGAIN}")
    for identifier in payload[1 : 1 + 2 * count : 2]:
        coefficients = picture.coverage.get(identifier)
        if coefficients is None:
            raise DecodeError(f"the JPEG has a scan of no component; {TRY_AGAIN}")
        coefficients[first : last + 1] = bytes([bit]) * (last + 1 - first)


def _finish(picture: _Picture, end: int) -> ImageHeader:
    if not picture.coverage or not picture.scans:
        raise DecodeError(f"the JPEG holds no picture; {TRY_AGAIN}")
    if any(coefficients != _COMPLETE for coefficients in picture.coverage.values()):
        raise DecodeError(f"the JPEG lacks some of its scans; {TRY_AGAIN}")
    return ImageHeader(
        format="jpeg",
        width=picture.width,
        height=picture.height,
        bits=8,
        channels=len(picture.coverage),
        size_bytes=end,
        orientation=picture.orientation or 1,
        has_one_scan=picture.scans == 1 and not picture.is_progressive,
    )


def _damaged(position: int) -> DecodeError:
    return DecodeError(f"the JPEG is damaged at byte {position:,}; {TRY_AGAIN}")
