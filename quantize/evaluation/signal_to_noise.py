"""The centred signal-to-noise ratio, streamed one example at a time."""

from __future__ import annotations

from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SNR_LIMIT_DB", "SignalToNoise"]

SNR_LIMIT_DB = 120.0
"""What is written for equal values: float32 resolves no more."""

_LEAST_SIGNAL = 1e-30


class SignalToNoise:
    """Sums of one tensor over examples.

    The signal is the reference minus its mean over the examples, element by element, so that a
    constant part does not count as signal. Sums are float64.

    Args:
        others: how many forms of the tensor are held against the reference.

    Attributes:
        count: examples seen.
        noise: summed squared difference of each form from the reference.
    """

    __slots__ = ("_squares", "_total", "count", "noise")

    def __init__(self, others: int = 1) -> None:
        self._total: NDArray[np.float64] | None = None
        self._squares = 0.0
        self.noise = [0.0] * others
        self.count = 0

    def update(self, reference: NDArray[Any], *others: NDArray[Any]) -> None:
        """See one example: arrays of equally many values."""
        wanted = reference.reshape(-1)
        if self._total is None:
            self._total = wanted.astype(np.float64)
        else:
            self._total += wanted
        self._squares += float(np.square(wanted, dtype=np.float64).sum())
        for at, other in enumerate(others):
            difference = np.subtract(other.reshape(-1), wanted, dtype=np.float64)
            # No BLAS: its threads would wait for those of the engine, and for each other.
            self.noise[at] += float(np.square(difference, out=difference).sum())
        self.count += 1

    @property
    def centred_share(self) -> float:
        """Share of the reference's power that varies between examples, 0 to 1."""
        return self._signal() / self._squares if self._squares > 0 else 0.0

    def noise_share(self, other: int = 0) -> float:
        """Noise of one form over the signal, 0 or more; vast where there is no signal."""
        return self.noise[other] / max(self._signal(), _LEAST_SIGNAL)

    def db(self, other: int = 0) -> float:
        """The ratio of one form in dB, within -/+ `SNR_LIMIT_DB`; one example seen, or more."""
        if self.noise[other] <= 0.0:
            return SNR_LIMIT_DB
        signal = self._signal()
        if signal <= 0.0:
            return -SNR_LIMIT_DB
        ratio = 10 * log10(signal / self.noise[other])
        return float(np.clip(ratio, -SNR_LIMIT_DB, SNR_LIMIT_DB))

    def _signal(self) -> float:
        if self._total is None:
            return 0.0
        return max(0.0, self._squares - float(np.square(self._total).sum()) / self.count)
