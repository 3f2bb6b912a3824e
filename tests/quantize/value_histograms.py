"""Values as calibration would count them."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantize.observers import Histogram, OctaveHistogram

__all__ = ["DISTRIBUTIONS", "histogram_of", "value_arrays"]

value_arrays = hnp.arrays(
    np.float32,
    st.integers(1, 200),
    elements=st.floats(-1000, 1000, width=32) | st.floats(-1, 1, width=32) | st.just(0.0),
)

DISTRIBUTIONS = {
    "normal": lambda random: random.normal(0, 1, 40_000),
    "relu of normal": lambda random: np.maximum(random.normal(0, 1, 40_000), 0),
    "heavy tails": lambda random: random.laplace(0, 1, 40_000),
    "one outlier": lambda random: np.append(random.normal(0, 1, 40_000), 60.0),
    "narrow beside a spike": lambda random: np.append(random.normal(0, 0.01, 40_000), [5.0] * 50),
}


def histogram_of(values: np.ndarray) -> Histogram:
    """A histogram of float32 values that ends at their extremes and 0."""
    found = OctaveHistogram()
    low, high = float(values.min()), float(values.max())
    found.update(values.astype(np.float32), low=low, high=high)
    return found.view(min(low, 0.0), max(high, 0.0))
