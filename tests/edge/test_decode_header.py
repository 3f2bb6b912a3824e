"""What is refused by its header, before anything is unpacked."""

import json
import mmap
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from encoded_pictures import (
    CMYK_JPEG,
    bmp,
    encode,
    png,
    png_chunk,
    riff,
    scene,
    tiff,
    tiff_with_tags,
    vp8x,
)

from edge.errors import DecodeError, InputError, InputTooLargeError, UnsupportedInputError
from edge.image_header import MAX_ENCODED_BYTES, MAX_PIXELS, MAX_SIDE, ImageHeader, read_header

ROOT = Path(__file__).parents[2]

GREY = scene(20, 30, 1)
RGB = scene(20, 30, 3)
RGB16 = scene(20, 30, 3, "uint16")


def huge_png(width: int, height: int) -> bytes:
    """A few hundred bytes that promise any number of black pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + png_chunk(b"IEND", b"")
    )


def huge_jpeg(width: int, height: int) -> bytes:
    data = bytearray(encode(".jpg", GREY))
    frame = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, frame + 5, height, width)
    return bytes(data)


def huge_tiff(width: int, height: int) -> bytes:
    return tiff(GREY, photometric=1, t256=width, t257=height, t278=height)


def huge_bmp(width: int, height: int) -> bytes:
    data = bytearray(bmp(RGB, bits=24))
    struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def huge_webp(width: int, height: int) -> bytes:
    return riff(vp8x(width, height, 0), (b"VP8L", encode(".webp", RGB)[20:]))


HUGE = [huge_png, huge_jpeg, huge_tiff, huge_bmp, huge_webp]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(png(RGB16, bits=16, colour=2), ("png", 30, 20, 16, 3), id="png"),
        pytest.param(encode(".jpg", GREY), ("jpeg", 30, 20, 8, 1), id="jpeg grey"),
        pytest.param(encode(".jpg", RGB), ("jpeg", 30, 20, 8, 3), id="jpeg"),
        pytest.param(CMYK_JPEG, ("jpeg", 16, 16, 8, 4), id="jpeg cmyk"),
        pytest.param(encode(".tif", RGB16), ("tiff", 30, 20, 16, 3), id="tiff, OpenCV's own"),
        pytest.param(tiff(GREY, photometric=1, order=">"), ("tiff", 30, 20, 8, 1), id="tiff"),
        pytest.param(encode(".bmp", RGB), ("bmp", 30, 20, 8, 3), id="bmp"),
        pytest.param(encode(".webp", RGB), ("webp", 30, 20, 8, 3), id="webp lossless"),
        pytest.param(encode(".webp", RGB, 64, 80), ("webp", 30, 20, 8, 3), id="webp lossy"),
    ],
)
def test_a_header_says_format_size_and_depth(
    data: bytes, expected: tuple[str, int, int, int, int]
) -> None:
    is_jpeg = expected[0] == "jpeg"
    assert read_header(data) == ImageHeader(*expected, size_bytes=len(data), has_one_scan=is_jpeg)
    assert read_header(memoryview(data)) == read_header(data)


def test_a_picture_on_its_side_is_stored_as_wide_as_it_is_tall() -> None:
    header = read_header(tiff(GREY, photometric=1, t274=6))
    assert (header.width, header.height, header.upright_size) == (30, 20, (20, 30))


@pytest.mark.parametrize("make", HUGE)
@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(30_000, 30_000, id="too many pixels"),
        pytest.param(30_001, 1, id="too wide"),
        pytest.param(1, 30_001, id="too tall"),
        pytest.param(10_000, 5_001, id="one row too many"),
    ],
)
def test_a_picture_beyond_the_limits_is_refused(
    make: Callable[[int, int], bytes], width: int, height: int
) -> None:
    with pytest.raises(InputTooLargeError, match=f"is {width} x {height} pixels"):
        read_header(make(width, height))


def test_a_picture_at_the_limits_passes() -> None:
    for width, height in ((10_000, 5_000), (MAX_SIDE, 1), (1, MAX_SIDE)):
        header = read_header(huge_png(width, height))
        assert (header.width, header.height) == (width, height)
        assert width * height <= MAX_PIXELS


@pytest.mark.parametrize("make", [huge_png, huge_jpeg, huge_tiff, huge_bmp])
def test_a_size_of_nothing_is_refused(make: Callable[[int, int], bytes]) -> None:
    for width, height in ((0, 20), (30, 0)):
        with pytest.raises(InputError):
            read_header(make(width, height))


def test_refusing_a_huge_picture_unpacks_nothing() -> None:
    """A few KiB that promise 900 megapixels: OpenCV is never asked, and no memory is taken."""
    data = [make(30_000, 30_000) for make in HUGE]
    tracemalloc.start()
    try:
        for each in data:
            with pytest.raises(InputTooLargeError):
                read_header(each)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(map(len, data)) < 4096
    assert peak < 1 << 18
    code = (
        "import sys, json, pathlib; from edge.decode import decode_image\n"
        "try: decode_image(sys.stdin.buffer.read(), source='-')\n"
        "except ValueError as error: print(json.dumps([error.code, 'cv2' in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=data[0], capture_output=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) == ["input_too_large", False]


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(InputTooLargeError, match="268,435,457 bytes"):
        read_header(memoryview(mmap.mmap(-1, MAX_ENCODED_BYTES + 1)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"GIF89a" + b"\0" * 20, "GIF", id="GIF"),
        pytest.param(b"%PDF-1.7\n", "PDF", id="PDF"),
        pytest.param(b"\0" * 128 + b"DICM" + b"\2\0", "DICOM is not read.*export PNG", id="DICOM"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", id="JPEG 2000"),
        pytest.param(b"\0\0\0\x18ftypheic", "HEIC", id="HEIC"),
        pytest.param(b"\0\0\0\x18ftypavif", "AVIF", id="AVIF"),
        pytest.param(b"RIFF\x10\0\0\0AVI ", "RIFF", id="AVI"),
        pytest.param(b"PK\x03\x04", "ZIP", id="ZIP"),
        pytest.param(b"\x1f\x8b\x08\0", "NIfTI", id="gzip"),
        pytest.param(b"patient;age\n7;63\n", "text", id="text"),
        pytest.param("Gr\u00fc\u00dfe\n".encode(), "text", id="text in UTF-8"),
        pytest.param(b"\x01\x02\x03\xff\xfe", "01 02 03 ff fe", id="anything else"),
        pytest.param(b"\x00", "begins with 00", id="one byte"),
        pytest.param(b"II+\0\x08\0\0\0", "BigTIFF", id="BigTIFF"),
    ],
)
def test_what_is_no_picture_is_refused_by_what_it_looks_like(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedInputError, match=words) as caught:
        read_header(data)
    assert str(caught.value).isprintable()


def jpeg_with_frame(marker: int = 0xC0, bits: int = 8, height: int | None = None) -> bytes:
    data = bytearray(encode(".jpg", GREY))
    frame = data.index(b"\xff\xc0")
    data[frame + 1] = marker
    data[frame + 4] = bits
    if height is not None:
        struct.pack_into(">H", data, frame + 5, height)
    return bytes(data)


def tiled_tiff(side: int, orientation: int = 1) -> bytes:
    tags = {
        256: (30,), 257: (20,), 258: (8,), 262: (1,), 274: (orientation,), 277: (1,), 322: (side,),
        323: (side,), 324: (0,), 325: (side * side,),
    }  # fmt: skip
    return tiff_with_tags(tags, b"\x50" * side * side)


def odd_bmp(bits: int = 24, compression: int = 0, header: int = 40) -> bytes:
    data = bytearray(bmp(RGB, bits=24))
    struct.pack_into("<I", data, 14, header)
    struct.pack_into("<HI", data, 28, bits, compression)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(jpeg_with_frame(0xC3), "lossless", id="jpeg lossless"),
        pytest.param(jpeg_with_frame(0xC9), "arithmetic", id="jpeg arithmetic"),
        pytest.param(jpeg_with_frame(0xC1, bits=12), "12-bit", id="jpeg 12 bits"),
        pytest.param(jpeg_with_frame(height=0), "height at its end", id="jpeg without height"),
        pytest.param(tiff(RGB16[:, :, 0], photometric=0), "0 is black", id="tiff 16, 0 is white"),
        pytest.param(tiff(RGB16, photometric=2, t284=2), "planes", id="tiff 16 in planes"),
        pytest.param(tiff(GREY, photometric=1, t339=2), "format", id="tiff signed"),
        pytest.param(tiff(RGB, photometric=8), "photometric 8", id="tiff Lab"),
        pytest.param(tiff(RGB, photometric=6), "YCbCr", id="tiff YCbCr"),
        pytest.param(tiff(GREY.astype("f8"), photometric=1, t339=3), "64", id="tiff float64"),
        pytest.param(tiff(GREY.astype("u4"), photometric=1), "32", id="tiff uint32"),
        pytest.param(tiff(GREY, photometric=1, t259=50_000), "compression 50000", id="tiff ZSTD"),
        pytest.param(tiff(GREY, photometric=1, t259=4), "compression 4", id="tiff fax of 8 bits"),
        pytest.param(tiled_tiff(32, 3), "tiled and turned", id="tiff tiled and turned"),
        pytest.param(odd_bmp(bits=16), "16 bits", id="bmp 16"),
        pytest.param(odd_bmp(bits=8, compression=1), "compressed", id="bmp run-length"),
        pytest.param(odd_bmp(header=99), "99 bytes", id="bmp header"),
        pytest.param(
            bmp(np.zeros((4, 4, 4), np.uint8), bits=32, masks=b"\xff" * 12), "masks", id="bmp masks"
        ),
    ],
)
def test_kinds_that_opencv_would_misread_are_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedInputError, match=words):
        read_header(data)


def many_scans() -> bytes:
    """A small progressive file whose decoding would take hours."""
    data = encode(".jpg", GREY, 2, 1)
    scan = data[data.index(b"\xff\xda") : data.rindex(b"\xff\xd9")]
    return data[:-2] + scan * 101 + b"\xff\xd9"


def circular_tiff() -> bytes:
    """A TIFF whose second directory says that it comes next."""
    data = tiff(GREY, photometric=1)
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    link = first + 2 + 12 * count
    return data[:link] + struct.pack("<I", first) + data[link + 4 :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(many_scans(), "100 scans", id="jpeg of many scans"),
        pytest.param(
            b"\xff\xd8" + b"\xff\xfe\0\2" * 10_001, "segments", id="jpeg of many comments"
        ),
        pytest.param(circular_tiff(), "directories", id="tiff in a circle"),
        pytest.param(tiled_tiff(8), "tiles of 8 x 8", id="tiff of tiny tiles"),
        pytest.param(riff(*[(b"JUNK", b"")] * 10_001), "chunks", id="webp of many chunks"),
        pytest.param(
            huge_png(1, 1)[:-12] + png_chunk(b"tEXt", b"") * 100_000, "chunks", id="png of many"
        ),
    ],
)
def test_a_file_that_would_keep_a_board_busy_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        read_header(data)


def test_a_directory_of_a_preview_is_no_second_picture() -> None:
    """Scanners put a small copy behind the picture; a stack of slices is another matter."""
    link_base = len(tiff(GREY, photometric=1))

    def with_second(subfile: int) -> bytes:
        second = struct.pack("<HHHIHHI", 1, 254, 4, 1, subfile, 0, 0)
        data = bytearray(tiff(GREY, photometric=1) + second)
        (first,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, first)
        struct.pack_into("<I", data, first + 2 + 12 * count, link_base)
        return bytes(data)

    assert read_header(with_second(1)).frames == 1
    assert read_header(with_second(0)).frames == 2
