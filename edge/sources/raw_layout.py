"""How the bytes of an uncompressed picture lie, and what pixels they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.opencv import import_opencv
from edge.sources.address import Size

__all__ = ["RAW_FORMATS", "RawLayout"]

RAW_FORMATS = ("BGRx", "NV12", "I420")
"""GStreamer's names. "BGRx": 4 bytes a pixel. "NV12", "I420": a plane of luma, then chroma of half
the width and height (BT.601, limited range), interleaved or in two planes."""

_PLANAR_STEP = 8


@dataclass(frozen=True, slots=True)
class RawLayout:
    """The format and size of pictures whose rows have no padding.

    Attributes:
        format: one of `RAW_FORMATS`.
        size: in pixels.
    """

    format: str
    size: Size

    def check(self) -> None:
        """Refuse sizes whose rows GStreamer pads.

        Raises:
            ValueError: the size does not go with the format; the message says what does.
        """
        is_even = self.size.width % _PLANAR_STEP == 0 and self.size.height % 2 == 0
        if self.format != "BGRx" and not is_even:
            raise ValueError(
                f"size is {self.size} and must have a width that 8 divides and an even height "
                f"for {self.format}",
            )

    @property
    def bytes(self) -> int:
        """Bytes of a whole picture."""
        pixels = self.size.width * self.size.height
        return pixels * 4 if self.format == "BGRx" else pixels * 3 // 2

    def to_pixels(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        """The picture.

        Args:
            data: `bytes` of it.

        Returns:
            (height, width, 3) uint8, BGR.
        """
        width, height = self.size.width, self.size.height
        if self.format == "BGRx":
            return data.reshape(height, width, 4)[:, :, :3]
        cv2 = import_opencv()
        code = cv2.COLOR_YUV2BGR_NV12 if self.format == "NV12" else cv2.COLOR_YUV2BGR_I420
        pixels: NDArray[np.uint8] = cv2.cvtColor(data.reshape(height * 3 // 2, width), code)
        return pixels

    def to_part(self, data: NDArray[np.uint8]) -> NDArray[Any] | None:
        """The whole rows that the first bytes of a picture hold; None where there are none.

        Args:
            data: the bytes that came.
        """
        row_bytes = self.size.width * 4
        rows = data.size // row_bytes
        if self.format != "BGRx" or rows == 0:
            return None
        return data[: rows * row_bytes].reshape(rows, self.size.width, 4)[:, :, :3]
