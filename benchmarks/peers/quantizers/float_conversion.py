"""`python -m benchmarks.peers.quantizers.float_conversion MODEL.onnx OUT.tflite`: float to float.

A program of its own, so that its time and memory are those of the conversion alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quantize.importers.onnx_importer import import_model, load_static_onnx
from quantize.quantized_graph import float_form
from quantize.tflite_model import write_tflite

__all__ = ["convert"]


def convert(source: Path, destination: Path) -> None:
    """Write the float TFLite form of an ONNX model.

    Raises:
        EdgeError: the model cannot be read or written.
    """
    graph = import_model(load_static_onnx(source))
    destination.write_bytes(write_tflite(float_form(graph)))


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
