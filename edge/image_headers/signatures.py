"""The first bytes that tell the formats apart."""

from __future__ import annotations

from edge.image_headers.base import ImageFormat

__all__ = ["PNG_SIGNATURE", "recognise_format"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_SIGNATURES: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (PNG_SIGNATURE, "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"BM", "bmp"),
)


def recognise_format(view: memoryview) -> ImageFormat | None:
    """Say which format a file claims to be; None for none that is read.

    Args:
        view: the file's bytes.
    """
    start = bytes(view[:12])
    if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        return "webp"
    return next((name for signature, name in _SIGNATURES if start.startswith(signature)), None)
