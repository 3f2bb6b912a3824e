"""Resizing: what it gives, and that it gives the same everywhere."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.preprocess.resize import resize_plane

DTYPES = {"uint8": 255, "uint16": 65_535, "int32": 1 << 24}
SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))


def resized(plane: NDArray, height: int, width: int, **options: object) -> NDArray:
    chosen = {"interpolation": "linear_exact", "antialias": True} | options
    return resize_plane(plane, width, height, **chosen)


def random_plane(seed: int, size: tuple[int, int], dtype: str) -> NDArray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, DTYPES[dtype], size, dtype, endpoint=True)


def texture(height: int, width: int) -> NDArray[np.uint8]:
    """Edges, gradients, fine lines and grain, from integers alone."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    rings = ((x - width // 3) ** 2 + (y - height // 2) ** 2) * 64 // (height * width) % 97
    shade = (3 * x + 2 * y) * 128 // (3 * width + 2 * height)
    grain = (x * 7919 + y * 104_729) * 2_654_435_761 % 2**32 >> 29
    return (rings + shade + grain + 20).astype(np.uint8)


def shares(old: int, new: int) -> NDArray:
    """How much of each old pixel each new one covers, in whole 1 / `new`: (new, old)."""
    starts, ends = np.arange(new) * old, (np.arange(new) + 1) * old
    left = np.maximum(starts[:, None], np.arange(old) * new)
    right = np.minimum(ends[:, None], (np.arange(old) + 1) * new)
    return np.maximum(right - left, 0).astype(object)


