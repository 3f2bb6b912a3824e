"""Picture files written byte by byte, independently of what reads them."""

import base64
import struct
import zlib
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CMYK_JPEG",
    "QUADRANTS",
    "YCCK_JPEG",
    "bmp",
    "encode",
    "exif_block",
    "jpeg_with_exif",
    "png",
    "png_chunk",
    "riff",
    "scene",
    "stored_as",
    "tiff",
    "tiff_with_tags",
    "vp8x",
]

Pixels = NDArray[np.generic]

QUADRANTS = ((200, 40, 60), (30, 180, 90), (20, 60, 210), (128, 128, 40))
"""RGB of the quarters of the 16 x 16 CMYK pictures: upper left and right, lower left and right."""

CMYK_JPEG = base64.b64decode(
    b"/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4L"
    b"CxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABgAAQEBAQEAAAAAAAAAAAAAAAkI"
    b"AAUH/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA4EQwBNAFkASwAAPwCwEKJKKmDouz1BnEF+UBiQK1Byz//Z"
)
YCCK_JPEG = base64.b64decode(
    b"/9j/7gAOQWRvYmUAZAAAAAAC/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4L"
    b"CxAWEBETFBUVFQwPFxgWFBgSFBUU/9sAQwEDBAQFBAUJBQUJFA0LDRQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
    b"FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU/8AAFAgAEAAQBAEiAAIRAQMRAQQiAP/EABcAAAMBAAAAAAAAAAAAAAAA"
    b"AAAHCAn/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAAAQT/xAAjEQACAAUCBwAAAAAA"
    b"AAAAAAAREgIGExRhAEEFFhchIiNC/9oADgQBAAIRAxEEAAA/AHGUKoE5CRZi5zufVSpJ9MWbEIC5J1VJ3D+mdx5X"
    b"Fwu1NabZjJfAG57apgB//9k="
)

_LARGEST_SHORT_TAG = 65_535


def scene(height: int, width: int, channels: int, dtype: str = "uint8") -> Pixels:
    """A smooth picture that no turn or mirror maps onto itself; grey is (height, width)."""
    rows, columns = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    planes = [0.15 + 0.5 * rows + 0.3 * columns, 0.9 - 0.7 * columns, 0.2 + 0.6 * rows * columns]
    largest = np.iinfo(dtype).max
    picture = np.round(np.stack(planes[:channels], axis=-1) * largest).astype(dtype)
    return picture[:, :, 0] if channels == 1 else picture


def stored_as(upright: Pixels, orientation: int) -> Pixels:
    """How a camera that writes `orientation` stores what is upright (Exif 2.32, 4.6.5.1.6)."""
    mirrored = {2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]}
    turned = upright.swapaxes(0, 1)
    lying = {5: turned, 6: turned[::-1], 7: turned[::-1, ::-1], 8: turned[:, ::-1]}
    return np.ascontiguousarray((mirrored | lying).get(orientation, upright))


def encode(suffix: str, pixels: Pixels, *options: int) -> bytes:
    """OpenCV's encoder; colour is given as RGB."""
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[:, :, ::-1])
    done, data = cv2.imencode(suffix, pixels, list(options))
    assert done
    return bytes(data)


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    return (
        struct.pack(">I", len(payload))
        + kind
        + payload
        + struct.pack(">I", zlib.crc32(kind + payload))
    )


def png(
    rows: Pixels,
    *,
    bits: int,
    colour: int,
    width: int | None = None,
    before: bytes = b"",
    stream: bytes | None = None,
) -> bytes:
    """A PNG without filters.

    Args:
        rows: (height, samples of a row), packed already where `bits` is below 8.
        bits: of a sample.
        colour: PNG's colour type.
        width: columns; needed where samples are packed.
        before: chunks between the header and the pixels.
        stream: the compressed pixels, where they are not to be `rows`.
    """
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    data = rows.astype(rows.dtype.newbyteorder(">")).reshape(len(rows), -1)
    raw = b"".join(b"\0" + row.tobytes() for row in data)
    columns = width if width is not None else data.shape[1] // samples
    header = struct.pack(">IIBBBBB", columns, len(rows), bits, colour, 0, 0, 0)
    pixels = zlib.compress(raw) if stream is None else stream
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + before
        + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )


