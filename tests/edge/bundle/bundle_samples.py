"""A small sound bundle, and ways to make it unsound."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edge.bundle.manifest import Manifest
from edge.bundle.writer import write_bundle

MISSING = object()


def onnx_model() -> bytes:
    """Add 1: a whole model with an initializer."""
    shape = [1, 1, 2, 3]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "one"], ["y"])],
        "sample",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.ones(1, np.float32), "one")],
    )
    return helper.make_model(graph, ir_version=8).SerializeToString()


FILES: dict[str, bytes] = {
    "golden/one.png": b"\x89PNG not a real picture",
    "model.onnx": onnx_model(),
    "model.tflite": b"\x1c\x00\x00\x00TFL3 not a real model",
    "report.html": b"<p>\xc3\xa9</p>",
}


def document() -> dict[str, Any]:
    """A sound manifest as JSON, with every part that the format has; its files are made up."""
    outputs = [
        {"artifact": path, "name": "findings", "shape": [1, 2], "values": [0.25, -1.5]}
        for path in ("model.onnx", "model.tflite")
    ]
    return {
        "format": 1,
        "name": "sample",
        "version": "1.0.0",
        "task": "chest X-ray findings",
        "intended_use": "Research.\nNot a medical device.",
        "limits": ["adults only"],
        "licence": "Apache-2.0",
        "attribution": ["somebody"],
        "files": [
            {"path": path, "sha256": "0123456789abcdef" * 4, "size_bytes": len(data)}
            for path, data in FILES.items()
        ],
        "inputs": [
            {
                "kind": "image",
                "name": "image",
                "shape": [1, 1, 2, 3],
                "layout": "NCHW",
                "colour": "grey",
                "resize": {"width": 3, "height": 2, "rule": "letterbox", "pad_value": 7},
                "scale": 0.5,
                "mean": [0.5],
                "std": [0.25],
            }
        ],
        "outputs": [
            {
                "name": "findings",
                "kind": "multilabel",
                "labels": ["Épanchement", "nodule"],
                "activation": "sigmoid",
                "temperature": 1.5,
                "thresholds": [0.0, 1.0],
            }
        ],
        "artifacts": [
            {
                "path": path,
                "engine": engine,
                "precision": "int8",
                "layout": layout,
                "tolerance_steps": 2,
                "output_steps": {"findings": 0.125},
            }
            for path, engine, layout in (
                ("model.onnx", "onnxruntime", "NCHW"),
                ("model.tflite", "litert", "NHWC"),
            )
        ],
        "golden": [
            {
                "input": "golden/one.png",
                "tensor_sha256": "f" * 64,
                "label": "nodule",
                "outputs": outputs,
            }
        ],
        "evidence": {
            "source_model_sha256": "a" * 64,
            "calibration_sha256": "b" * 64,
            "calibration_examples": 300,
            "tools": {"onnxruntime": "1.31.1", "edgedx": "0.1.0"},
            "parity": [
                {
                    "artifact": "model.onnx",
                    "snr_db": 31.5,
                    "max_abs_difference": 0.02,
                    "agreement": 0.99,
                    "examples": 300,
                }
            ],
            "metrics": [
                {"artifact": "source", "name": "auroc", "value": 0.8, "examples": 100},
                {
                    "artifact": "model.tflite",
                    "name": "auroc",
                    "value": 0.79,
                    "examples": 100,
                    "low": 0.7,
                    "high": 0.85,
                },
            ],
        },
    }


def encoded(value: object) -> bytes:
    """JSON text of a value."""
    return json.dumps(value).encode()


def changed(path: str, value: object) -> bytes:
    """The sound manifest with one value replaced, added, or (MISSING) taken away.

    Args:
        path: like "inputs[0].resize.width".
        value: what to put there.
    """
    whole = document()
    keys = [int(key) if key.isdigit() else key for key in re.findall(r"[^.\[\]]+", path)]
    place: Any = whole
    for key in keys[:-1]:
        place = place[key]
    if value is MISSING:
        del place[keys[-1]]
    else:
        place[keys[-1]] = copy.deepcopy(value)
    return encoded(whole)


def manifest() -> Manifest:
    """The sound manifest, typed."""
    return msgspec.convert(document(), Manifest)


def write_sample(destination: Path) -> Path:
    """Write the sound bundle."""
    write_bundle(manifest(), FILES, destination)
    return destination


def assert_is_one_line(error: BaseException) -> None:
    """A message that a terminal and a log can take: one printable, bounded line."""
    text = str(error)
    assert text
    assert text.isprintable()
    assert len(text) < 6000
