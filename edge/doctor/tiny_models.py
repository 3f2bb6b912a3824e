"""Two models of a few hundred bytes, to try an engine on before anything large is loaded.

Both multiply 16 whole numbers by a matrix of whole numbers in 8 bits, so that an engine enters the
kernels that it chooses by the processor. `tests/edge/doctor/tiny_model_recipe.py` makes them.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TINY_MODELS", "TinyModel"]

_VECTOR = np.arange(16) - 8
_SUMS = np.array([3, 0, -3, -3])
# A sum that lies midway between two steps may be rounded either way.
_TOLERANCE_STEPS = 1


@dataclass(frozen=True, slots=True)
class TinyModel:
    """A model with its only question and the answer to it.

    Attributes:
        data: the model file; x [1, 16] -> y [1, 4], both in `dtype`.
        dtype: "uint8" or "int8".
        zero_point: the 8-bit value that stands for 0.
    """

    data: bytes
    dtype: str
    zero_point: int

    @property
    def question(self) -> NDArray[np.generic]:
        """Values for the input `x`."""
        return (_VECTOR + self.zero_point).astype(self.dtype).reshape(1, -1)

    def is_answer(self, values: NDArray[np.generic]) -> bool:
        """Whether the output `y` is right.

        Args:
            values: [1, 4], what the engine gave.
        """
        steps = values.astype(np.int64).ravel() - self.zero_point
        return steps.shape == _SUMS.shape and bool(
            np.all(np.abs(steps - _SUMS) <= _TOLERANCE_STEPS)
        )


_ONNX = base64.b64decode(
    b"CAcSBmVkZ2VkeDr4AQo9CgF4CgNvbmUKBHplcm8KAXcKA29uZQoGd196ZXJvCgVlaWdodAoEemVybxIBeSINUUxp"
    b"bmVhck1hdE11bBIEdGlueSoNEAFCA29uZUoEAACAPyoPEAFCBWVpZ2h0SgQAAABBKgsQAkIEemVyb0oBgCpLCBAI"
    b"BBADQgF3SkD7Av4F/gUB/QH9BAAEAPwD/AP/+//7Av4C/gUBBQH9BP0EAPwA/AP/A//7AvsC/gX+BQH9Af0EAAQA"
    b"/AP8A//7Kg0QA0IGd196ZXJvSgEAWhMKAXgSDgoMCAISCAoCCAEKAggQYhMKAXkSDgoMCAISCAoCCAEKAggEQgQK"
    b"ABAN"
)
_TFLITE = base64.b64decode(
    b"HAAAAFRGTDMAAAAAAAAOABQAEAAMAAgAAAAEAA4AAAAQAAAAkAAAAHwCAAADAAAAAwAAAHwAAAAsAAAABAAAAOL/"
    b"//8EAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAYACAAEAAYAAAAEAAAAQAAAAPv+AQT8/wIF/QAD+/4BBPwCBf0A"
    b"A/v+AQT8/wIF/QAD/gEE/P8CBf0AA/v+AQT8/wX9AAP7/gEE/P8CBf0AA/uo////AQAAABAAAAAMABQAEAAMAAgA"
    b"BAAMAAAAEAAAAFgAAABcAAAAYAAAAAEAAAAUAAAAAAAOABQAAAAQAAwACwAEAA4AAAAUAAAAAAAACBAAAAAUAAAA"
    b"BAAEAAQAAAABAAAAAwAAAAMAAAAAAAAAAQAAAAIAAAABAAAAAwAAAAEAAAAAAAAABAAAABQBAACwAAAAVAAAAAQA"
    b"AAAK////EAAAADAAAAAAAAAJMAAAAPz+//8IAAAAFAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAQQEAAAB5AAAA"
    b"AgAAAAEAAAAEAAAAtv///xQAAAAwAAAAAgAAAAAAAAIsAAAATP///wgAAAAQAAAAAQAAAAAAAAAAAAAAAQAAAAAA"
    b"gD8BAAAAYgAAAAEAAAAEAAAAAAAOABgAFAATAAwACAAEAA4AAAAUAAAANAAAAAEAAAAAAAAJMAAAAKT///8IAAAA"
    b"FAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAACAPwEAAAB3AAAAAgAAAAQAAAAQAAAAAAAOABQAEAAPAAAACAAEAA4A"
    b"AAAcAAAAOAAAAAAAAAk4AAAADAAMAAAAAAAIAAQADAAAAAgAAAAQAAAAAQAAAAAAAAAAAAAAAQAAAAAAgD8BAAAA"
    b"eAAAAAIAAAABAAAAEAAAAAEAAAAQAAAADAAQAA8AAAAIAAQADAAAAAkAAAAEAAAAAAAACQ=="
)

TINY_MODELS = {
    "onnxruntime": TinyModel(_ONNX, "uint8", 128),
    "litert": TinyModel(_TFLITE, "int8", 0),
}
