"""The percentiles that a report gives, each with its distribution-free interval.

The arithmetic is `edge.latency_summary`, which `edge-run` prints by too; this is its form for
arrays of any length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.latency_summary import Percentile, percentiles

__all__ = ["QUANTILES", "carried_percentiles"]

QUANTILES: Final = (0.5, 0.9, 0.95, 0.99, 0.999)


def carried_percentiles(
    samples: NDArray[Any], quantiles: Sequence[float] = QUANTILES
) -> tuple[Percentile, ...]:
    """Estimate those percentiles that the samples can carry; the others are left out.

    Args:
        samples: measurements, shape (n,), any order.
        quantiles: each strictly between 0 and 1.
    """
    found = percentiles(np.sort(samples).tolist(), quantiles)
    return tuple(each for each in found if each is not None)
