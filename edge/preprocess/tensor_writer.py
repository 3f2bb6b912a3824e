"""Planes of pixels to the tensor that an engine takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.preprocess.normalise import normalise_levels, quantize_values, to_levels
from edge.preprocess.planes import Planes

__all__ = ["Normalisation", "Quantization", "TensorWriter"]

_BYTE_VALUES = np.arange(256, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Normalisation:
    """`(level * scale - mean) / std`, with one mean and one std for each channel."""

    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Quantization:
    """`round(value / scale) + zero_point`."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class TensorWriter:
    """Writes planes as one tensor, batch 1. It may be used from several threads.

    For uint8 planes every value is looked up in a table of 256 per channel, made once by the
    very arithmetic that deeper planes go through; where that changes nothing, bytes are copied.

    Attributes:
        layout: where the channels are.
        dtype: "float32", "int8" or "uint8".
        normalisation: None leaves levels at 0..255.
        quantization: for integer dtypes; None for float32.
        channels: how many planes there are.
    """

    layout: Literal["NCHW", "NHWC"]
    dtype: str
    normalisation: Normalisation | None
    quantization: Quantization | None
    channels: int
    _tables: tuple[NDArray[Any], ...] = field(init=False, repr=False, compare=False)
    _interleaved_table: NDArray[Any] = field(init=False, repr=False, compare=False)
    _is_identity: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tables = tuple(self._compute(_BYTE_VALUES, channel) for channel in range(self.channels))
        object.__setattr__(self, "_tables", tables)
        object.__setattr__(self, "_interleaved_table", np.stack(tables, axis=-1)[np.newaxis])
        is_identity = all(np.array_equal(each, _BYTE_VALUES) for each in tables)
        object.__setattr__(self, "_is_identity", self.dtype == "uint8" and is_identity)

    def write(self, planes: Planes) -> NDArray[Any]:
        """Return a fresh C-contiguous tensor.

        Args:
            planes: `channels` arrays (height, width) of one dtype, as `make_planes` gives them.

        Returns:
            (1, channels, height, width) or (1, height, width, channels) of `dtype`.
        """
        height, width = planes[0].shape
        if self.layout == "NCHW":
            tensor = np.empty((1, self.channels, height, width), self.dtype)
            for channel, plane in enumerate(planes):
                self._fill(tensor[0, channel], plane, channel)
            return tensor
        tensor = np.empty((1, height, width, self.channels), self.dtype)
        if self.channels == 1:
            self._fill(tensor[0, :, :, 0], planes[0], 0)
        elif planes[0].dtype == np.uint8 and self._is_identity:
            _interleave(planes, tensor[0])
        elif planes[0].dtype == np.uint8:
            self._look_up(np.stack(planes, axis=-1), self._interleaved_table, tensor[0])
        else:
            for channel, plane in enumerate(planes):
                tensor[0, :, :, channel] = self._compute(plane, channel)
        return tensor

    def _fill(self, out: NDArray[Any], plane: NDArray[Any], channel: int) -> None:
        if plane.dtype == np.uint8 and self._is_identity:
            out[...] = plane
        elif plane.dtype == np.uint8:
            self._look_up(plane, self._tables[channel], out)
        else:
            out[...] = self._compute(plane, channel)

    @staticmethod
    def _look_up(pixels: NDArray[Any], table: NDArray[Any], out: NDArray[Any]) -> None:
        import cv2

        cv2.LUT(pixels, table, out)

    def _compute(self, plane: NDArray[Any], channel: int) -> NDArray[Any]:
        values = to_levels(plane)
        if self.normalisation is not None:
            values = normalise_levels(
                values,
                self.normalisation.scale,
                self.normalisation.mean[channel],
                self.normalisation.std[channel],
            )
        if self.quantization is None:
            return values
        return quantize_values(
            values, self.quantization.scale, self.quantization.zero_point, self.dtype
        )


def _interleave(planes: Planes, out: NDArray[Any]) -> None:
    import cv2

    cv2.merge(planes, out)
