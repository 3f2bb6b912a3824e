"""NNCF's post-training quantization with its ONNX backend."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve
from benchmarks.peers.quantizers.workers.simplify import simplified_model

__all__ = ["quantize"]


def quantize(request: Request) -> None:
    """Write the quantized model."""
    import nncf
    import onnx
    from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    options = request.options
    examples = list(calibration_examples(request))
    arguments: dict[str, Any] = {}
    if options.get("is_accurate"):
        arguments["fast_bias_correction"] = False
    if options.get("is_mixed"):
        arguments["preset"] = nncf.QuantizationPreset.MIXED
    if options.get("is_transformer"):
        arguments["model_type"] = nncf.ModelType.TRANSFORMER
    if "ranges" in options:
        arguments["advanced_parameters"] = AdvancedQuantizationParameters(
            activations_range_estimator_params=getattr(
                RangeEstimatorParametersSet, options["ranges"]
            )
        )
    quantized = nncf.quantize(
        simplified_model(request),
        nncf.Dataset(examples),
        subset_size=len(examples),
        target_device=nncf.TargetDevice.CPU,
        **arguments,
    )
    onnx.save(quantized, str(request.destination))


if __name__ == "__main__":
    serve(quantize)
