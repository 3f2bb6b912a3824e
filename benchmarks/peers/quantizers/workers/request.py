"""What a worker is asked for, and how it answers."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Request", "calibration_examples", "serve"]

_KIBIBYTES_PER_MEBIBYTE = 1024

Example = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Request:
    """One job.

    Attributes:
        model: float ONNX file.
        float_tflite: float TFLite file made of it; may not exist.
        calibration: archive of inputs by name, each [N, ...].
        destination: file to write.
        options: of the setting.
    """

    model: Path
    float_tflite: Path
    calibration: Path
    destination: Path
    options: dict[str, Any]


def calibration_examples(request: Request) -> Iterator[Example]:
    """Each calibration example, with a batch axis of one."""
    with np.load(request.calibration, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for index in range(len(next(iter(arrays.values())))):
        yield {name: values[index : index + 1] for name, values in arrays.items()}


def serve(work: Callable[[Request], None]) -> None:
    """Read the request from the command line, do it, and write what it took beside the file."""
    parser = argparse.ArgumentParser()
    for name in ("model", "float-tflite", "calibration", "destination"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--options", type=json.loads, default={})
    request = Request(**vars(parser.parse_args()))
    begun = time.monotonic()
    work(request)
    cost = {
        "seconds": time.monotonic() - begun,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIBIBYTES_PER_MEBIBYTE,
    }
    Path(f"{request.destination}.cost.json").write_text(json.dumps(cost), encoding="utf-8")
