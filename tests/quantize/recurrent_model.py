"""A series model of one recurrent layer, and series for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import tiny_onnx_models as tiny
from onnx import helper

STEPS, CHANNELS = 12, 4


def recurrent_model(op: str, hidden: int, *, steps: int = STEPS) -> onnx.ModelProto:
    """[1, steps, 4] -> LSTM or GRU -> two classes."""
    build = tiny.ModelBuilder()
    gates = {"LSTM": 4, "GRU": 3}[op]
    weights = [
        build.weight("w", (1, gates * hidden, CHANNELS)),
        build.weight("r", (1, gates * hidden, hidden)),
        build.constant("b", build.random.normal(0, 0.1, (1, 2 * gates * hidden))),
    ]
    build.node("Transpose", ["series"], "by step", perm=[1, 0, 2])
    extra = {"linear_before_reset": 1} if op == "GRU" else {}
    build.nodes.append(
        helper.make_node(
            op, ["by step", *weights], ["all", "last"], name=op, hidden_size=hidden, **extra
        )
    )
    build.node("Transpose", ["last"], "turned", perm=[1, 0, 2])
    build.node("Flatten", ["turned"], "flat")
    build.gemm("flat", "out", (hidden, 2))
    return build.model({"series": (1, steps, CHANNELS)}, {"out": (1, 2)})


def write_series(folder: Path, count: int = 12) -> Path:
    """Random walks as .npy files."""
    folder.mkdir()
    random = np.random.default_rng(3)
    for at in range(count):
        walk = random.normal(0, 0.5, (STEPS, CHANNELS)).cumsum(axis=0)
        np.save(folder / f"{at:02d}.npy", walk.astype(np.float32))
    return folder
