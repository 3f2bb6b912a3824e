"""Encoded pictures become frames: every format, depth and colour, and which way up."""

import hashlib
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from encoded_pictures import (
    CMYK_JPEG,
    QUADRANTS,
    YCCK_JPEG,
    bmp,
    encode,
    exif_block,
    jpeg_with_exif,
    png,
    png_chunk,
    riff,
    scene,
    stored_as,
    tiff,
    tiff_with_tags,
    vp8x,
)

from edge.decode import decode_image
from edge.errors import DecodeError, DeviceError, InputError, UnsupportedInputError
from edge.opencv import import_opencv

ROOT = Path(__file__).parents[2]

GREY = scene(20, 30, 1)
GREY16 = scene(20, 30, 1, "uint16")
RGB = scene(20, 30, 3)
RGB16 = scene(20, 30, 3, "uint16")
OPAQUE = np.dstack([RGB, np.full((20, 30), 255, np.uint8)])
SEE_THROUGH = np.dstack([RGB, GREY])
PALETTE = bytes(np.random.default_rng(5).integers(0, 256, 48, np.uint8))
INDICES = np.arange(600).reshape(20, 30).astype(np.uint8) % 16
BITS = (GREY > 128).astype(np.uint8)

COLOURS = np.frombuffer(PALETTE, np.uint8).reshape(16, 3)[INDICES]
BMP_PALETTE = b"".join(
    PALETTE[i + 2 : i + 3] + PALETTE[i + 1 : i + 2] + PALETTE[i : i + 1] + b"\0"
    for i in range(0, 48, 3)
)
GREY_PALETTE = b"".join(bytes([level, level, level, 0]) for level in range(256))
TIFF_PALETTE = tuple(
    int(value) * 257
    for value in np.frombuffer(PALETTE.ljust(768, b"\0"), np.uint8).reshape(-1, 3).T.ravel()
)
PLAIN_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)


def packed(indices: np.ndarray, bits: int) -> np.ndarray:
    """Put several samples of a row into each byte, the first one highest."""
    values = (indices[:, :, np.newaxis] >> np.arange(bits)[::-1]) & 1
    return np.packbits(values.reshape(len(indices), -1), axis=1)


def bgr(rgb: np.ndarray) -> np.ndarray:
    return rgb[:, :, ::-1]


def palette_tiff() -> bytes:
    tags = {
        256: (30,), 257: (20,), 258: (8,), 259: (1,), 262: (3,), 273: (0,), 277: (1,),
        278: (20,), 279: (600,), 320: TIFF_PALETTE,
    }  # fmt: skip
    return tiff_with_tags(tags, INDICES.tobytes())


def bilevel_tiff() -> bytes:
    data = packed(BITS, 1).tobytes()
    tags = {
        256: (30,), 257: (20,), 262: (1,), 273: (0,), 277: (1,), 278: (20,), 279: (len(data),),
    }  # fmt: skip
    return tiff_with_tags(tags, data)


def top_down_bmp() -> bytes:
    data = bytearray(bmp(bgr(RGB)[::-1], bits=24))
    struct.pack_into("<i", data, 22, -20)
    return bytes(data)