def exif_block(orientation: int, order: str = "<") -> bytes:
    """A TIFF structure that states nothing but the orientation."""
    start = b"II" if order == "<" else b"MM"
    entry = struct.pack(order + "HHIHH", 274, 3, 1, orientation, 0)
    return start + struct.pack(order + "HIH", 42, 8, 1) + entry + struct.pack(order + "I", 0)


def jpeg_with_exif(jpeg: bytes, block: bytes) -> bytes:
    """Put an Exif block where cameras put it: right behind the start marker."""
    payload = b"Exif\0\0" + block
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


def tiff_with_tags(
    tags: Mapping[int, tuple[int, ...]],
    data: bytes,
    order: str = "<",
    following: bytes = b"",
) -> bytes:
    """A TIFF of one directory; 273 and 324 are counted from where `data` begins.

    Args:
        tags: tag -> values, written as SHORT where they fit and as LONG otherwise.
        data: what stands behind the header.
        order: "<" or ">".
        following: further directories, to which the first one then points.
    """
    base = 8
    entries, beyond = b"", b""
    start = base + len(data) + len(data) % 2
    beyond_at = start + 2 + 12 * len(tags) + 4
    for tag, given in sorted(tags.items()):
        values = tuple(value + base for value in given) if tag in (273, 324) else given
        kind, code = (3, "H") if max(values) <= _LARGEST_SHORT_TAG else (4, "I")
        field = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(field) > 4:
            entries += struct.pack(order + "HHII", tag, kind, len(values), beyond_at + len(beyond))
            beyond += field
        else:
            entries += struct.pack(order + "HHI", tag, kind, len(values)) + field.ljust(4, b"\0")
    next_at = beyond_at + len(beyond) if following else 0
    directory = struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", next_at)
    magic = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start)
    return magic + data + b"\0" * (len(data) % 2) + directory + beyond + following


def tiff(
    pixels: Pixels,
    *,
    photometric: int,
    order: str = "<",
    deflated: bool = False,
    rows_per_strip: int = 5,
    **tags: int,
) -> bytes:
    """A TIFF in strips.

    Args:
        pixels: (height, width) or (height, width, samples) of whole bytes.
        photometric: what the samples mean.
        order: "<" or ">", for the tags and the samples.
        deflated: whether strips are compressed.
        rows_per_strip: rows of every strip but the last.
        **tags: further tags as `t338=2`; they replace those written here.
    """
    height, width = pixels.shape[:2]
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    data = pixels.astype(pixels.dtype.newbyteorder(order))
    strips = [
        zlib.compress(part.tobytes()) if deflated else part.tobytes()
        for part in np.split(data, range(rows_per_strip, height, rows_per_strip))
    ]
    lengths = tuple(len(strip) for strip in strips)
    entries = {
        256: (width,),
        257: (height,),
        258: (pixels.dtype.itemsize * 8,) * samples,
        259: (8 if deflated else 1,),
        262: (photometric,),
        273: tuple(int(end) - size for end, size in zip(np.cumsum(lengths), lengths, strict=True)),
        277: (samples,),
        278: (rows_per_strip,),
        279: lengths,
    }
    entries |= {int(name[1:]): (value,) for name, value in tags.items()}
    return tiff_with_tags(entries, b"".join(strips), order)


def bmp(pixels: Pixels, *, bits: int, palette: bytes = b"", masks: bytes = b"") -> bytes:
    """A BMP, bottom row first.

    Args:
        pixels: (height, bytes of a row) for palettes, packed where `bits` is below 8, or
            (height, width, 3 or 4) as blue, green, red (and a fourth byte).
        bits: of a pixel.
        palette: blue, green, red, 0 of each colour.
        masks: colour masks, for 32 bits.
    """
    height = len(pixels)
    rows = pixels.reshape(height, -1)
    width = rows.shape[1] * 8 // bits
    padded = b"".join(row.tobytes() + b"\0" * (-rows.shape[1] % 4) for row in rows[::-1])
    compression = 3 if masks else 0
    header = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, len(palette) // 4, 0
    )
    offset = 14 + len(header) + len(masks) + len(palette)
    start = b"BM" + struct.pack("<IHHI", offset + len(padded), 0, 0, offset)
    return start + header + masks + palette + padded


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP container."""
    body = b"".join(
        kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)
        for kind, payload in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def vp8x(width: int, height: int, flags: int) -> tuple[bytes, bytes]:
    """The chunk that states the canvas of an extended WebP."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes([flags, 0, 0, 0]) + size
