"""How far a quantized graph's outputs lie from the float graph's, over examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.evaluation.signal_to_noise import SignalToNoise
from quantize.graph import FloatGraph
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import QuantizedGraph

__all__ = ["OutputError"]

Example = Mapping[str, NDArray[Any]]
Answer = Sequence[NDArray[Any]]

_LEAST = 1e-30


class OutputError:
    """Measures quantized graphs on the same examples, against the same float answers.

    Each output counts in units of its own signal (`SignalToNoise`).

    Args:
        graph: the float graph.
        examples: what to measure on; they are kept, and the float answers to them.
    """

    def __init__(self, graph: FloatGraph, examples: Iterable[Example]) -> None:
        self._examples = list(examples)
        self._outputs = graph.outputs
        self._reference = list(self._answers(export_onnx(graph).SerializeToString()))

    def noise(self, quantized: QuantizedGraph) -> float:
        """Mean over outputs of noise power over signal power."""
        meters = [SignalToNoise() for _ in self._outputs]
        for wanted, found in self._pairs(quantized):
            for meter, reference, each in zip(meters, wanted, found, strict=True):
                meter.update(reference, each)
        return float(np.mean([meter.noise_share() for meter in meters]))

    def snr_db(self, quantized: QuantizedGraph) -> float:
        """Centred signal-to-noise ratio; that of several outputs is of their mean noise."""
        return float(-10.0 * np.log10(max(self.noise(quantized), _LEAST)))

    def mean_errors(self, quantized: QuantizedGraph) -> dict[str, NDArray[np.float64]]:
        """Quantized less float answers, mean over examples, by output."""
        totals = {name: np.zeros(()) for name in self._outputs}
        for wanted, found in self._pairs(quantized):
            for name, reference, each in zip(self._outputs, wanted, found, strict=True):
                totals[name] = totals[name] + np.subtract(each, reference, dtype=np.float64)
        return {name: total / len(self._examples) for name, total in totals.items()}

    def _pairs(self, quantized: QuantizedGraph) -> Iterator[tuple[Answer, Answer]]:
        return zip(self._reference, self._answers(write_onnx_int8(quantized)), strict=True)

    def _answers(self, model: bytes) -> Iterator[Answer]:
        session = open_session(model)
        for each in self._examples:
            yield run_session(session, self._outputs, each)
