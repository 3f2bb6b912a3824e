"""Bytes of uncompressed pictures, with and without padding, and the pixels that they are."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.sources.address import Size
from edge.sources.raw_layout import RAW_FORMATS, RawLayout

PACKED = {"BGR3": 3, "RGB3": 3, "XR24": 4, "YUYV": 2, "UYVY": 2, "YVYU": 2, "GREY": 1}


def some_bytes(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, count, np.uint8)


@pytest.mark.parametrize("name", RAW_FORMATS)
@settings(max_examples=20, deadline=None)
@given(
    half_width=st.integers(1, 20),
    half_height=st.integers(1, 12),
    half_padding=st.integers(0, 10),
)
def test_padding_at_the_end_of_rows_does_not_change_the_picture(
    name: str, half_width: int, half_height: int, half_padding: int
) -> None:
    size = Size(2 * half_width, 2 * half_height)
    plain = RawLayout(name, size)
    data = some_bytes(plain.bytes)
    row_bytes = size.width * PACKED.get(name, 1)
    padded = RawLayout(name, size, row_bytes + 2 * half_padding)
    expected = plain.to_pixels(data)
    assert (expected.shape, expected.dtype) == ((size.height, size.width, 3), np.uint8)
    np.testing.assert_array_equal(padded.to_pixels(pad(name, data, size, half_padding)), expected)


def pad(name: str, data: np.ndarray, size: Size, half: int) -> np.ndarray:
    if name in PACKED or name.startswith("NV"):
        rows = size.height if name in PACKED else size.height * 3 // 2
        return np.pad(data.reshape(rows, -1), ((0, 0), (0, 2 * half)), constant_values=99).ravel()
    luma, chroma = np.split(data, [size.width * size.height])
    luma = np.pad(luma.reshape(size.height, -1), ((0, 0), (0, 2 * half)), constant_values=99)
    chroma = np.pad(chroma.reshape(size.height, -1), ((0, 0), (0, half)), constant_values=99)
    return np.concatenate([luma.ravel(), chroma.ravel()])


@pytest.mark.parametrize(
    ("name", "conversion"),
    [
        ("YUYV", cv2.COLOR_YUV2BGR_YUYV),
        ("UYVY", cv2.COLOR_YUV2BGR_UYVY),
        ("NV12", cv2.COLOR_YUV2BGR_NV12),
        ("YU12", cv2.COLOR_YUV2BGR_I420),
    ],
)
def test_the_colours_are_those_that_opencv_makes(name: str, conversion: int) -> None:
    layout = RawLayout(name, Size(16, 8))
    data = some_bytes(layout.bytes)
    shape = (8, 16, 2) if name in PACKED else (12, 16)
    np.testing.assert_array_equal(
        layout.to_pixels(data), cv2.cvtColor(data.reshape(shape), conversion)
    )


def test_the_order_of_bytes_is_that_of_the_name() -> None:
    bgr = np.uint8([1, 2, 3])
    assert RawLayout("BGR3", Size(2, 2)).to_pixels(np.tile(bgr, 4))[0, 0].tolist() == [1, 2, 3]
    assert RawLayout("RGB3", Size(2, 2)).to_pixels(np.tile(bgr, 4))[0, 0].tolist() == [3, 2, 1]
    with_padding = np.tile(np.uint8([1, 2, 3, 255]), 4)
    assert RawLayout("XR24", Size(2, 2)).to_pixels(with_padding)[0, 0].tolist() == [1, 2, 3]


@given(name=st.sampled_from(RAW_FORMATS), count=st.integers(0, 3000))
def test_part_of_a_picture_is_its_whole_rows(name: str, count: int) -> None:
    layout = RawLayout(name, Size(16, 8))
    part = layout.to_part(some_bytes(3000)[:count])
    rows = count // (16 * PACKED.get(name, 1))
    if name not in PACKED or rows == 0:
        assert part is None
    else:
        assert part is not None
        assert part.shape == (min(rows, 8), 16, 3)


def test_bytes_beyond_the_picture_are_left_out() -> None:
    for name in RAW_FORMATS:
        layout = RawLayout(name, Size(8, 4))
        data = some_bytes(layout.bytes + 64)
        np.testing.assert_array_equal(
            layout.to_pixels(data), layout.to_pixels(data[: layout.bytes])
        )
