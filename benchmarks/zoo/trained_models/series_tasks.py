"""Trained models of series: intensive-care stays and heart beats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo.disease_risk_lstm.stays import Stays, read_stays
from benchmarks.zoo.trained_models.task import Bar, Places, Task, Words
from benchmarks.zoo.trained_models.torch_programs import run_torch
from edge.errors import InputError

__all__ = ["SERIES_TASKS"]

_BEATS = ("N", "S", "V", "F", "Q")
_TEST_RECORDS = (106, 119, 114, 124, 217, 228)
"""As in `bar_models.series`: no beat of them was trained on."""

_SEED = 20260105
_CALIBRATION = 256


def _prepare_reference(places: Places, folder: Path) -> Words:
    """The model of others, with raw hourly values and their gaps going in."""
    data = places.data / "ehr-physionet2012"
    scaler = _read_json(data / "scaler_set_a.json")
    model = places.work / "lstm" / "model.onnx"
    if not model.is_file():
        run_torch(
            places,
            "benchmarks.zoo.bar_models",
            str(places.work),
            "lstm",
            "--data",
            f"{places.data}",
        )
    channels = tuple(scaler["features"])
    for name, archive, outcomes in (
        ("set_a", "set-a.tar.xz", "Outcomes-a.txt"),
        ("set_b", "set-b-first-2000.tar.xz", "Outcomes-b-first-2000.txt"),
    ):
        if not (folder / f"{name}.npz").is_file():
            stays = read_stays(
                data / archive, data / outcomes, channels=channels, keeps_unknown=True
            )
            _save_stays(folder / f"{name}.npz", stays)
    card = {
        "name": "lstm-physionet2012-reference",
        "labels": ["death in hospital"],
        "kind": "multilabel",
        "activation": "sigmoid",
        "inputs": {
            "series": {
                "kind": "series",
                "axes": "TC",
                "step": "1 h",
                "channels": channels,
                "gap_rule": "forward_fill",
                # What set-a never measured has no mean there and is 0 after scaling.
                "fill": [_or_zero(value) for value in scaler["impute_mean"]],
                "mean": [_or_zero(value) for value in scaler["scale_mean"]],
                "std": scaler["scale_std"],
            }
        },
    }
    _write_json(folder / "card.json", card)
    return (
        *(str(model), "--card", str(folder / "card.json")),
        *("--calib", str(folder / "set_a.npz"), "--data", str(folder / "set_b.npz")),
    )


def _prepare_risk(places: Places, folder: Path) -> Words:
    if not (folder / "training.json").is_file():
        data = places.data / "ehr-physionet2012"
        run_torch(
            places, "benchmarks.zoo.disease_risk_lstm.train", f"{folder}", "--data", f"{data}"
        )
    return (
        *(str(folder / "model.onnx"), "--card", str(folder / "card.json")),
        *("--calib", str(folder / "calib.npz"), "--data", str(folder / "set_b.npz")),
    )


def _prepare_beats(places: Places, folder: Path) -> Words:
    """Beats of records that were not trained on, the record as the group."""
    model = places.work / "ecg_cnn" / "model.onnx"
    if not model.is_file():
        run_torch(
            places,
            "benchmarks.zoo.bar_models",
            str(places.work),
            "ecg_cnn",
            "--data",
            f"{places.data}",
        )
    path = places.data / "ecg-mitbih" / "beats_260.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            signal = archive["X"][:, np.newaxis].astype(np.float32)
            beats, records = archive["y"].astype(np.int64), archive["record"]
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error}; name the folder with --data") from error
    is_test = np.isin(records, _TEST_RECORDS)
    others = np.random.default_rng(_SEED).permutation(np.flatnonzero(~is_test))[:_CALIBRATION]
    np.savez(folder / "calib.npz", signal=signal[others])
    # Beats of one record are alike, but six records are too few groups to draw from: each beat
    # stands for itself, and the intervals are those of these records.
    np.savez(folder / "test.npz", signal=signal[is_test], y=beats[is_test])
    card = {
        "name": "ecg-beats-cnn",
        "labels": _BEATS,
        "kind": "classification",
        "activation": "softmax",
        "inputs": {
            "signal": {
                "kind": "series",
                "axes": "CT",
                "sampling_rate_hz": 360.0,
                "channels": ["MLII"],
                "units": ["mV"],
            }
        },
    }
    _write_json(folder / "card.json", card)
    return (
        *(str(model), "--card", str(folder / "card.json")),
        *("--calib", str(folder / "calib.npz"), "--data", str(folder / "test.npz")),
        # Nine beats are of class F: its AUROC is not known better.
        *("--claim-within", "0.15"),
    )


def _make_bar_model(places: Places, name: str) -> None:
    module = "benchmarks.zoo.bar_models"
    run_torch(places, module, str(places.work), name, "--data", str(places.data))


def _save_stays(path: Path, stays: Stays) -> None:
    np.savez(path, series=stays.series, y=stays.died, record_id=stays.record_ids)


def _or_zero(value: float | None) -> float:
    return 0.0 if value is None else value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read '{path}': {error.strerror}; name the folder with --data"
        ) from error
    return found


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


SERIES_TASKS = (
    Task(
        "lstm_reference",
        "two LSTM layers of 64, trained by others on PhysioNet 2012 set-a",
        "set-b, 2 000 stays it never saw, as raw hourly values with gaps",
        "data ODC-By 1.0; the model states no licence: not passed on",
        _prepare_reference,
        Bar(auroc_drop=0.002),
    ),
    Task(
        "risk_lstm",
        "our LSTM over values and mask, trained on set-a (benchmarks/zoo/disease_risk_lstm)",
        "set-b, 2 000 stays it never saw, as raw hourly values with gaps",
        "data ODC-By 1.0, model ours: may be passed on",
        _prepare_risk,
        Bar(auroc_drop=0.002),
    ),
    Task(
        "ecg_cnn",
        "five 1-D convolutions, trained on MIT-BIH beats (benchmarks/zoo/bar_models)",
        "all beats of six records it never saw, five classes",
        "data ODC-By 1.0, model ours: may be passed on",
        _prepare_beats,
    ),
)
