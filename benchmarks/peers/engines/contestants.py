"""Who runs: an engine, a precision, and the file it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["CONTESTANTS", "OUR_NAME", "Contestant", "Precision", "contestants_for"]

Precision = Literal["float32", "bfloat16", "int8"]
FileKind = Literal["source", "ours", "quantizer", "onnx2tf", "converted"]

OUR_NAME = "edgedx"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to run a model.

    Attributes:
        name: of the engine, or `OUR_NAME`.
        variant: tells those of one engine and precision apart: whose file it is.
        precision: of most of its arithmetic.
        worker: module under `workers` that runs it.
        environment: key of `ENGINE_ENVIRONMENTS`; "" for that of the checkout.
        file: where its file comes from: the float model itself; our own toolchain; a quantizer of
            `benchmarks.peers.quantizers`; onnx2tf; or `converter`.
        suffix: of the file.
        converter: module under `workers` that makes the file.
        conversion: options of the converter, or `{"peer", "setting"}` of the quantizer.
        options: of the engine.
    """

    name: str
    variant: str
    precision: Precision
    worker: str
    environment: str
    file: FileKind
    suffix: str
    converter: str = ""
    conversion: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What tells contestants apart: "onnxruntime int8, our file"."""
        return f"{self.name} {self.precision}" + (f", {self.variant}" if self.variant else "")

    @property
    def is_ours(self) -> bool:
        """Whether it is run by edgedx."""
        return self.name == OUR_NAME


def _ours(precision: Precision, suffix: str) -> Contestant:
    engine = {".onnx": "onnxruntime", ".tflite": "litert"}[suffix]
    kind: FileKind = "source" if (precision, suffix) == ("float32", ".onnx") else "ours"
    return Contestant(OUR_NAME, engine, precision, "run_edgedx", "", kind, suffix)


def _onnxruntime(precision: Precision, variant: str, file: FileKind, setting: str) -> Contestant:
    return Contestant(
        *("onnxruntime", variant, precision, "run_onnxruntime", "onnxruntime", file, ".onnx"),
        conversion={"peer": "onnxruntime", "setting": setting},
    )


def _litert(precision: Precision, variant: str, file: FileKind, setting: str) -> Contestant:
    return Contestant(
        *("litert", variant, precision, "run_litert", "litert", file, ".tflite"),
        conversion={"peer": "litert-quantizer", "setting": setting},
    )


def _converted(
    name: str,
    precision: Precision,
    suffix: str,
    *,
    form: str = "",
    options: Mapping[str, object] | None = None,
) -> Contestant:
    return Contestant(
        *(name, "", precision, f"run_{name}", name, "converted", suffix, f"convert_{name}"),
        conversion={"precision": form or precision},
        options=options or {},
    )


def _openvino_float(precision: Precision, hint: str) -> Contestant:
    return Contestant(
        *("openvino", "", precision, "run_openvino", "openvino", "source", ".onnx"),
        options={"INFERENCE_PRECISION_HINT": hint},
    )


def _all(family: str) -> tuple[Contestant, ...]:
    is_convolutional = family == "cnn"
    onnx_setting = "min-max" if is_convolutional else "dynamic"
    tflite_setting = "mean squared error" if is_convolutional else "dynamic"
    mnn_form = "int8" if is_convolutional else "dynamic"
    # MNN computes with 8-bit weights where it is told to save memory, and unpacks them otherwise.
    mnn_options = {} if is_convolutional else {"memory": "low"}
    return (
        _ours("int8", ".onnx"),
        _ours("int8", ".tflite"),
        _ours("float32", ".onnx"),
        _ours("float32", ".tflite"),
        _onnxruntime("int8", "its own file", "quantizer", onnx_setting),
        _onnxruntime("int8", "our file", "ours", ""),
        _onnxruntime("float32", "", "source", ""),
        _litert("int8", "its own file", "quantizer", tflite_setting),
        _litert("int8", "our file", "ours", ""),
        _litert("float32", "", "onnx2tf", tflite_setting),
        _converted("openvino", "int8", ".xml"),
        _openvino_float("float32", "f32"),
        _openvino_float("bfloat16", "bf16"),
        _converted("ncnn", "int8", ".param"),
        _converted("ncnn", "float32", ".param"),
        _converted("mnn", "int8", ".mnn", form=mnn_form, options=mnn_options),
        _converted("mnn", "float32", ".mnn", options={"precision": "high"}),
        _converted("executorch", "int8", ".pte"),
        _converted("executorch", "float32", ".pte"),
    )


CONTESTANTS: tuple[str, ...] = tuple(dict.fromkeys(each.name for each in _all("cnn")))
"""The names that `--only` takes."""


def contestants_for(family: str, names: tuple[str, ...] = ()) -> tuple[Contestant, ...]:
    """Who runs a model.

    Args:
        family: "cnn", "attention" or "recurrent": the last two are quantized while they run by
            those that can, as ours are.
        names: engines to take; all where empty.
    """
    return tuple(each for each in _all(family) if not names or each.name in names)
