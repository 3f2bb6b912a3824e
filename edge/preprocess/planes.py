"""A frame's channels as the model wants them: one array each, all integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.frame import CHANNELS, Frame, is_well_formed
from edge.preprocess.geometry import plan_geometry
from edge.preprocess.resize import resize_plane
from edge.source_name import show_source

if TYPE_CHECKING:
    from edge.bundle.manifest import Resize
    from edge.preprocess.geometry import Geometry

__all__ = ["FLOAT_STEPS", "WHITE", "Planes", "make_planes"]

Planes = tuple[NDArray[Any], ...]

FLOAT_STEPS = 1 << 24
"""A float pixel of 1.0 on the integer grid on which float frames are resized."""

WHITE = {"uint8": 255, "uint16": 65_535, "int32": FLOAT_STEPS}
"""The value of a plane that stands for 255, by the plane's dtype."""

_SPLIT_AT_ONCE = 1 << 20
# Values of a float frame that are put on the grid at a time: about 16 MiB of work.
_BAND_VALUES = 1 << 20

# ITU-R BT.601 luma in 14 bits, as OpenCV has it for 16-bit pictures.
_LUMA_BITS = 14
_LUMA_RED, _LUMA_GREEN, _LUMA_BLUE = 4899, 9617, 1868


def make_planes(frame: Frame, colour: Literal["grey", "rgb", "bgr"], resize: Resize) -> Planes:
    """Turn a frame into the channels that a model takes, at the size that it takes.

    Args:
        frame: any frame; a float32 one is put on a grid of 2**-24 first, so that all of its
            arithmetic is on integers and the same on every machine.
        colour: what the model's channels mean. Colour becomes grey by ITU-R BT.601 before it is
            resized; grey becomes colour by repeating itself.
        resize: how any size becomes the model's.

    Returns:
        One plane for each channel in the order of `colour`, each (height, width), uint8, uint16
        or int32, where `WHITE` of the dtype stands for 255.

    Raises:
        InputError: the frame is not what `Frame` promises.
        UnsupportedInputError: the rule is "exact" and the frame has another size.
    """
    _check_frame(frame)
    height, width, _ = frame.pixels.shape
    geometry = plan_geometry(width, height, resize)
    pixels = frame.pixels[
        geometry.crop_y : geometry.crop_y + geometry.crop_height,
        geometry.crop_x : geometry.crop_x + geometry.crop_width,
    ]
    if pixels.dtype == np.float32:
        _check_range(pixels, frame.source)
    if colour == "grey" or frame.colour == "grey":
        plane = _place(_to_grey(pixels, frame.colour), geometry, resize)
        return (plane,) * CHANNELS[colour]
    planes = tuple(_place(plane, geometry, resize) for plane in _split(pixels))
    return planes if colour == frame.colour else planes[::-1]


def _check_frame(frame: Frame) -> None:
    if is_well_formed(frame):
        return
    pixels = frame.pixels
    is_array = isinstance(pixels, np.ndarray)
    seen = f"shape {pixels.shape} and {pixels.dtype}" if is_array else type(pixels).__name__
    raise InputError(
        f"{show_source(frame.source)}: a {frame.colour} frame of {seen} is none; give (height, "
        "width, 1) for grey or (height, width, 3) for rgb and bgr, uint8, uint16 or float32 in 0..1"
    )


def _check_range(pixels: NDArray[Any], source: str) -> None:
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0.0 and high <= 1.0):
        raise InputError(
            f"{show_source(source)}: float pixels must lie in 0..1 and these lie in "
            f"{low:g}..{high:g}; scale them, or give uint8 or uint16"
        )


def _put_on_grid(pixels: NDArray[Any]) -> NDArray[np.int32]:
    grid: NDArray[np.int32] = np.rint(pixels * np.float32(FLOAT_STEPS)).astype(np.int32)
    return grid


def _find_luma(pixels: NDArray[Any], colour: str) -> NDArray[np.int64]:
    """The luma of float pixels on the grid, halves rounded up."""
    weights = [_LUMA_RED, _LUMA_GREEN, _LUMA_BLUE]
    grid = _put_on_grid(pixels).astype(np.int64)
    luma: NDArray[np.int64] = grid @ np.array(weights if colour == "rgb" else weights[::-1])
    return (luma + (1 << _LUMA_BITS - 1)) >> _LUMA_BITS


def _make_in_bands(
    pixels: NDArray[Any], convert: Callable[[NDArray[Any]], NDArray[Any]]
) -> NDArray[np.int32]:
    """Make one int32 plane a few rows at a time, so that a large picture is not held twice."""
    height, width = pixels.shape[:2]
    rows = max(1, _BAND_VALUES * height // pixels.size)
    plane = np.empty((height, width), np.int32)
    for top in range(0, height, rows):
        plane[top : top + rows] = convert(pixels[top : top + rows])
    return plane


def _to_grey(pixels: NDArray[Any], colour: str) -> NDArray[Any]:
    is_float = pixels.dtype == np.float32
    if colour == "grey":
        plane = pixels[:, :, 0]
        return _make_in_bands(plane, _put_on_grid) if is_float else np.ascontiguousarray(plane)
    if is_float:
        return _make_in_bands(pixels, partial(_find_luma, colour=colour))
    import cv2

    grey: NDArray[Any] = cv2.cvtColor(
        pixels, cv2.COLOR_RGB2GRAY if colour == "rgb" else cv2.COLOR_BGR2GRAY
    )
    return grey


def _split(pixels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    if pixels.dtype == np.float32:
        for channel in range(pixels.shape[2]):
            yield _make_in_bands(pixels[:, :, channel], _put_on_grid)
        return
    import cv2

    if pixels.size <= _SPLIT_AT_ONCE:
        yield from cv2.split(pixels)
        return
    # One after the other, so that a large picture is not held twice.
    for channel in range(pixels.shape[2]):
        yield cv2.extractChannel(pixels, channel)


def _place(plane: NDArray[Any], geometry: Geometry, resize: Resize) -> NDArray[Any]:
    """Resize a plane and lay it on the canvas."""
    resized = resize_plane(
        plane,
        geometry.resized_width,
        geometry.resized_height,
        interpolation=resize.interpolation,
        antialias=resize.antialias,
    )
    if not geometry.is_padded:
        return resized
    white = WHITE[plane.dtype.name]
    padding = (resize.pad_value * white * 2 + 255) // 510
    canvas = np.full((geometry.height, geometry.width), padding, plane.dtype)
    top, left = geometry.offset_y, geometry.offset_x
    canvas[top : top + geometry.resized_height, left : left + geometry.resized_width] = resized
    return canvas
