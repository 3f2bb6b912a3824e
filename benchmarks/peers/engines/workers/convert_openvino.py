"""NNCF's post-training quantization of OpenVINO's own model: what its users are told to do."""

from __future__ import annotations

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["convert"]


def convert(request: Request) -> None:
    """Write the quantized model as .xml, its weights beside it."""
    import nncf
    import openvino

    examples = list(calibration_examples(request))
    is_attention = request.options["family"] == "attention"
    quantized = nncf.quantize(
        openvino.Core().read_model(str(request.model)),
        nncf.Dataset(examples),
        subset_size=len(examples),
        target_device=nncf.TargetDevice.CPU,
        model_type=nncf.ModelType.TRANSFORMER if is_attention else None,
    )
    openvino.save_model(quantized, str(request.destination), compress_to_fp16=False)


if __name__ == "__main__":
    serve(convert)
