"""Latencies of unlike inputs made one series: each against the median of its own input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["relative_to_inputs"]


def relative_to_inputs(latencies: NDArray[Any], inputs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Divide every latency by the median of its input.

    A large picture takes longer to decode than a small one; that is no change in time.

    Args:
        latencies: shape (n,), positive.
        inputs: index of each answer's input, shape (n,).

    Returns:
        float64 of shape (n,), around 1.
    """
    relative = np.ones(latencies.shape, dtype=np.float64)
    for index in np.unique(inputs):
        chosen = inputs == index
        median = float(np.median(latencies[chosen]))
        if median > 0:
            relative[chosen] = latencies[chosen] / median
    return relative
