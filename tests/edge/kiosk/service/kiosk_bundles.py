"""A small model that says how bright a picture is, and never comes back on a very bright one."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
from onnx import TensorProto, helper
from record_samples import SCAN, model_bytes, tensor_info, write_sample

from edge.bundle.manifest import Output
from edge.bundle.reader import open_bundle
from edge.bundle.writer import write_bundle

__all__ = ["ENDLESS", "GOOD", "brightness_bundle", "picture"]

BRIGHTNESS = Output(
    name="brightness", kind="multilabel", labels=("dark", "bright"), activation="none"
)
_FOR_EVER = 10**15
_ENDLESS_FROM = 0.9


def picture(level: int) -> bytes:
    """A PNG of 16 x 16 pixels around a level, in blocks, so that it is not even."""
    blocks = np.add.outer(np.arange(16) // 4, np.arange(16) // 4) % 2
    pixels = np.clip(level - 24 + 48 * blocks, 0, 255).astype(np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


GOOD = picture(120)
ENDLESS = picture(244)


def _model() -> bytes:
    """[1, 1, 8, 8] -> how bright [1, 2], by a loop that is endless where it is very bright."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["still"]),
            helper.make_node("Identity", ["value"], ["kept"]),
        ],
        "body",
        [
            tensor_info("round", (), TensorProto.INT64),
            tensor_info("go_on", (), TensorProto.BOOL),
            tensor_info("value", (1, 2)),
        ],
        [tensor_info("still", (), TensorProto.BOOL), tensor_info("kept", (1, 2))],
    )
    nodes = [
        helper.make_node("ReduceMean", ["scan"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Greater", ["mean", "limit"], ["is_bright"]),
        helper.make_node("Where", ["is_bright", "many", "one"], ["rounds"]),
        helper.make_node("Reshape", ["mean", "shape"], ["bright"]),
        helper.make_node("Sub", ["whole", "bright"], ["dark"]),
        helper.make_node("Concat", ["dark", "bright"], ["both"], axis=1),
        helper.make_node("Loop", ["rounds", "yes", "both"], ["brightness"], body=body),
    ]
    constants = {
        "limit": np.float32(_ENDLESS_FROM),
        "many": np.int64(_FOR_EVER),
        "one": np.int64(1),
        "shape": np.array([1, 1], np.int64),
        "whole": np.ones((1, 1), np.float32),
        "yes": np.bool_(True),
    }
    inputs = [tensor_info("scan", (1, 1, 8, 8))]
    return model_bytes(nodes, inputs, {"brightness": (1, 2)}, constants)


def brightness_bundle(path: Path, version: str = "1.0", *, is_right: bool = True) -> Path:
    """Write the bundle.

    Args:
        path: a `.edge` file.
        version: of the model.
        is_right: whether its golden answers are those that it gives.
    """
    write_sample(path, _model(), (SCAN,), (BRIGHTNESS,), {"golden/00.png": GOOD})
    with open_bundle(path) as bundle:
        manifest = msgspec.structs.replace(bundle.manifest, version=version)
        files = {each.path: bundle.read(each.path) for each in manifest.files}
    if not is_right:
        golden = tuple(
            msgspec.structs.replace(
                example,
                outputs=tuple(
                    msgspec.structs.replace(each, values=tuple(value + 1 for value in each.values))
                    for each in example.outputs
                ),
            )
            for example in manifest.golden
        )
        manifest = msgspec.structs.replace(manifest, golden=golden)
    write_bundle(manifest, files, path)
    return path
