"""The card of the disease-risk model: what goes in, how gaps are filled, what comes out."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.disease_risk_lstm.stays import CHANNELS, HOURS
from edge.bundle.manifest import Input, SeriesInput

__all__ = ["LABEL", "MASK", "SERIES", "card_inputs", "card_values"]

SERIES = "series"
MASK = "mask"
LABEL = "death in hospital"
_CLIP = 5.0
_DIGITS = 5
_UNITS = [
    "g/dL",
    "IU/L",
    "IU/L",
    "IU/L",
    "mg/dL",
    "mg/dL",
    "mg/dL",
    "mg/dL",
    "mmHg",
    "1",
    "1",
    "mg/dL",
    "mmol/L",
    "%",
    "bpm",
    "mEq/L",
    "mmol/L",
    "mmol/L",
    "mmHg",
    "1",
    "mEq/L",
    "mmHg",
    "mmHg",
    "mmHg",
    "mmHg",
    "mmHg",
    "1",
    "cells/nL",
    "bpm",
    "%",
    "mmHg",
    "°C",
    "ug/L",
    "ug/L",
    "mL",
    "cells/nL",
    "kg",
    "a",
    "1",
    "cm",
    "1",
]


_LIMITS = (
    "Not for patients: no clinical validation of any kind.",
    (
        "Trained on 3400 stays of adults in four kinds of intensive-care unit of one hospital in "
        "Boston, 2001 to 2008; other hospitals, times and children are outside what it knows."
    ),
    "Values are taken in the units of the channels; nothing is converted.",
)
_SOURCE = (
    "Silva, Moody, Scott, Celi and Mark 2012, Predicting in-hospital mortality of ICU patients: "
    "The PhysioNet/Computing in Cardiology Challenge 2012, Computing in Cardiology 39:245-248; "
    "data from PhysioNet (Goldberger et al. 2000), ODC-By 1.0."
)


def card_values(training: NDArray[np.float32]) -> dict[str, Any]:
    """The card, with gaps and scale as they are in the training stays.

    Args:
        training: float32 [N, 24, channels], NaN for gaps.
    """
    mean, deviation = _moments(training)
    return {
        "name": "disease-risk-lstm",
        "version": "1.0.0",
        "task": "risk of death in hospital from the first 24 hours in intensive care",
        "intended_use": "Demonstrating and testing edgedx. Research software, not a medical "
        "device: no answer is for patients.",
        "limits": list(_LIMITS),
        "licence": "Apache-2.0 (weights); golden stays ODC-By 1.0",
        "attribution": [_SOURCE],
        "labels": [LABEL],
        "kind": "multilabel",
        "activation": "sigmoid",
        "inputs": {
            SERIES: {
                "kind": "series",
                "axes": "TC",
                "step": "1 h",
                "channels": list(CHANNELS),
                "units": _UNITS,
                "gap_rule": "forward_fill",
                "fill": mean,
                "mean": mean,
                "std": deviation,
                "clip": [-_CLIP, _CLIP],
            },
            MASK: {
                "kind": "series",
                "axes": "TC",
                "step": "1 h",
                "channels": list(CHANNELS),
                "mask_of": SERIES,
            },
        },
    }


def card_inputs(card: dict[str, Any]) -> tuple[Input, ...]:
    """The card's inputs as the runtime reads them."""
    shape = [1, HOURS, len(CHANNELS)]
    return tuple(
        msgspec.convert({**said, "name": name, "shape": shape}, SeriesInput | Input)
        for name, said in card["inputs"].items()
    )


def _moments(series: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    """Mean and deviation of what was measured, to five digits; 0 and 1 where nothing was."""
    mean, deviation = [], []
    for channel in np.moveaxis(series.astype(np.float64), 2, 0):
        known = channel[np.isfinite(channel)]
        mean.append(_rounded(known.mean()) if known.size else 0.0)
        spread = _rounded(known.std()) if known.size else 0.0
        deviation.append(spread if spread > 0 else 1.0)
    return mean, deviation


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