LOSSLESS = [
    pytest.param(png(GREY, bits=8, colour=0), GREY, id="png grey 8"),
    pytest.param(png(GREY16, bits=16, colour=0), GREY16, id="png grey 16"),
    pytest.param(png(packed(BITS, 1), bits=1, colour=0, width=30), BITS * 255, id="png 1 bit"),
    pytest.param(
        png(packed(INDICES % 4, 2), bits=2, colour=0, width=30), INDICES % 4 * 85, id="png 2 bits"
    ),
    pytest.param(
        png(packed(INDICES, 4), bits=4, colour=0, width=30), INDICES * 17, id="png 4 bits"
    ),
    pytest.param(png(RGB, bits=8, colour=2), bgr(RGB), id="png rgb 8"),
    pytest.param(png(RGB16, bits=16, colour=2), bgr(RGB16), id="png rgb 16"),
    pytest.param(
        png(INDICES, bits=8, colour=3, before=png_chunk(b"PLTE", PALETTE)),
        bgr(COLOURS),
        id="png palette",
    ),
    pytest.param(
        png(packed(INDICES, 4), bits=4, colour=3, width=30, before=png_chunk(b"PLTE", PALETTE)),
        bgr(COLOURS),
        id="png palette 4 bits",
    ),
    pytest.param(png(SEE_THROUGH, bits=8, colour=6), bgr(RGB), id="png rgba drops alpha"),
    pytest.param(png(np.dstack([RGB16, GREY16]), bits=16, colour=6), bgr(RGB16), id="png rgba 16"),
    pytest.param(
        png(np.dstack([GREY, GREY[::-1]]), bits=8, colour=4), GREY, id="png grey and alpha"
    ),
    pytest.param(
        png(np.dstack([GREY16, GREY16[::-1]]), bits=16, colour=4), GREY16, id="png grey 16, alpha"
    ),
    pytest.param(
        png(GREY, bits=8, colour=0, before=png_chunk(b"tRNS", b"\0\x80")), GREY, id="png tRNS"
    ),
    pytest.param(tiff(GREY, photometric=1), GREY, id="tiff grey 8"),
    pytest.param(tiff(GREY, photometric=1, order=">"), GREY, id="tiff grey 8 big-endian"),
    pytest.param(tiff(GREY, photometric=0), 255 - GREY, id="tiff grey, 0 is white"),
    pytest.param(tiff(GREY16, photometric=1), GREY16, id="tiff grey 16"),
    pytest.param(tiff(GREY16, photometric=1, order=">"), GREY16, id="tiff grey 16 big-endian"),
    pytest.param(tiff(GREY16, photometric=1, deflated=True), GREY16, id="tiff grey 16 deflated"),
    pytest.param(tiff(RGB, photometric=2), bgr(RGB), id="tiff rgb 8"),
    pytest.param(tiff(RGB, photometric=2, deflated=True), bgr(RGB), id="tiff rgb 8 deflated"),
    pytest.param(tiff(RGB16, photometric=2), bgr(RGB16), id="tiff rgb 16"),
    pytest.param(tiff(RGB16, photometric=2, order=">"), bgr(RGB16), id="tiff rgb 16 big-endian"),
    pytest.param(tiff(OPAQUE, photometric=2, t338=2), bgr(RGB), id="tiff opaque rgba"),
    pytest.param(
        tiff(np.dstack([RGB16, GREY16]), photometric=2, t338=2), bgr(RGB16), id="tiff rgba 16"
    ),
    pytest.param(
        tiff(np.dstack([GREY, GREY[::-1]]), photometric=1, t338=2), GREY, id="tiff grey and alpha"
    ),
    pytest.param(palette_tiff(), bgr(COLOURS), id="tiff palette"),
    pytest.param(bilevel_tiff(), BITS * 255, id="tiff 1 bit"),
    pytest.param(
        tiff((GREY / 255).astype(np.float32), photometric=1, t339=3),
        (GREY / 255).astype(np.float32),
        id="tiff float32",
    ),
    pytest.param(
        tiff((RGB / 255).astype(np.float32), photometric=2, order=">", t339=3),
        bgr((RGB / 255).astype(np.float32)),
        id="tiff float32 rgb big-endian",
    ),
    pytest.param(bmp(bgr(RGB), bits=24), bgr(RGB), id="bmp 24"),
    pytest.param(top_down_bmp(), bgr(RGB), id="bmp top down"),
    pytest.param(
        bmp(np.dstack([bgr(RGB), GREY]), bits=32), bgr(RGB), id="bmp 32 drops the fourth byte"
    ),
    pytest.param(
        bmp(np.dstack([bgr(RGB), GREY]), bits=32, masks=PLAIN_MASKS), bgr(RGB), id="bmp 32 masks"
    ),
    pytest.param(bmp(GREY, bits=8, palette=GREY_PALETTE), GREY, id="bmp grey"),
    pytest.param(bmp(INDICES, bits=8, palette=BMP_PALETTE), bgr(COLOURS), id="bmp palette"),
    pytest.param(
        bmp(packed(INDICES, 4), bits=4, palette=BMP_PALETTE), bgr(COLOURS), id="bmp 4 bits"
    ),
    pytest.param(encode(".webp", RGB), bgr(RGB), id="webp lossless"),
]


