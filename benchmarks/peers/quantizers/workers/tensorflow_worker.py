"""TensorFlow's own converter with a representative data set: full integer, float at the ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["quantize"]


def quantize(request: Request) -> None:
    """Write the quantized model from the SavedModel that onnx2tf made."""
    import tensorflow as tf

    folder = str(request.float_tflite.with_suffix(".saved_model"))
    loaded = tf.saved_model.load(folder)
    signature = loaded.signatures["serving_default"].structured_input_signature[1]
    shapes = {name: tuple(spec.shape) for name, spec in signature.items()}
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representatives(request, shapes)
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    request.destination.write_bytes(converter.convert())


def _representatives(
    request: Request, shapes: dict[str, tuple[int, ...]]
) -> Iterator[dict[str, NDArray[Any]]]:
    for example in calibration_examples(request):
        yield {name: _laid_out(values, shapes[name]) for name, values in example.items()}


def _laid_out(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Channels last where the signature has them last."""
    if values.shape == shape:
        return values
    return np.ascontiguousarray(np.moveaxis(values, 1, -1))


if __name__ == "__main__":
    serve(quantize)
