"""onnx2tf: the float ONNX model -> a float TFLite file, for the quantizers of TFLite."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.peers.quantizers.workers.request import Request, serve
from benchmarks.peers.quantizers.workers.simplify import simplified_model

__all__ = ["convert"]

_IMAGE_RANK = 4


def convert(request: Request) -> None:
    """Write the float TFLite file, and the SavedModel it comes from beside it."""
    import onnx
    import onnx2tf

    model = simplified_model(request)
    kept = [
        each.name
        for each in model.graph.input
        if len(each.type.tensor_type.shape.dim) != _IMAGE_RANK
    ]
    saved_model = request.destination.with_suffix(".saved_model")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.onnx"
        onnx.save(model, str(source))
        onnx2tf.convert(
            input_onnx_file_path=str(source),
            output_folder_path=str(saved_model),
            keep_shape_absolutely_input_names=kept or None,
            output_signaturedefs=True,
            copy_onnx_input_output_names_to_tflite=True,
            non_verbose=True,
        )
    shutil.copyfile(saved_model / "source_float32.tflite", request.destination)


if __name__ == "__main__":
    serve(convert)
