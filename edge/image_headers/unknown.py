"""What a file that is no readable picture seems to be, so that the refusal helps."""

from __future__ import annotations

from typing import NoReturn

from edge.errors import UnsupportedInputError

__all__ = ["refuse_unknown"]

_WAY_OUT = "export it as PNG, JPEG, TIFF, BMP or WebP"
_DICOM_AT = 128
_SHOWN_BYTES = 8
_SNIFFED_BYTES = 512

_SIGNATURES = (
    (b"GIF8", "a GIF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip file (a NIfTI volume?)"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"8BPS", "a Photoshop document"),
    (b"RIFF", "a RIFF file that is not WebP"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x7fELF", "a program"),
)
_FTYP_AT = slice(4, 8)
_BRAND_AT = slice(8, 12)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"mif1", b"msf1", b"hevc"})


def refuse_unknown(view: memoryview) -> NoReturn:
    """Refuse bytes that no header reader knows.

    Args:
        view: the file's bytes, at least one.

    Raises:
        UnsupportedInputError: always; its message names what the first bytes look like.
    """
    start = bytes(view[:_SNIFFED_BYTES])
    if start[_DICOM_AT : _DICOM_AT + 4] == b"DICM":
        raise UnsupportedInputError("DICOM is not read by this version; export PNG")
    for signature, name in _SIGNATURES:
        if start.startswith(signature):
            raise UnsupportedInputError(f"it is {name}; {_WAY_OUT}")
    if start[_FTYP_AT] == b"ftyp":
        kind = "a HEIC photograph" if start[_BRAND_AT] in _HEIF_BRANDS else "an AVIF or a video"
        raise UnsupportedInputError(f"it is {kind}; {_WAY_OUT}")
    if _is_text(start):
        raise UnsupportedInputError(f"it is text, not a picture; {_WAY_OUT}")
    raise UnsupportedInputError(
        f"it is no picture that is known here (it begins with {start[:_SHOWN_BYTES].hex(' ')}); "
        f"{_WAY_OUT}"
    )


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode("utf-8", errors="strict" if len(start) < _SNIFFED_BYTES else "ignore")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
