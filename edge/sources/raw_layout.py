"""How the bytes of an uncompressed picture lie, and what pixels they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.opencv import import_opencv
from edge.sources.address import Size

__all__ = ["RAW_FORMATS", "RawLayout"]

# Bytes a pixel, and OpenCV's name of the conversion to BGR; "" where the bytes are it.
_PACKED = {
    "BGR3": (3, ""),
    "RGB3": (3, "COLOR_RGB2BGR"),
    "XR24": (4, ""),
    "YUYV": (2, "COLOR_YUV2BGR_YUYV"),
    "UYVY": (2, "COLOR_YUV2BGR_UYVY"),
    "YVYU": (2, "COLOR_YUV2BGR_YVYU"),
    "GREY": (1, "COLOR_GRAY2BGR"),
}
# A plane of luma, then chroma of half the width and height: interleaved (NV), or in two planes.
_PLANAR = {
    "NV12": "COLOR_YUV2BGR_NV12",
    "NV21": "COLOR_YUV2BGR_NV21",
    "YU12": "COLOR_YUV2BGR_I420",
    "YV12": "COLOR_YUV2BGR_YV12",
}
_COLOUR_CHANNELS = 3

RAW_FORMATS = (*_PACKED, *_PLANAR)
"""Four-character codes of Video4Linux, best first. YUV is taken for BT.601 of limited range."""


@dataclass(frozen=True, slots=True)
class RawLayout:
    """The format and size of pictures.

    Attributes:
        format: one of `RAW_FORMATS`.
        size: in pixels; both sides even where chroma has its own planes.
        stride_bytes: from one row (of luma) to the next; 0: rows have no padding.
    """

    format: str
    size: Size
    stride_bytes: int = 0

    @property
    def bytes(self) -> int:
        """Bytes of a whole picture."""
        luma = self._stride * self.size.height
        return luma * 3 // 2 if self.format in _PLANAR else luma

    def to_pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        """The picture.

        Args:
            data: its bytes, or more.

        Returns:
            (height, width, 3) uint8, BGR; it may be a view.
        """
        if self.format in _PLANAR:
            return _convert(self._planes(data), _PLANAR[self.format])
        return self._to_rows(data, self.size.height)

    def to_part(self, data: NDArray[np.uint8]) -> NDArray[Any] | None:
        """The whole rows that the first bytes of a picture hold; None where there are none.

        Args:
            data: the bytes that came.
        """
        rows = min(data.size // self._stride, self.size.height)
        return None if self.format in _PLANAR or rows == 0 else self._to_rows(data, rows)

    @property
    def _row_bytes(self) -> int:
        return self.size.width * (_PACKED[self.format][0] if self.format in _PACKED else 1)

    @property
    def _stride(self) -> int:
        return max(self.stride_bytes, self._row_bytes)

    def _to_rows(self, data: NDArray[np.uint8], rows: int) -> NDArray[Any]:
        pixel_bytes, conversion = _PACKED[self.format]
        lines = data[: rows * self._stride].reshape(rows, self._stride)[:, : self._row_bytes]
        pixels = lines.reshape(rows, self.size.width, pixel_bytes)
        return _convert(pixels, conversion) if conversion else pixels[:, :, :_COLOUR_CHANNELS]

    def _planes(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(height * 3 / 2, width): the planes without padding, one after another."""
        (width, height), stride = (self.size.width, self.size.height), self._stride
        data = data[: self.bytes]
        if stride == width:
            return data.reshape(height * 3 // 2, width)
        if self.format.startswith("NV"):
            return data.reshape(height * 3 // 2, stride)[:, :width]
        luma, chroma = np.split(data, [stride * height])
        parts = (
            luma.reshape(height, stride)[:, :width],
            chroma.reshape(height, stride // 2)[:, : width // 2],
        )
        return np.concatenate([part.ravel() for part in parts]).reshape(height * 3 // 2, width)


def _convert(data: NDArray[np.uint8], conversion: str) -> NDArray[Any]:
    cv2 = import_opencv()
    pixels: NDArray[np.uint8] = cv2.cvtColor(np.ascontiguousarray(data), getattr(cv2, conversion))
    return pixels
