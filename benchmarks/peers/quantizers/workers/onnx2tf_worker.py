"""onnx2tf: the float ONNX model -> a float TFLite file, for the quantizers of TFLite."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers.quantizers.workers.request import Request, serve
from benchmarks.peers.quantizers.workers.simplify import simplified_model

__all__ = ["convert"]

_IMAGE_RANK = 4
_PROBE_SHAPE = (20, 128, 128, 3)
_PROBE_FILE = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""What onnx2tf compares layers on; it downloads a file of this name where there is none."""


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
        os.chdir(folder)
        source = Path(folder) / "source.onnx"
        onnx.save(model, str(source))
        np.save(_PROBE_FILE, np.random.default_rng(0).random(_PROBE_SHAPE, np.float32))
        onnx2tf.convert(
            input_onnx_file_path=str(source),
            output_folder_path=str(saved_model),
            keep_shape_absolutely_input_names=kept or None,
            replace_to_pseudo_operators=["erf"],
            output_signaturedefs=True,
            copy_onnx_input_output_names_to_tflite=True,
            non_verbose=True,
        )
    shutil.copyfile(saved_model / "source_float32.tflite", request.destination)


if __name__ == "__main__":
    serve(convert)
