"""onnxruntime's own `quantize_static` and `quantize_dynamic`, U8S8, per channel."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["quantize"]

_STRIDE = 8
"""Examples whose activations are held at once: without a limit 64 pictures take 12 GB."""


def quantize(request: Request) -> None:
    """Write the quantized model after the documented pre-processing."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        prepared = str(Path(folder) / "prepared.onnx")
        quant_pre_process(str(request.model), prepared, skip_symbolic_shape=True)
        if request.options["method"] == "dynamic":
            quantize_dynamic(
                prepared,
                str(request.destination),
                per_channel=True,
                weight_type=QuantType.QInt8,
            )
        else:
            _quantize_static(request, prepared)


def _quantize_static(request: Request, prepared: str) -> None:
    from onnxruntime.quantization import (
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    extra: dict[str, Any] = {}
    if request.options["method"] != "MinMax":
        extra["CalibStridedMinMax"] = _STRIDE
    if "percentile" in request.options:
        extra["CalibPercentile"] = request.options["percentile"]
    quantize_static(
        prepared,
        str(request.destination),
        _reader(request),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        weight_type=QuantType.QInt8,
        activation_type=QuantType.QUInt8,
        calibrate_method=getattr(CalibrationMethod, request.options["method"]),
        op_types_to_quantize=request.options.get("operators"),
        extra_options=extra,
    )


def _reader(request: Request) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    examples = list(calibration_examples(request))

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the library is not typed
        def __init__(self) -> None:
            self.next, self.end = 0, len(examples)

        def get_next(self) -> Any:
            if self.next >= self.end:
                return None
            self.next += 1
            return examples[self.next - 1]

        def __len__(self) -> int:
            return len(examples)

        def set_range(self, start_index: int, end_index: int) -> None:
            self.next, self.end = start_index, end_index

    return Reader()


if __name__ == "__main__":
    serve(quantize)
