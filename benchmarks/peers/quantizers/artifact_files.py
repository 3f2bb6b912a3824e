"""Where the files that quantizers make are kept."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["artifact_path", "float_tflite_path", "tflite_path"]

_SUFFIXES = {"onnxruntime": ".onnx", "litert": ".tflite"}


def artifact_path(cache: Path, model: str, peer: str, setting: str, engine: str) -> Path:
    """A quantizer's file."""
    name = re.sub(r"[^a-z0-9.]+", "-", f"{peer} {setting}".lower())
    return cache / "files" / model / f"{name}{_SUFFIXES[engine]}"


def float_tflite_path(cache: Path, model: str) -> Path:
    """The float TFLite file that onnx2tf made of a model."""
    return cache / "files" / model / "float.tflite"


def tflite_path(onnx: Path) -> Path:
    """Our TFLite file that was made together with an ONNX file."""
    return onnx.with_suffix(".tflite")
