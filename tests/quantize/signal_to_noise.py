"""How far outputs lie from reference outputs, for assertions."""

import numpy as np
from numpy.typing import NDArray


def centred_snr_db(reference: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Signal: reference minus its mean over the first axis. Noise: the difference."""
    wide = reference.astype(np.float64)
    signal = np.square(wide - wide.mean(axis=0)).sum()
    noise = np.square(other - wide).sum()
    return float(10 * np.log10(signal / max(noise, 1e-30)))
