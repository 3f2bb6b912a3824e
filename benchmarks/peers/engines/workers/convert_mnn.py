"""MNN's converter and quantizer.

They are called as a library: the commands of its wheel install a package that reports their use to
its makers, and its `mnnquant` command fails before it begins (3.6.1 hands its arguments over in
another form than its own library takes).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.peers.quantizers.workers.request import Request, calibration_examples, serve

__all__ = ["convert"]


def convert(request: Request) -> None:
    """Write the .mnn file, quantized where the options say so.

    Raises:
        FileNotFoundError: the tools wrote nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float.mnn"
        is_dynamic = request.options["precision"] == "dynamic"
        _convert(request, plain, ["--weightQuantBits", "8"] if is_dynamic else [])
        if request.options["precision"] == "int8":
            _quantize(request, plain, Path(folder))
        elif plain.is_file():
            request.destination.write_bytes(plain.read_bytes())
    if not request.destination.is_file():
        raise FileNotFoundError("MNN's tools wrote no file")


def _convert(request: Request, destination: Path, extra: list[str]) -> None:
    import _tools

    _tools.mnnconvert(
        [
            *("mnnconvert", "-f", "ONNX", "--bizCode", "MNN"),
            *("--modelFile", str(request.model), "--MNNModel", str(destination)),
            *extra,
        ]
    )


def _quantize(request: Request, source: Path, folder: Path) -> None:
    """Asymmetric ranges ("EMA"): of the three methods the one that loses least here."""
    import _tools

    inputs: list[dict[str, object]] = []
    for index, example in enumerate(calibration_examples(request)):
        inputs = [{"name": name, "shape": each.shape} for name, each in example.items()]
        place = folder / "examples" / f"{index:04d}"
        place.mkdir(parents=True)
        for name, values in example.items():
            np.savetxt(place / f"{name}.txt", values.reshape(-1), fmt="%.9g")
        (place / "input.json").write_text(json.dumps({"inputs": inputs}), encoding="utf-8")
    settings = {
        "path": f"{folder / 'examples'}/",
        "input_type": "sequence",
        "inputs": inputs,
        "feature_quantize_method": "EMA",
        "weight_quantize_method": "MAX_ABS",
        "batch_size": 1,
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    _tools.mnnquant(
        ["mnnquant", str(source), str(request.destination), str(folder / "settings.json")]
    )


if __name__ == "__main__":
    serve(convert)