def psnr(actual: NDArray, expected: NDArray) -> float:
    error = np.mean((actual.astype(float) - expected) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


@given(st.integers(0, 99), SIZES, st.sampled_from(sorted(DTYPES)), st.booleans(), st.booleans())
def test_the_right_size_is_left_as_it_is(
    seed: int,
    size: tuple[int, int],
    dtype: str,
    antialias: bool,
    nearest: bool,
) -> None:
    plane = random_plane(seed, size, dtype)
    interpolation = "nearest" if nearest else "linear_exact"
    assert resized(plane, *size, antialias=antialias, interpolation=interpolation) is plane


@settings(deadline=None)
@given(SIZES, SIZES, st.sampled_from(sorted(DTYPES)), st.floats(0, 1), st.booleans())
def test_one_even_tone_stays_that_tone(
    old: tuple[int, int],
    new: tuple[int, int],
    dtype: str,
    tone: float,
    antialias: bool,
) -> None:
    value = int(tone * DTYPES[dtype])
    actual = resized(np.full(old, value, dtype), *new, antialias=antialias)
    assert (actual.shape, actual.dtype) == (new, np.dtype(dtype))
    assert (actual == value).all()


@settings(deadline=None)
@given(st.integers(0, 99), SIZES, SIZES, st.sampled_from(sorted(DTYPES)), st.booleans())
def test_nothing_gets_darker_or_brighter_than_it_was(
    seed: int,
    old: tuple[int, int],
    new: tuple[int, int],
    dtype: str,
    antialias: bool,
) -> None:
    plane = random_plane(seed, old, dtype)
    actual = resized(plane, *new, antialias=antialias)
    assert plane.min() <= actual.min()
    assert actual.max() <= plane.max()


@settings(deadline=None)
@given(
    st.integers(0, 99), st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.integers(1, 9), st.integers(1, 9), st.sampled_from(sorted(DTYPES)),
)  # fmt: skip
def test_a_whole_factor_gives_the_exact_mean_of_each_block(
    seed: int, new: tuple[int, int], rows: int, columns: int, dtype: str
) -> None:
    plane = random_plane(seed, (new[0] * rows, new[1] * columns), dtype)
    blocks = plane.astype(np.int64).reshape(new[0], rows, new[1], columns).sum(axis=(1, 3))
    area = rows * columns
    np.testing.assert_array_equal(resized(plane, *new), (blocks + area // 2) // area)


@settings(deadline=None)
@given(
    st.integers(0, 99), st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(60, 120), st.integers(60, 120)), st.sampled_from(sorted(DTYPES)),
)  # fmt: skip
def test_many_pixels_for_one_give_the_exact_mean_over_what_it_covers(
    seed: int, new: tuple[int, int], old: tuple[int, int], dtype: str
) -> None:
    plane = random_plane(seed, old, dtype)
    exact = shares(old[0], new[0]) @ plane.astype(object) @ shares(old[1], new[1]).T
    area = old[0] * old[1]
    expected = ((exact + area // 2) // area).astype(np.int64)
    np.testing.assert_array_equal(resized(plane, *new), expected)


@given(st.integers(0, 99), SIZES, SIZES, st.sampled_from(sorted(DTYPES)))
def test_nearest_takes_the_pixel_at_the_floor(
    seed: int, old: tuple[int, int], new: tuple[int, int], dtype: str
) -> None:
    plane = random_plane(seed, old, dtype)
    actual = resized(plane, *new, interpolation="nearest")
    for y in {0, new[0] // 2, new[0] - 1}:
        for x in {0, new[1] // 3, new[1] - 1}:
            assert actual[y, x] == plane[y * old[0] // new[0], x * old[1] // new[1]]


@settings(deadline=None)
@given(st.integers(0, 99), SIZES, SIZES)
def test_deeper_pictures_come_out_as_shallow_ones_do(
    seed: int, old: tuple[int, int], new: tuple[int, int]
) -> None:
    """The same picture in 8 and 16 bits differs by what 8 bits round away, step by step."""
    plane = random_plane(seed, old, "uint8")
    shallow = resized(plane, *new).astype(float)
    deep = resized(plane.astype(np.uint16) * 257, *new) / 257
    grid = resized(np.round(plane.astype(float) * (1 << 24) / 255).astype(np.int32), *new)
    # OpenCV's weights have 8 bits of fraction for uint8, 16 for uint16 and 32 for int32.
    assert np.abs(shallow - deep).max() <= 2.5
    assert np.abs(deep - grid * (255 / (1 << 24))).max() <= 0.02


@pytest.mark.parametrize("new", [(224, 224), (160, 128), (97, 61), (300, 300), (64, 400)])
@pytest.mark.parametrize("old", [(428, 640), (1250, 1000), (500, 500)])
def test_shrinking_with_antialias_is_close_to_the_mean_over_the_area(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    """Models are trained on pictures made by INTER_AREA, which differs between machines."""
    plane = cv2.GaussianBlur(texture(*old), (0, 0), 1)
    expected = cv2.resize(plane, new[::-1], interpolation=cv2.INTER_AREA)
    assert psnr(resized(plane, *new), expected) > 40


@pytest.mark.shared_data
@pytest.mark.parametrize("side", [224, 160, 96])
def test_photographs_come_out_as_the_mean_over_the_area(shared_data: Path, side: int) -> None:
    pictures = sorted((shared_data / "fundus-dr" / "images_640").iterdir())[:6]
    pictures += sorted((shared_data / "brain-mri" / "yes").iterdir())[:6]
    for path in pictures:
        plane = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if min(plane.shape) < side:
            continue
        expected = cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
        # Below a factor of 1.5 there is no filter: hard edges of drawings differ by more.
        limit = 40 if min(plane.shape) >= 1.5 * side else 35
        assert psnr(resized(plane, side, side), expected) > limit, path.name


@pytest.mark.parametrize("factor", [1.7, 2.3, 3.1, 4.5, 6.2, 8.9, 9.0, 11.2])
def test_a_fine_grid_folds_no_more_than_in_the_mean_over_the_area(factor: float) -> None:
    """Anti-scatter grids draw lines near the finest that a film can hold."""
    old = int(120 * factor)
    for period in (2.0, 2.1, 2.6):
        wave = np.sin((np.arange(old) + 0.5) * 2 * np.pi / period)
        grid = np.tile(np.round(127.5 + 127 * wave), (old, 1)).astype(np.uint8)
        area = cv2.resize(grid.astype(np.float32), (120, 120), interpolation=cv2.INTER_AREA)
        assert resized(grid, 120, 120).std() <= 1.3 * area.std() + 1


def test_without_antialias_a_fine_grid_folds() -> None:
    stripes = np.zeros((900, 900), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(resized(stripes, 128, 128, antialias=False)) > 100
    assert np.ptp(resized(stripes, 128, 128)) < 60


def test_a_gradient_stays_where_it_is() -> None:
    """A filter that shifts by part of a pixel would brighten or darken all of it."""
    ramp = np.tile(np.arange(1000, dtype=np.uint16) * 60, (300, 1))
    for width in (500, 334, 223, 111):
        positions = (np.arange(width) + 0.5) * 1000 / width - 0.5
        actual = resized(ramp, 50, width)
        np.testing.assert_allclose(actual[0, 1:-1], positions[1:-1] * 60, atol=3)


@pytest.mark.parametrize("old", [(1, 30_000), (30_000, 1), (2, 29_999), (1, 1)])
@pytest.mark.parametrize("new", [(224, 224), (1, 224), (1, 1)])
@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_lines_and_points_are_resized_too(
    old: tuple[int, int], new: tuple[int, int], dtype: str
) -> None:
    plane = random_plane(7, old, dtype)
    actual = resized(plane, *new)
    assert actual.shape == new
    if new == (1, 1):
        assert abs(float(actual[0, 0]) - plane.mean()) <= DTYPES[dtype] * 0.01


@pytest.mark.parametrize(
    ("dtype", "new", "digest"),
    [
        ("uint8", (224, 224), "013d1cb1fd074579"),
        ("uint8", (97, 61), "9beb793c64e6ba75"),
        ("uint8", (300, 500), "815c0ed2035007fd"),
        ("uint8", (600, 800), "f5f6cfa53f9e5308"),
        ("uint16", (224, 224), "14616390dfa517dd"),
        ("uint16", (97, 61), "9e0d7fa9d8f1015c"),
        ("uint16", (300, 500), "8d1cac60d52615cc"),
        ("uint16", (600, 800), "ae5137c4532bff84"),
        ("int32", (224, 224), "e5b7352f26a93678"),
        ("int32", (97, 61), "271081621ee7962f"),
        ("int32", (300, 500), "b3a8321aae96b7c3"),
        ("int32", (600, 800), "9d51501270d28dca"),
    ],
)
def test_every_machine_gives_these_bytes(dtype: str, new: tuple[int, int], digest: str) -> None:
    """Made on x86-64. On another machine this is where a difference would show first."""
    plane = texture(431, 643).astype(dtype)
    if dtype != "uint8":
        plane = plane * (DTYPES[dtype] // 255)
    pixels = resized(plane, *new).astype(np.dtype(dtype).newbyteorder("<"))
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == digest
