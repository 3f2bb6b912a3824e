"""Centred signal-to-noise ratio of a file's outputs against the float model's."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

__all__ = ["Quality", "centred_snr_db", "measure_quality"]

_LIMIT_DB = 120.0
"""What is written for equal answers: float32 resolves no more."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How far a file's answers lie from the float model's.

    Attributes:
        worst_db: the smallest over the outputs.
        mean_db: the mean over the outputs.
        agreement: share of the examples whose largest value is in the same place, or, of a
            single value, on the same side of zero.
        examples: how many.
    """

    worst_db: float
    mean_db: float
    agreement: float
    examples: int


def centred_snr_db(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Signal, the expected output minus its mean over the examples, over noise, in dB.

    Args:
        expected: float32 [N, values].
        found: likewise.

    Returns:
        Between -120 and 120; -120 where the found output is not finite.
    """
    wide = expected.astype(np.float64)
    signal = float(np.square(wide - wide.mean(axis=0)).sum())
    noise = float(np.square(found.astype(np.float64) - wide).sum())
    if not np.isfinite(noise) or signal <= 0.0:
        return -_LIMIT_DB
    if noise <= 0.0:
        return _LIMIT_DB
    return float(np.clip(10.0 * log10(signal / noise), -_LIMIT_DB, _LIMIT_DB))


def measure_quality(
    expected: dict[str, NDArray[np.float32]], found: dict[str, NDArray[np.float32]]
) -> Quality:
    """Compare outputs by name, each float32 [N, values]."""
    ratios = [centred_snr_db(values, found[name]) for name, values in expected.items()]
    agreements = [
        float(np.mean(_decisions(values) == _decisions(found[name])))
        for name, values in expected.items()
    ]
    return Quality(
        worst_db=min(ratios),
        mean_db=fmean(ratios),
        agreement=min(agreements),
        examples=len(next(iter(expected.values()))),
    )


def _decisions(values: NDArray[np.float32]) -> NDArray[np.int64]:
    if values.shape[1] == 1:
        return (values[:, 0] > 0).astype(np.int64)
    return np.asarray(np.argmax(values, axis=1), np.int64)
