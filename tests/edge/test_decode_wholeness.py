"""No answer ever comes from half a picture: OpenCV itself fills the rest with grey."""

import re
import struct
import zlib

import cv2
import numpy as np
import pytest
from encoded_pictures import (
    CMYK_JPEG,
    bmp,
    encode,
    exif_block,
    jpeg_with_exif,
    png,
    riff,
    scene,
    tiff,
    vp8x,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decode import decode_image
from edge.errors import DecodeError, InputError

GREY = scene(40, 60, 1)
RGB = scene(40, 60, 3)
NOISE = np.random.default_rng(3).integers(0, 256, (40, 60, 3), np.uint8)
PROGRESSIVE = encode(".jpg", NOISE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)

WHOLE = {
    "png": png(NOISE, bits=8, colour=2),
    "jpeg": encode(".jpg", NOISE),
    "jpeg with a preview": jpeg_with_exif(
        encode(".jpg", NOISE), exif_block(1) + encode(".jpg", RGB)
    ),
    "jpeg progressive": PROGRESSIVE,
    "jpeg with restarts": encode(".jpg", NOISE, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "jpeg grey": encode(".jpg", NOISE[:, :, 0]),
    "jpeg cmyk": CMYK_JPEG,
    "tiff": tiff(NOISE, photometric=2),
    "tiff deflated": tiff(NOISE, photometric=2, deflated=True),
    "tiff by OpenCV": encode(".tif", NOISE),
    "bmp": bmp(NOISE, bits=24),
    "webp lossless": encode(".webp", NOISE),
    "webp lossy": encode(".webp", NOISE, cv2.IMWRITE_WEBP_QUALITY, 80),
    "webp extended": riff(vp8x(60, 40, 0), (b"VP8L", encode(".webp", NOISE)[20:])),
}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_refused_or_lacked_nothing(kind: str, share: float) -> None:
    data = WHOLE[kind]
    cut = data[: int(share * len(data))]
    try:
        pixels = decode_image(cut, source=kind).pixels
    except InputError:
        return
    np.testing.assert_array_equal(pixels, decode_image(data, source=kind).pixels)


@pytest.mark.parametrize("kind", sorted(WHOLE))
def test_every_tenth_of_a_file_is_too_little(kind: str) -> None:
    data = WHOLE[kind]
    for tenth in range(10):
        with pytest.raises(InputError):
            decode_image(data[: len(data) * tenth // 10], source=kind)


@pytest.mark.parametrize(
    "kind", sorted(kind for kind in WHOLE if kind.startswith(("png", "jpeg", "tiff ")))
)
def test_a_file_that_lost_its_end_to_zeros_is_refused(kind: str) -> None:
    """What a download that was given its space beforehand looks like.

    BMP and WebP have no check sums, and zeros are pixels to them.
    """
    data = WHOLE[kind]
    kept = len(data) * 6 // 10
    with pytest.raises(InputError):
        decode_image(data[:kept] + bytes(len(data) - kept), source=kind)


@pytest.mark.parametrize("share", [0.35, 0.5, 0.75, 0.95])
@pytest.mark.parametrize("kind", ["jpeg", "jpeg grey", "jpeg with restarts", "jpeg cmyk"])
def test_a_jpeg_cut_and_ended_again_is_refused(kind: str, share: float) -> None:
    """Repair tools and some cameras put an end marker behind what there is."""
    data = WHOLE[kind]
    cut = data[: int(len(data) * share)].rstrip(b"\xff") + b"\xff\xd9"
    with pytest.raises(DecodeError):
        decode_image(cut, source="film.jpg")


@pytest.mark.parametrize("lost", [1, 3, 8])
@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_jpeg_that_lost_what_lay_between_restarts_is_refused(place: int, lost: int) -> None:
    """As a camera's does when the cable loses a packet: OpenCV makes up what is not there."""
    data = encode(".jpg", scene(160, 160, 3), cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    assert decode_image(data, source="film.jpg").pixels.shape == (160, 160, 3)
    restarts = [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", data)]
    with pytest.raises(DecodeError):
        decode_image(data[: restarts[place]] + data[restarts[place + lost] :], source="film.jpg")


def test_opencv_alone_would_read_a_jpeg_cut_and_ended_again() -> None:
    """Else the precautions against it could go."""
    data = WHOLE["jpeg"]
    cut = data[: len(data) // 2].rstrip(b"\xff") + b"\xff\xd9"
    pixels = cv2.imdecode(np.frombuffer(cut, np.uint8), cv2.IMREAD_COLOR)
    assert (pixels[-1] == 128).all()


@pytest.mark.parametrize("fill", [0, 1, 5])
@pytest.mark.parametrize("kind", sorted(kind for kind in WHOLE if kind.startswith("jpeg")))
def test_a_whole_jpeg_comes_out_as_opencv_reads_it(kind: str, fill: int) -> None:
    """Also where fill bytes stand before the end marker, which the standard allows."""
    data = WHOLE[kind]
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR)
    filled = data[:-2] + b"\xff" * fill + data[-2:]
    pixels = decode_image(filled, source="film.jpg").pixels
    np.testing.assert_array_equal(pixels, expected.reshape(pixels.shape))
    if kind != "jpeg progressive":
        cut = data[: len(data) // 2].rstrip(b"\xff") + b"\xff" * fill + data[-2:]
        with pytest.raises(DecodeError):
            decode_image(cut, source="film.jpg")


def test_a_progressive_jpeg_without_its_last_scans_is_refused() -> None:
    """Every scan that is there is whole, so that OpenCV gives a blurred picture and no warning."""
    starts = [at for at in range(len(PROGRESSIVE)) if PROGRESSIVE[at : at + 2] == b"\xff\xda"]
    assert len(starts) > 3
    # Between scans stand tables: a scan ends where the next marker begins.
    for start in starts[1:]:
        end = PROGRESSIVE.rindex(b"\xff\xc4", 0, start)
        cut = PROGRESSIVE[:end] + b"\xff\xd9"
        assert cv2.imdecode(np.frombuffer(cut, np.uint8), cv2.IMREAD_COLOR) is not None
        with pytest.raises(DecodeError, match="scans"):
            decode_image(cut, source="film.jpg")


@settings(max_examples=150, deadline=None)
@given(st.integers(8, len(WHOLE["png"]) - 1), st.integers(1, 255))
def test_no_byte_of_a_png_changes_unseen(position: int, flip: int) -> None:
    damaged = bytearray(WHOLE["png"])
    damaged[position] ^= flip
    with pytest.raises(InputError):
        decode_image(bytes(damaged), source="film.png")


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 255))
def test_no_byte_of_deflated_tiff_pixels_changes_unseen(data: st.DataObject, flip: int) -> None:
    whole = WHOLE["tiff deflated"]
    (directory,) = struct.unpack_from("<I", whole, 4)
    # The last byte may be padding to an even length.
    position = data.draw(st.integers(8, directory - 2))
    damaged = bytearray(whole)
    damaged[position] ^= flip
    try:
        pixels = decode_image(bytes(damaged), source="film.tif").pixels
    except DecodeError:
        return
    # The two bytes that open a stream also say how hard it was compressed.
    np.testing.assert_array_equal(pixels, decode_image(whole, source="film.tif").pixels)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("missing", [1, 20, 1000])
def test_a_png_with_too_few_pixels_is_refused(missing: int, *, interlaced: bool) -> None:
    """All chunks are whole here and their check sums right: only the stream is short."""
    raw = b"".join(b"\0" + row.tobytes() for row in NOISE)
    short = png(NOISE, bits=8, colour=2, stream=zlib.compress(raw[:-missing]))
    cut = png(NOISE, bits=8, colour=2, stream=zlib.compress(raw)[:-missing])
    for data in (short, cut):
        if interlaced:
            header = bytearray(data[:33])
            header[28] = 1
            struct.pack_into(">I", header, 29, zlib.crc32(header[12:29]))
            data = bytes(header) + data[33:]  # noqa: PLW2901 - the same file, interlaced
        with pytest.raises(DecodeError):
            decode_image(data, source="film.png")


def test_a_tiff_whose_strips_are_shorter_than_its_pixels_is_refused() -> None:
    with pytest.raises(DecodeError, match="fewer pixels"):
        decode_image(tiff(GREY, photometric=1, rows_per_strip=40, t257=41, t278=41), source="a.tif")
    with pytest.raises(DecodeError, match="where all of its pixels are"):
        decode_image(tiff(GREY, photometric=1, t257=60), source="a.tif")


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        pytest.param(
            [vp8x(61, 40, 0), (b"VP8L", encode(".webp", NOISE)[20:])], "size", id="canvas"
        ),
        pytest.param([vp8x(60, 40, 0)], "size", id="no picture"),
        pytest.param([(b"VP8L", b"\x2f\0\0")], "too short", id="short chunk"),
        pytest.param([(b"VP8 ", b"\0" * 10)], "header", id="no start code"),
        pytest.param([(b"VP8L", b"\0" * 10)], "header", id="no signature"),
    ],
)
def test_a_webp_without_its_picture_is_refused(
    chunks: list[tuple[bytes, bytes]], words: str
) -> None:
    with pytest.raises(DecodeError, match=words):
        decode_image(riff(*chunks), source="a.webp")
