"""The range with the least expected squared error; see `quantize.clip_search`."""

from __future__ import annotations

from quantize.clip_search import search_range
from quantize.observers import Histogram

__all__ = ["least_error_range"]


def least_error_range(histogram: Histogram, *, power: float = 2.0) -> tuple[float, float]:
    """Search both ends.

    Args:
        histogram: the values.
        power: of the error that is summed.

    Returns:
        (low, high) with low <= 0 <= high.
    """
    return search_range(histogram, power=power)
