"""Integer outputs back to real values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import EngineError
from edge.tensor_spec import TensorSpec

__all__ = ["dequantize_output"]


def dequantize_output(values: NDArray[Any], spec: TensorSpec) -> NDArray[np.float32]:
    """Turn what an engine gave into finite float32 values.

    Args:
        values: an output of the engine, of the dtype in `spec`.
        spec: the output's description; quantized outputs become scale * (q - zero_point).

    Returns:
        float32 array of the same shape.

    Raises:
        EngineError: a value is NaN or infinite, so no answer can be read from it.
    """
    if spec.scale is not None:
        steps = values.astype(np.int32) - np.int32(spec.zero_point)
        real: NDArray[np.float32] = steps.astype(np.float32) * np.float32(spec.scale)
    else:
        real = values.astype(np.float32, copy=False)
    if not np.isfinite(real).all():
        raise EngineError(
            f"output {spec.name} holds NaN or infinite values; no answer can be read from it: "
            "check the model with edge-run selftest",
        )
    return real
