"""How far a quantized artifact's answers lie from the float model's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import Output, Parity
from edge.postprocess.read_output import read_output
from quantize.evaluation.cosine import CentredCosine
from quantize.evaluation.signal_to_noise import SignalToNoise

__all__ = ["ParityMeter"]

Values = Mapping[str, NDArray[np.float32]]


class ParityMeter:
    """Compares an artifact with the float model, one example at a time.

    The signal-to-noise ratio is centred: the signal is the float output minus its mean over the
    examples, so that a constant part of the output does not count as signal; so is the cosine.
    With several outputs the worst counts.

    Args:
        artifact: path of the artifact in the bundle.
        outputs: how the outputs are read.
    """

    def __init__(self, artifact: str, outputs: tuple[Output, ...]) -> None:
        self._artifact = artifact
        self._outputs = outputs
        self._sums = {output.name: SignalToNoise() for output in outputs}
        self._angles = {output.name: CentredCosine() for output in outputs}
        self._largest = 0.0
        self._same = 0
        self._count = 0

    def update(self, reference: Values, other: Values) -> None:
        """See one example.

        Args:
            reference: the float model's outputs by name, before activation.
            other: the artifact's, dequantized.
        """
        is_same = True
        for output in self._outputs:
            first, second = reference[output.name].reshape(-1), other[output.name].reshape(-1)
            wide, other_wide = first.astype(np.float64), second.astype(np.float64)
            self._sums[output.name].update(wide, other_wide)
            self._angles[output.name].update(wide, other_wide)
            self._largest = max(self._largest, float(np.abs(other_wide - wide).max()))
            decisions = [read_output(each, output).decision for each in (first, second)]
            is_same = is_same and decisions[0] == decisions[1]
        self._same += is_same
        self._count += 1

    def result(self) -> Parity:
        """What was found.

        Raises:
            ValueError: no example was seen.
        """
        if self._count == 0:
            raise ValueError("parity needs at least one example")
        return Parity(
            artifact=self._artifact,
            snr_db=min(sums.db() for sums in self._sums.values()),
            cosine=min(angle.value() for angle in self._angles.values()),
            max_abs_difference=self._largest,
            agreement=self._same / self._count,
            examples=self._count,
        )
