"""How far outputs lie from a reference's, whatever is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.cosine import CentredCosine
from quantize.evaluation.evaluation import Agreement
from quantize.evaluation.scores import decide, scores_of
from quantize.evaluation.signal_to_noise import SignalToNoise

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["compare_outputs"]


def compare_outputs(
    reference: NDArray[np.float64], other: NDArray[np.float64], output: Output
) -> Agreement:
    """Compare raw outputs (n, labels), n > 0, of two models on the same examples."""
    meter, angle = SignalToNoise(), CentredCosine()
    for first, second in zip(reference, other, strict=True):
        meter.update(first, second)
        angle.update(first, second)
    if output.kind == "regression":
        same = np.isclose(reference, other, rtol=1e-3, atol=0.0).all(axis=1)
    else:
        decisions = [decide(scores_of(each, output), output) for each in (reference, other)]
        equal = decisions[0] == decisions[1]
        same = equal if equal.ndim == 1 else equal.all(axis=1)
    return Agreement(
        snr_db=meter.db(),
        cosine=angle.value(),
        agreement=float(same.mean()),
        max_abs_difference=float(np.abs(other - reference).max()),
        examples=len(reference),
    )