@pytest.mark.parametrize(("data", "expected"), LOSSLESS)
def test_a_lossless_picture_comes_out_as_it_went_in(data: bytes, expected: np.ndarray) -> None:
    frame = decode_image(data, source="picture")
    colour = "bgr" if expected.ndim == 3 else "grey"
    shape = expected.shape if expected.ndim == 3 else (*expected.shape, 1)
    assert (frame.colour, frame.pixels.shape, frame.pixels.dtype) == (colour, shape, expected.dtype)
    assert frame.pixels.flags.c_contiguous
    np.testing.assert_array_equal(frame.pixels, expected.reshape(shape))


@pytest.mark.parametrize(
    ("data", "rgb"),
    [
        pytest.param(encode(".jpg", GREY), GREY, id="grey"),
        pytest.param(encode(".jpg", RGB), RGB, id="colour"),
        pytest.param(encode(".jpg", RGB, 2, 1), RGB, id="progressive"),  # IMWRITE_JPEG_PROGRESSIVE
        pytest.param(encode(".jpg", RGB, 4, 1), RGB, id="restarts"),  # IMWRITE_JPEG_RST_INTERVAL
        pytest.param(encode(".webp", RGB, 64, 90), RGB, id="webp lossy"),  # IMWRITE_WEBP_QUALITY
    ],
)
def test_a_lossy_picture_comes_out_nearly_as_it_went_in(data: bytes, rgb: np.ndarray) -> None:
    frame = decode_image(data, source="picture")
    pixels = frame.pixels[:, :, 0] if frame.colour == "grey" else bgr(frame.pixels)
    assert frame.colour == ("grey" if rgb.ndim == 2 else "bgr")
    assert np.abs(pixels.astype(int) - rgb).mean() < 4


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [pytest.param(CMYK_JPEG, 2, id="CMYK"), pytest.param(YCCK_JPEG, 10, id="YCCK")],
)
def test_a_jpeg_of_four_inks_becomes_colour(data: bytes, tolerance: int) -> None:
    rgb = bgr(decode_image(data, source="print").pixels).astype(int)
    quarters = (rgb[3, 3], rgb[3, 12], rgb[12, 3], rgb[12, 12])
    assert np.abs(np.array(quarters) - QUADRANTS).max() <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff", "tiff grey 16"])
def test_the_stated_orientation_is_applied(kind: str, order: str, orientation: int) -> None:
    upright = GREY16 if kind == "tiff grey 16" else RGB
    stored = stored_as(upright, orientation)
    block = exif_block(orientation, order)
    height, width = stored.shape[:2]
    if kind == "jpeg":
        data = jpeg_with_exif(encode(".jpg", stored, 1, 100), block)
    elif kind == "png":
        data = png(stored, bits=8, colour=2, before=png_chunk(b"eXIf", block))
    elif kind == "webp":
        picture = encode(".webp", stored)[20:]
        data = riff(vp8x(width, height, 8), (b"VP8L", picture), (b"EXIF", block))
    elif kind == "tiff":
        data = tiff(stored, photometric=2, order=order, t274=orientation)
    else:
        data = tiff(stored, photometric=1, order=order, t274=orientation)
    pixels = decode_image(data, source="turned").pixels
    expected = upright[:, :, np.newaxis] if upright.ndim == 2 else bgr(upright)
    assert pixels.shape == expected.shape
    assert pixels.flags.c_contiguous
    # The colours of a JPEG are halved in size; turned the wrong way it would differ by tens.
    tolerance = 12 if kind == "jpeg" else 0
    assert np.abs(pixels.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"II*\0", id="cut short"),
        pytest.param(b"XX" + exif_block(6)[2:], id="no byte order"),
        pytest.param(exif_block(9), id="9 is no orientation"),
        pytest.param(exif_block(0), id="0 is no orientation"),
        pytest.param(exif_block(6)[:12] + b"\x02" + exif_block(6)[13:], id="of type text"),
        pytest.param(exif_block(6)[:4] + b"\xff\xff\xff\x7f", id="directory outside"),
    ],
)
def test_a_malformed_exif_block_means_upright(block: bytes) -> None:
    plain = encode(".jpg", RGB)
    expected = decode_image(plain, source="plain").pixels
    actual = decode_image(jpeg_with_exif(plain, block), source="odd").pixels
    np.testing.assert_array_equal(actual, expected)


