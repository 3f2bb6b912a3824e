"""How far a quantized graph's outputs lie from the float graph's, over examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.graph import FloatGraph
from quantize.onnx_export import export_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import QuantizedGraph

__all__ = ["OutputError"]

Example = Mapping[str, NDArray[Any]]

_LEAST = 1e-30


class OutputError:
    """Measures quantized graphs on the same examples, against the same float answers.

    Each output counts in units of its own signal: the float answers less their mean over examples.

    Args:
        graph: the float graph.
        examples: what to measure on; they are kept.
    """

    def __init__(self, graph: FloatGraph, examples: Iterable[Example]) -> None:
        self._examples = list(examples)
        self._outputs = graph.outputs
        self._reference = self._answers(export_onnx(graph).SerializeToString())
        self._signals = [
            max(float(np.square(each - each.mean(axis=0)).sum()), _LEAST)
            for each in self._reference
        ]

    def noise(self, quantized: QuantizedGraph) -> float:
        """Mean over outputs of noise power over signal power."""
        found = self._answers(write_onnx_int8(quantized))
        ratios = [
            float(np.square(each - reference).sum()) / signal
            for each, reference, signal in zip(found, self._reference, self._signals, strict=True)
        ]
        return float(np.mean(ratios))

    def snr_db(self, quantized: QuantizedGraph) -> float:
        """Centred signal-to-noise ratio; that of several outputs is of their mean noise."""
        return float(-10.0 * np.log10(max(self.noise(quantized), _LEAST)))

    def mean_errors(self, quantized: QuantizedGraph) -> dict[str, NDArray[np.float64]]:
        """Quantized less float answers, mean over examples, by output."""
        found = self._answers(write_onnx_int8(quantized))
        return {
            name: (each - reference).mean(axis=0)
            for name, each, reference in zip(self._outputs, found, self._reference, strict=True)
        }

    def _answers(self, model: bytes) -> list[NDArray[np.float64]]:
        session = open_session(model)
        rows = [run_session(session, self._outputs, each) for each in self._examples]
        return [np.stack(each).astype(np.float64) for each in zip(*rows, strict=True)]
