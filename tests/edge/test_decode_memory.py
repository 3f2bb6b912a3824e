"""What a picture may take of a board's memory is bounded by its header, and kept to."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from encoded_pictures import bmp, encode, exif_block, png_chunk, scene, tiff

from edge.decode import decode_image
from edge.errors import DecodeError, InputTooLargeError
from edge.image_header import read_header
from edge.image_headers.base import MAX_DECODED_BYTES, check_decoded_size

ROOT = Path(__file__).parents[2]

# As docs/run.md states; 300 MB are measured, the rest is for another OpenCV and allocator.
MOST_BYTES = 400_000_000

# Linux starts the peak anew where 5 is written, so that only the picture is counted.
MEASURE = """
import json, sys
from edge.bundle.manifest import Resize
from edge.decode import decode_image
from edge.frame import Frame
from edge.preprocess.planes import make_planes
import numpy as np

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

resize = Resize(width=224, height=224)
for dtype in ("uint8", "float32"):
    make_planes(Frame(np.zeros((300, 300, 3), dtype), "bgr"), "grey", resize)
data = sys.stdin.buffer.read()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = peak()
frame = decode_image(data, source="-")
make_planes(frame, sys.argv[1], resize)
print(json.dumps([frame.pixels.shape, str(frame.pixels.dtype), peak() - before]))
"""


def empty_png(width: int, height: int, bits: int, colour: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b""))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("bits", "colour", "width", "height"),
    [
        pytest.param(8, 2, 10_000, 5_000, id="colour"),
        pytest.param(8, 4, 10_000, 5_000, id="grey and alpha"),
        pytest.param(8, 6, 10_000, 5_000, id="colour and alpha"),
        pytest.param(16, 0, 10_000, 5_000, id="deep grey"),
        pytest.param(16, 2, 5_000, 5_000, id="deep colour"),
    ],
)
def test_the_largest_picture_of_a_kind_passes(
    bits: int, colour: int, width: int, height: int
) -> None:
    header = read_header(empty_png(width, height, bits, colour))
    check_decoded_size(header)
    assert header.decoded_bytes <= MAX_DECODED_BYTES


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(empty_png(5_000, 5_001, 16, 2), "150,030,000 bytes", id="deep colour"),
        pytest.param(empty_png(5_000, 5_001, 16, 4), "16 bits", id="deep grey and alpha"),
        pytest.param(empty_png(7_000, 7_000, 16, 6), "294,000,000 bytes", id="deep with alpha"),
    ],
)
def test_a_picture_that_would_take_too_much_is_refused_undecoded(data: bytes, words: str) -> None:
    """Decoding would fail: there are no pixels in these files."""
    with pytest.raises(InputTooLargeError, match=f"{words}.*the most is 150,000,000"):
        decode_image(data, source="film.png")
    with pytest.raises(DecodeError):
        decode_image(empty_png(5, 5, 16, 2), source="film.png")


@pytest.mark.parametrize(
    ("data", "bytes_of_a_pixel"),
    [
        pytest.param(encode(".png", scene(20, 30, 1)), 1, id="grey"),
        pytest.param(encode(".jpg", scene(20, 30, 3)), 3, id="colour"),
        pytest.param(bmp(scene(20, 120, 1).reshape(20, 30, 4), bits=32), 3, id="32-bit BMP"),
        pytest.param(encode(".png", scene(20, 30, 3, "uint16")), 6, id="deep colour"),
        pytest.param(encode(".tif", (scene(20, 30, 1) / 255).astype("f4")), 4, id="float"),
        pytest.param(
            tiff(np.full((20, 30, 4), 255, np.uint8), photometric=2, t338=2), 4, id="opaque TIFF"
        ),
    ],
)
def test_the_header_foretells_the_bytes(data: bytes, bytes_of_a_pixel: int) -> None:
    assert read_header(data).decoded_bytes == 20 * 30 * bytes_of_a_pixel
    frame = decode_image(data, source="film")
    assert frame.pixels.nbytes <= read_header(data).decoded_bytes


def deep_png_on_its_side() -> bytes:
    data = encode(".png", np.zeros((5_000, 5_000, 3), np.uint16), cv2.IMWRITE_PNG_COMPRESSION, 1)
    return data[:33] + png_chunk(b"eXIf", exif_block(7)) + data[33:]


def float_tiff() -> bytes:
    return encode(".tif", np.zeros((3_500, 3_500, 3), np.float32), cv2.IMWRITE_TIFF_COMPRESSION, 8)


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of a process"
)
@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("make", [deep_png_on_its_side, float_tiff])
def test_the_largest_pictures_keep_to_the_stated_memory(
    make: Callable[[], bytes], colour: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, colour],
        input=make(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    shape, dtype, peak = json.loads(done.stdout)
    size = shape[0] * shape[1] * shape[2] * np.dtype(dtype).itemsize
    assert size > 0.97 * MAX_DECODED_BYTES
    assert size < peak < MOST_BYTES