def test_what_follows_the_end_of_a_jpeg_is_ignored() -> None:
    """Cameras append previews, and phones whole films."""
    data = encode(".jpg", RGB)
    whole = decode_image(data, source="a").pixels
    for tail in (b"\0\0", b"\xff\xd9", data, b"text"):
        np.testing.assert_array_equal(decode_image(data + tail, source="a").pixels, whole)


def test_a_frame_says_where_when_and_what_it_came_from() -> None:
    data = encode(".png", GREY)
    before = time.time_ns()
    frame = decode_image(data, source="film.png", index=3, digest=True)
    assert (frame.source, frame.index) == ("film.png", 3)
    assert frame.digest == hashlib.sha256(data).hexdigest()
    assert before <= frame.capture_time_ns <= time.time_ns()
    assert frame.decode_ns > 0
    assert frame.capture_ns == 0
    assert decode_image(data, source="film.png").digest == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(tiff(SEE_THROUGH, photometric=2, t338=2), "transparent", id="tiff alpha"),
        pytest.param(
            tiff(GREY.astype(np.float32), photometric=1, t339=3), "0..1", id="float beyond 1"
        ),
        pytest.param(
            tiff(np.full((20, 30), np.nan, np.float32), photometric=1, t339=3), "0..1", id="NaN"
        ),
        pytest.param(
            png(GREY, bits=8, colour=0, before=png_chunk(b"acTL", struct.pack(">II", 7, 0))),
            "holds 7 pictures",
            id="animated png",
        ),
        pytest.param(
            riff(vp8x(30, 20, 2), (b"ANMF", b"\0" * 24), (b"ANMF", b"\0" * 24)),
            "holds 2 pictures",
            id="animated webp",
        ),
    ],
)
def test_a_picture_that_would_be_misread_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(UnsupportedInputError, match=words):
        decode_image(data, source="odd")


@pytest.mark.parametrize("name", ["a\nb.png", "a\x1b[2Jb.png", "a\udcffb.png"])
def test_a_message_is_one_printable_line_whatever_the_name(name: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_image(b"", source=name)
    assert str(caught.value).isprintable()
    assert "the file is empty" in str(caught.value)


def test_pixels_that_cannot_be_unpacked_are_one_error() -> None:
    data = png(GREY, bits=8, colour=0, stream=b"no deflate stream")
    with pytest.raises(DecodeError, match=r"^film\.png: the 30 x 20 PNG cannot be decoded"):
        decode_image(data, source="film.png")


def test_an_opencv_that_takes_truncated_pictures_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A board's own OpenCV may be older than the one that a package manager would install."""
    import_opencv.cache_clear()
    monkeypatch.setattr(cv2, "__version__", "4.8.0")
    with pytest.raises(DeviceError, match=r"OpenCV 4\.8\.0"):
        decode_image(encode(".png", GREY), source="film.png")


def test_a_missing_opencv_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import_opencv.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(DeviceError, match="install opencv-python-headless"):
        decode_image(png(GREY, bits=8, colour=0), source="film.png")


def test_opencv_writes_nothing_about_a_damaged_file() -> None:
    """Complaints of libtiff go through OpenCV's log, which is silenced unless the user set it."""
    damaged = tiff(GREY16, photometric=1, t259=5)
    code = (
        "import sys; from edge.decode import decode_image\n"
        "try: decode_image(sys.stdin.buffer.read(), source='-')\n"
        "except ValueError as error: print(type(error).__name__)"
    )
    quiet, loud = (
        subprocess.run(
            [sys.executable, "-c", code],
            input=damaged,
            capture_output=True,
            check=True,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name != "OPENCV_LOG_LEVEL"}
            | level,
        )
        for level in ({}, {"OPENCV_LOG_LEVEL": "WARNING"})
    )
    assert (quiet.stdout, quiet.stderr) == (b"DecodeError\n", b"")
    assert loud.stderr != b""
