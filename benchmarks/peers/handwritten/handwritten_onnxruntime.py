"""What a competent person writes for one known model: read, resize, normalise, run, softmax.

    python handwritten_onnxruntime.py IMAGE MODEL.onnx [--threads N] [--fast-int8]

It checks nothing and knows this one model by heart; that is the point of it. It stands on its
own: OpenCV, numpy, onnxruntime and nothing of ours.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime  # noqa: TID253 - a script that stands on its own

__all__ = ["answer", "main", "open_session", "read_picture"]

LABELS = ("normal", "bacterial pneumonia", "viral pneumonia")
SIZE = 224
MEAN, SCALE = 127.0, 128.0
TEMPERATURE = 0.8756


def open_session(model: str, *, threads: int, is_exact: bool) -> Any:
    """Open a model file with the same settings as the runtime it is compared with.

    Args:
        model: path of an ONNX file.
        threads: inside one inference.
        is_exact: without it, int8 answers on x86 processors without VNNI differ from those on
            ARM, and come somewhat faster. With VNNI there is nothing to choose.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if is_exact and "vnni" not in Path("/proc/cpuinfo").read_text(encoding="ascii"):
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def read_picture(path: str) -> Any:
    """Make the model's input, float32 (1, 1, 224, 224), of an image file."""
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise SystemExit(f"cannot read {path}")
    small = cv2.resize(grey, (SIZE, SIZE))
    return ((small.astype(np.float32) - MEAN) / SCALE)[np.newaxis, np.newaxis]


def answer(session: Any, path: str) -> dict[str, float]:
    """Probability by label for an image file."""
    name = session.get_inputs()[0].name
    (logits,) = session.run(None, {name: read_picture(path)})
    scaled = logits[0] / TEMPERATURE
    powers = np.exp(scaled - scaled.max())
    return dict(zip(LABELS, (powers / powers.sum()).tolist(), strict=True))


def main() -> None:
    """Print the labels with their probabilities, the likeliest first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("image")
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=min(4, len(os.sched_getaffinity(0))))
    parser.add_argument("--fast-int8", action="store_true")
    options = parser.parse_args()
    session = open_session(options.model, threads=options.threads, is_exact=not options.fast_int8)
    scores = answer(session, options.image)
    for label, score in sorted(scores.items(), key=lambda item: -item[1]):
        print(f"{label:<20} {score:.6f}")  # noqa: T201 - a script


if __name__ == "__main__":
    main()
