"""Whatever the bytes, decoding ends in a frame or in one line that says why not."""

import numpy as np
import pytest
from encoded_pictures import (
    CMYK_JPEG,
    YCCK_JPEG,
    bmp,
    encode,
    exif_block,
    jpeg_with_exif,
    png,
    png_chunk,
    riff,
    scene,
    tiff,
    vp8x,
)
from test_decode import BMP_PALETTE, INDICES, PALETTE, palette_tiff

from edge.decode import decode_image
from edge.errors import InputError
from edge.frame import Frame
from edge.image_header import MAX_PIXELS

GREY16 = scene(16, 24, 1, "uint16")
RGB = scene(16, 24, 3)
RGBA = np.dstack([RGB, RGB[:, :, :1]])

SEEDS = [
    pytest.param(png(RGB, bits=8, colour=2), id="png"),
    pytest.param(png(GREY16, bits=16, colour=0), id="png 16"),
    pytest.param(
        png(INDICES, bits=8, colour=3, before=png_chunk(b"PLTE", PALETTE)), id="png palette"
    ),
    pytest.param(encode(".jpg", RGB), id="jpeg"),
    pytest.param(encode(".jpg", RGB, 2, 1), id="jpeg progressive"),
    pytest.param(jpeg_with_exif(encode(".jpg", RGB[:, :, 0]), exif_block(6)), id="jpeg turned"),
    pytest.param(CMYK_JPEG, id="jpeg cmyk"),
    pytest.param(YCCK_JPEG, id="jpeg ycck"),
    pytest.param(tiff(GREY16, photometric=1), id="tiff 16"),
    pytest.param(tiff(RGB, photometric=2, order=">", t274=6), id="tiff turned"),
    pytest.param(tiff(RGBA, photometric=2, deflated=True, t338=2), id="tiff deflated"),
    pytest.param(encode(".tif", RGB), id="tiff lzw"),
    pytest.param(palette_tiff(), id="tiff palette"),
    pytest.param(bmp(RGBA, bits=32), id="bmp"),
    pytest.param(bmp(INDICES, bits=8, palette=BMP_PALETTE), id="bmp palette"),
    pytest.param(encode(".webp", RGB), id="webp lossless"),
    pytest.param(encode(".webp", RGB, 64, 80), id="webp lossy"),
    pytest.param(
        riff(vp8x(24, 16, 8), (b"VP8L", encode(".webp", RGB)[20:]), (b"EXIF", exif_block(8))),
        id="webp turned",
    ),
]

MUTANTS = 150


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip, cut, splice or lengthen, up to three times."""
    for _ in range(rng.integers(1, 4)):
        at, to = sorted(rng.integers(0, len(data) + 1, 2))
        match rng.integers(0, 6):
            case 0 | 1:
                flipped = bytearray(data)
                for position in rng.integers(0, max(1, len(data)), rng.integers(1, 9)):
                    flipped[position : position + 1] = rng.bytes(1)
                data = bytes(flipped)
            case 2:
                data = data[:at] + data[min(to, at + 64) :]
            case 3:
                data = data[:to] + data[at : at + 64] + data[to:]
            case 4:
                data = data[:at] + rng.bytes(int(rng.integers(1, 64))) + data[at:]
            case _:
                # Sizes and counts live at the front; the odd ones are at the limits.
                value = rng.choice([b"\0\0", b"\xff\xff", b"\x7f\xff", b"\x80\0", b"\0\1"])
                at = min(int(at), 64)
                data = data[:at] + bytes(value) + data[at + 2 :]
    return data


def outcome(data: bytes) -> Frame | str:
    try:
        return decode_image(data, source="mutant")
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("data", SEEDS)
def test_a_mutated_file_gives_a_frame_or_one_line(data: bytes) -> None:
    rng = np.random.default_rng(len(data))
    for _ in range(MUTANTS):
        actual = outcome(mutate(data, rng))
        if isinstance(actual, str):
            assert actual.isprintable()
            assert len(actual) < 300
        else:
            height, width, channels = actual.pixels.shape
            assert channels == {"grey": 1, "bgr": 3}[actual.colour]
            assert 0 < height * width <= MAX_PIXELS
