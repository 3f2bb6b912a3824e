"""Our own toolchain on the same models and examples: what is compared is made here and only here.

`python -m benchmarks.peers.quantizers.ours --model M --calibration C --destination D.onnx` writes
`D.onnx` and, beside it, `D.tflite` and the float `D.float.tflite`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.quantizers.artifact_files import tflite_path
from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model, load_static_onnx
from quantize.onnx_int8 import write_onnx_int8
from quantize.precision_plan import plan_precisions
from quantize.quantize_model import quantize_model
from quantize.quantized_graph import QuantizedGraph
from quantize.repair.ladder import LadderOptions, climb
from quantize.repair.rungs import FULL_RUNGS, Rung
from quantize.tflite_model import write_tflite

__all__ = ["quantize"]


class _Examples:
    """Calibration examples that can be walked more than once."""

    def __init__(self, request: Request) -> None:
        self._examples = list(calibration_examples(request))

    def __len__(self) -> int:
        return len(self._examples)

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        return iter(self._examples)


def quantize(request: Request) -> None:
    """Write the int8 ONNX file and the int8 TFLite file from one calibration."""
    quantized = _quantized(import_model(load_static_onnx(request.model)), request)
    # Joined, as bundles are: what boards run.
    request.destination.write_bytes(write_onnx_int8(quantized, joins_units=True))
    tflite_path(request.destination).write_bytes(write_tflite(quantized))


def _quantized(graph: FloatGraph, request: Request) -> QuantizedGraph:
    examples = _Examples(request)
    if not request.options.get("is_full"):
        return quantize_model(graph, examples)
    # All rungs but the one that leaves a tenth of the work in float. What the cheap ones leave, the
    # layer that reads a signal, is at most a fiftieth.
    rungs = tuple(rung for rung in FULL_RUNGS if rung is not Rung.MIXED)
    options = LadderOptions(rungs=rungs, precisions=plan_precisions(graph))
    return climb(graph, examples, options).quantized


if __name__ == "__main__":
    serve(quantize)
