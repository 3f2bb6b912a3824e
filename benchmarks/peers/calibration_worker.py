"""One calibration in a process of its own: ours, or onnxruntime's min-max.

    python -m benchmarks.peers.calibration_worker ours|onnxruntime|make MODEL IMAGES

prints one line of JSON: seconds and processor seconds from the model file to the ranges, imports
apart. `make` writes the model instead.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.resnet50_model import INPUT_SHAPE, build_resnet50

__all__ = ["SyntheticImages", "calibrate_onnxruntime", "calibrate_ours"]

_COARSE = 28


class SyntheticImages:
    """Smooth random pictures, made when asked for and the same each time.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        times = INPUT_SHAPE[-1] // _COARSE
        for seed in range(self._count):
            random = np.random.default_rng(seed)
            coarse = random.normal(0.0, 1.0, (1, 3, _COARSE, _COARSE)).astype(np.float32)
            smooth = coarse.repeat(times, axis=2).repeat(times, axis=3)
            noise = random.standard_normal(INPUT_SHAPE, dtype=np.float32)
            yield {"image": smooth + np.float32(0.2) * noise}


def calibrate_ours(model: Path, images: int) -> int:
    """Import and calibrate with the defaults.

    Returns:
        How many ranges were found.
    """
    import onnx

    from quantize.calibration import calibrate
    from quantize.importers.onnx_importer import import_model

    return len(calibrate(import_model(onnx.load(model)), SyntheticImages(images)))


def calibrate_onnxruntime(model: Path, images: int) -> int:
    """Calibrate with onnxruntime's min-max calibrator, an image at a time.

    Returns:
        How many ranges were found.
    """
    from onnxruntime.quantization.calibrate import (
        CalibrationDataReader,
        CalibrationMethod,
        create_calibrator,
    )

    class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self._images = iter(SyntheticImages(images))

        def get_next(self) -> Any:
            return next(self._images, None)

    with tempfile.TemporaryDirectory() as folder:
        calibrator = create_calibrator(
            str(model), None, str(Path(folder) / "augmented.onnx"), CalibrationMethod.MinMax
        )
        calibrator.collect_data(_Reader())
        return len(calibrator.compute_data().data)


_SIDES: dict[str, Callable[[Path, int], int]] = {
    "ours": calibrate_ours,
    "onnxruntime": calibrate_onnxruntime,
}


def _main() -> None:
    side, model, images = sys.argv[1:]
    if side == "make":
        Path(model).write_bytes(build_resnet50().SerializeToString())
        return
    import onnxruntime.quantization.calibrate  # noqa: F401 - both sides load it before the clock

    start, start_cpu = time.perf_counter(), time.process_time()
    ranges = _SIDES[side](Path(model), int(images))
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    found = {"seconds": seconds, "processor_seconds": processor_seconds, "ranges": ranges}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    _main()
