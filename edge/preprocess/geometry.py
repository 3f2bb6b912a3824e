"""Which part of a picture goes where in the model's input: sizes and offsets, no pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import UnsupportedInputError

if TYPE_CHECKING:
    from edge.bundle.manifest import Resize

__all__ = ["Geometry", "plan_geometry"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """A rectangle of the picture, resized, and laid on the model's canvas. All in whole pixels.

    Attributes:
        crop_x: left column of the rectangle in the picture.
        crop_y: top row of the rectangle in the picture.
        crop_width: columns of the rectangle, at least 1.
        crop_height: rows of the rectangle, at least 1.
        resized_width: columns that the rectangle is resized to, at least 1.
        resized_height: rows that the rectangle is resized to, at least 1.
        offset_x: column of the canvas where the resized rectangle begins.
        offset_y: row of the canvas where the resized rectangle begins.
        width: columns of the canvas.
        height: rows of the canvas.
    """

    crop_x: int
    crop_y: int
    crop_width: int
    crop_height: int
    resized_width: int
    resized_height: int
    offset_x: int
    offset_y: int
    width: int
    height: int

    @property
    def scale_x(self) -> float:
        """Canvas columns for one column of the picture."""
        return self.resized_width / self.crop_width

    @property
    def scale_y(self) -> float:
        """Canvas rows for one row of the picture."""
        return self.resized_height / self.crop_height

    @property
    def is_padded(self) -> bool:
        """Whether part of the canvas lies outside the resized rectangle."""
        return (self.resized_width, self.resized_height) != (self.width, self.height)

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the canvas back to the picture.

        Args:
            x: column, where a pixel's left edge is its index and its middle half a pixel on.
            y: row, likewise.

        Returns:
            The same point in the picture, in the same convention; outside of it for padding.
        """
        return (
            (x - self.offset_x) / self.scale_x + self.crop_x,
            (y - self.offset_y) / self.scale_y + self.crop_y,
        )


def plan_geometry(width: int, height: int, resize: Resize) -> Geometry:
    """Say how a picture of `width` x `height` pixels becomes the model's input.

    - "stretch": the whole picture fills the canvas.
    - "letterbox": the whole picture, its aspect ratio kept, centred on the canvas.
    - "crop": the largest centred rectangle of the canvas's aspect ratio, times `crop_fraction`,
      fills the canvas. The rectangle is rounded to whole pixels of the picture, so that nothing
      outside of it is ever resized, however long the picture is.
    - "exact": the picture fills the canvas as it is.

    All arithmetic but the `crop_fraction` is on integers, so that no machine rounds otherwise.

    Raises:
        UnsupportedInputError: the rule is "exact" and the picture has another size.
    """
    if resize.rule == "letterbox":
        return _letterbox(width, height, resize)
    if resize.rule == "crop":
        return _crop(width, height, resize)
    if resize.rule == "exact" and (width, height) != (resize.width, resize.height):
        raise UnsupportedInputError(
            f"the picture is {width} x {height} pixels and the model takes exactly "
            f"{resize.width} x {resize.height}; scale or crop it first"
        )
    return _fill(resize, crop=(0, 0, width, height))


def _fill(resize: Resize, *, crop: tuple[int, int, int, int]) -> Geometry:
    return Geometry(
        crop_x=crop[0],
        crop_y=crop[1],
        crop_width=crop[2],
        crop_height=crop[3],
        resized_width=resize.width,
        resized_height=resize.height,
        offset_x=0,
        offset_y=0,
        width=resize.width,
        height=resize.height,
    )


def _letterbox(width: int, height: int, resize: Resize) -> Geometry:
    resized_width, resized_height = resize.width, resize.height
    if width * resize.height >= resize.width * height:
        resized_height = max(1, _divide_rounded(height * resize.width, width))
    else:
        resized_width = max(1, _divide_rounded(width * resize.height, height))
    return Geometry(
        crop_x=0,
        crop_y=0,
        crop_width=width,
        crop_height=height,
        resized_width=resized_width,
        resized_height=resized_height,
        offset_x=(resize.width - resized_width) // 2,
        offset_y=(resize.height - resized_height) // 2,
        width=resize.width,
        height=resize.height,
    )


def _crop(width: int, height: int, resize: Resize) -> Geometry:
    if width * resize.height >= resize.width * height:
        full_width, full_height = _divide_rounded(height * resize.width, resize.height), height
    else:
        full_width, full_height = width, _divide_rounded(width * resize.height, resize.width)
    crop_width = _take_fraction(full_width, resize.crop_fraction, width)
    crop_height = _take_fraction(full_height, resize.crop_fraction, height)
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return _fill(resize, crop=(left, top, crop_width, crop_height))


def _take_fraction(length: int, fraction: float, limit: int) -> int:
    return min(max(1, int(length * fraction + 0.5)), limit)


def _divide_rounded(numerator: int, denominator: int) -> int:
    """Divide positive integers, halves rounded up."""
    return (2 * numerator + denominator) // (2 * denominator)
