"""Save every case of `keras_cases` with what Keras itself answers; run by hand where Keras is.

    python tests/quantize/importers/record_keras_cases.py

Writes `keras_cases.zip` beside it: for each case the model as `.keras`, for some also as `.h5`,
and an `.npz` of inputs and outputs. The tests read that archive and need no Keras.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from keras_cases import CASES, ONLY_ARCHIVE

ARCHIVE = Path(__file__).with_name("keras_cases.zip")


def randomise(model: Any, random: np.random.Generator) -> None:
    """Give every weight a value that tells: zeros and ones of a new model would hide faults."""
    for weight in model.weights:
        if not weight.shape:
            continue
        change = random.normal(0, 0.2, weight.shape)
        change = np.abs(change) if "variance" in weight.path else change
        weight.assign(np.asarray(weight) + change.astype("float32"))


def draw_inputs(model: Any, name: str, random: np.random.Generator) -> list[Any]:
    """Whole numbers below 4, or normal values; cases of masks get steps of padding."""
    found = []
    for each in model.inputs:
        shape = (1, *each.shape[1:])
        if "int" in str(each.dtype):
            found.append(random.integers(0, 4, shape).astype("int32"))
            continue
        values = random.normal(0, 2, shape).astype("float32")
        if "masked" in name:
            values[:, [0, 1, 4, 8]] = -1
        found.append(values)
    return found


def answer(keras: Any, model: Any, inputs: list[Any]) -> list[Any]:
    """What Keras answers, as arrays."""
    found = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
    return [np.asarray(keras.ops.convert_to_numpy(each)) for each in found]


def main() -> None:
    """Record every case."""
    import keras

    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for name, build in CASES.items():
            keras.utils.set_random_seed(3)
            random = np.random.default_rng(1)
            model = build(keras)
            randomise(model, random)
            inputs = draw_inputs(model, name, random)
            outputs = answer(keras, model, inputs)
            arrays = {f"in{at}": each for at, each in enumerate(inputs)}
            arrays |= {f"out{at}": each for at, each in enumerate(outputs)}
            for suffix in [".keras"] if name in ONLY_ARCHIVE else [".keras", ".h5"]:
                path = Path(folder) / f"model{suffix}"
                model.save(path)
                archive.writestr(zipfile.ZipInfo(f"{name}{suffix}"), path.read_bytes(), 8)
            packed = io.BytesIO()
            np.savez(packed, **arrays)
            archive.writestr(zipfile.ZipInfo(f"{name}.npz"), packed.getvalue(), 8)


if __name__ == "__main__":
    main()
