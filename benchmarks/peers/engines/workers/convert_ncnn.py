"""pnnx: ONNX to ncnn, in float. ncnn's own quantizer is not in its wheels."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["convert"]

_TYPES = {"float32": "f32", "int64": "i64"}


def convert(request: Request) -> None:
    """Write the .param file and the .bin file beside it.

    Raises:
        FileNotFoundError: pnnx wrote none, or ended before.
    """
    if request.options["precision"] == "int8":
        raise FileNotFoundError("the wheels of ncnn and pnnx hold no int8 quantizer (ncnn2int8)")
    # The package itself imports PyTorch, its program does not.
    package = importlib.util.find_spec("pnnx")
    if package is None or package.origin is None:
        raise FileNotFoundError("pnnx is not installed")
    example = next(iter(calibration_examples(request)))
    shapes = ",".join(
        f"[{','.join(map(str, values.shape))}]{_TYPES[np.dtype(values.dtype).name]}"
        for values in example.values()
    )
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.onnx"
        shutil.copyfile(request.model, source)
        program = Path(package.origin).parent / "pnnx"
        code = subprocess.run(
            [str(program), str(source), f"inputshape={shapes}", "fp16=0"], check=False
        ).returncode
        made = source.with_name("model.ncnn.param")
        if not made.is_file():
            raise FileNotFoundError(f"pnnx ended with exit code {code} and wrote no ncnn file")
        shutil.copyfile(made.with_suffix(".bin"), request.destination.with_suffix(".bin"))
        shutil.copyfile(made, request.destination)


if __name__ == "__main__":
    serve(convert)
