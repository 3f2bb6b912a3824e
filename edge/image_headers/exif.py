"""Which way up a picture is: the Orientation tag of an Exif block."""

from __future__ import annotations

from edge.errors import DecodeError
from edge.image_headers.tiff_directory import ORIENTATION, read_byte_order, read_directory

__all__ = ["read_orientation"]

_UPRIGHT = 1
_LAST = 8


def read_orientation(block: memoryview) -> int:
    """Return the orientation that an Exif block states.

    A picture is not refused for its Exif block: one that is malformed, or that states nothing,
    means upright, as in image viewers.

    Args:
        block: the TIFF structure inside the Exif block, beginning with "II" or "MM".

    Returns:
        1..8 as in CIPA DC-008 (Exif 2.32), 4.6.5.1.6.
    """
    try:
        order, first = read_byte_order(block)
        directory, _ = read_directory(block, first, order)
        values = directory.integers(ORIENTATION, 1)
    except DecodeError:
        return _UPRIGHT
    if not values or not _UPRIGHT <= values[0] <= _LAST:
        return _UPRIGHT
    return values[0]
