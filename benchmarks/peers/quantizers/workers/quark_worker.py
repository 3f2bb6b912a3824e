"""AMD Quark's post-training quantization of ONNX models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve
from benchmarks.peers.quantizers.workers.simplify import simplified_model

__all__ = ["quantize"]


def quantize(request: Request) -> None:
    """Write the quantized model."""
    import onnx
    from quark.onnx import ModelQuantizer
    from quark.onnx.quantization.config.config import Config

    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder) / "source.onnx")
        onnx.save(simplified_model(request), source)
        quantizer = ModelQuantizer(Config(global_quant_config=_config(request)))
        quantizer.quantize_model(source, str(request.destination), _reader(request))


def _config(request: Request) -> Any:
    from quark.onnx.quantization.config.custom_config import get_default_config

    options = request.options
    config = get_default_config(options["config"])
    config.per_channel = options.get("per_channel", config.per_channel)
    config.include_cle = options.get("is_equalised", config.include_cle)
    if "iterations" in options:
        tuning = config.extra_options["FastFinetune"]
        tuning["NumIterations"] = options["iterations"]
        tuning["DataSize"] = sum(1 for _ in calibration_examples(request))
    return config


def _reader(request: Request) -> Any:
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    examples = list(calibration_examples(request))

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the library is not typed
        def __init__(self) -> None:
            self.next = 0

        def get_next(self) -> Any:
            self.next += 1
            return examples[self.next - 1] if self.next <= len(examples) else None

        def reset_iter(self) -> None:
            self.next = 0

    return Reader()


if __name__ == "__main__":
    serve(quantize)
