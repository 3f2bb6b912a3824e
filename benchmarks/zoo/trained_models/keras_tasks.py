"""Keras models of others without labels: imported, and held against their float form."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.disease_risk_lstm.stays import CHANNELS, read_stays
from benchmarks.zoo.trained_models.task import Places, Task, Words
from edge.errors import InputError

__all__ = ["KERAS_TASKS"]

_SEED = 20260106
_COUNT = 200
_EPOCHS = 120
_FEATURES = 36
_MASKED = -1.0
_WEIGHTS = "model.weights.h5"
_CHANNELS = tuple(
    each
    for each in CHANNELS
    if each
    in {
        "Albumin",
        "ALP",
        "ALT",
        "AST",
        "Bilirubin",
        "BUN",
        "Creatinine",
        "DiasABP",
        "FiO2",
        "GCS",
        "Glucose",
        "HCO3",
        "HCT",
        "HR",
        "K",
        "Mg",
        "MAP",
        "Na",
        "RespRate",
        "SysABP",
        "Temp",
        "WBC",
    }
)


def _prepare_sleep(archive: str, places: Places, folder: Path) -> Words:
    """One hour in steps of half a minute; the ends of some nights are masked, as recordings end.

    Drawn with the mean and deviation that the model's own normalisation says it was trained on.
    """
    path = places.data / "models" / "ecg-sleepecg-gru" / archive
    try:
        with zipfile.ZipFile(path) as files:
            (folder / "classifier.keras").write_bytes(files.read("classifier.keras"))
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error}; name the folder with --data") from error
    rng = np.random.default_rng(_SEED)
    # Neighbouring half minutes of a night are alike: a walk pulled back to the mean.
    steps = rng.normal(size=(_COUNT, _EPOCHS, _FEATURES)).astype(np.float32)
    for at in range(1, _EPOCHS):
        steps[:, at] = 0.9 * steps[:, at - 1] + 0.44 * steps[:, at]
    mean, deviation = _trained_moments(folder / "classifier.keras")
    steps = steps * deviation + mean
    for night, length in enumerate(rng.integers(_EPOCHS // 2, 2 * _EPOCHS, _COUNT)):
        steps[night, length:] = _MASKED
    np.savez(folder / "nights.npz", X=steps)
    return (
        *(str(folder / "classifier.keras"), "--shape", f"input_layer=1,{_EPOCHS},{_FEATURES}"),
        *("--calib", str(folder / "nights.npz")),
    )


def _trained_moments(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation of the features, from the model's first batch normalisation."""
    import h5py

    with zipfile.ZipFile(path) as files, h5py.File(io.BytesIO(files.read(_WEIGHTS))) as weights:
        # In Keras's order: scale, shift, moving mean, moving variance.
        variables = weights["layers/batch_normalization/vars"]
        mean, variance = (np.asarray(variables[at], np.float32) for at in ("2", "3"))
    return mean, np.sqrt(variance)


def _prepare_wake_sleep(places: Places, folder: Path) -> Words:
    return _prepare_sleep("ws-gru-mesa.zip", places, folder)


def _prepare_rem(places: Places, folder: Path) -> Words:
    return _prepare_sleep("wrn-gru-mesa.zip", places, folder)


def _prepare_iseeu(places: Places, folder: Path) -> Words:
    """First days of PhysioNet 2012 in the shape that the model takes."""
    model = places.data / "models" / "ehr-iseeu" / "kfold4_best.hdf5"
    if not model.is_file():
        raise InputError(f"cannot read '{model}'; name the folder with --data")
    data = places.data / "ehr-physionet2012"
    stays = read_stays(
        data / "set-b-first-2000.tar.xz", data / "Outcomes-b-first-2000.txt", channels=_CHANNELS
    )
    series = stays.series[:_COUNT]
    mean, deviation = np.nanmean(series, axis=(0, 1)), np.nanstd(series, axis=(0, 1))
    scaled = np.nan_to_num((series - mean) / np.maximum(deviation, 1e-6))
    hours = np.repeat(scaled, 2, axis=1).transpose(0, 2, 1)[:, np.newaxis]
    np.savez(folder / "stays.npz", input=np.ascontiguousarray(hours, np.float32))
    card = {
        "name": "iseeu",
        "labels": ["death in hospital"],
        "kind": "multilabel",
        "activation": "none",
        "inputs": {"input": {"kind": "vector"}},
    }
    (folder / "card.json").write_text(json.dumps(card) + "\n", encoding="utf-8")
    return (
        *(str(model), "--card", str(folder / "card.json")),
        *("--calib", str(folder / "stays.npz")),
    )


_SLEEP = "masking and bidirectional GRU (SleepECG, BSD-3)"
_DRAWN = "200 nights drawn at random: no labels, so only likeness to the float model"
KERAS_TASKS = (
    Task("sleepecg_wake_sleep", _SLEEP, _DRAWN, "BSD-3", _prepare_wake_sleep, None),
    Task("sleepecg_wake_rem", _SLEEP, _DRAWN, "BSD-3", _prepare_rem, None),
    Task(
        "iseeu",
        "Keras CNN, intensive-care mortality (ISeeU)",
        "200 stays of PhysioNet 2012 in its shape: other measures than its own, so no labels",
        "MIT",
        _prepare_iseeu,
        None,
    ),
)
