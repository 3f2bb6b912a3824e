"""Measure the exported float model on the held-out and on the test films.

Temperature and operating point come from the held-out films only; the test films are read here
and nowhere else. The held-out films are those of the run, from the settings in the model.
"""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from benchmarks.zoo.chest_xray import metrics
from benchmarks.zoo.chest_xray.dataset import (
    LABELS,
    MODEL_FILE,
    DatasetError,
    Film,
    load_pixels,
    normalise,
    read_films,
    split_by_patient,
)
from benchmarks.zoo.chest_xray.source_weights import SOURCE_SHA256

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BOOTSTRAP_REPEATS",
    "BOOTSTRAP_SEED",
    "TARGET_SENSITIVITY",
    "ModelError",
    "describe",
    "evaluate",
    "main",
    "run_model",
    "training_record",
    "versions",
]

TARGET_SENSITIVITY = 0.98
BOOTSTRAP_REPEATS = 2000
BOOTSTRAP_SEED = 1
_PACKAGES = ("torch", "numpy", "opencv-python-headless", "onnx", "onnxruntime")


class ModelError(ValueError):
    """The model is missing or not one that the recipe exported."""


def run_model(path: Path, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Run an exported model on films, one at a time.

    Args:
        path: ONNX file of the recipe.
        pixels: uint8 [N, 224, 224].

    Returns:
        Logits, float64 [N, 3], and the settings of the run that made the model.

    Raises:
        ModelError: No file, no ONNX model, or none of this recipe.
    """
    import onnxruntime

    if not path.is_file():
        msg = f"no model at {path}; run export_onnx first"
        raise ModelError(msg)
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        settings = json.loads(session.get_modelmeta().custom_metadata_map["settings"])
    except Exception as error:  # the engine's own exceptions have no public base class
        msg = f"{path} is not a model of this recipe"
        raise ModelError(msg) from error
    images = normalise(pixels)
    logits = [session.run(["logits"], {"image": image[None]})[0][0] for image in images]
    return np.array(logits, dtype=np.float64), dict(settings)


def describe(
    films: list[Film], logits: NDArray[np.float64], temperature: float, threshold: float
) -> dict[str, Any]:
    """Return the counts and figures of a set of films with 95 % intervals by patient.

    Args:
        films: The films.
        logits: float64 [len(films), 3].
        temperature: Temperature for the probabilities, > 0.
        threshold: Operating point, 0 to 1.
    """
    labels = np.array([film.label for film in films], dtype=np.int64)
    patients = np.array([film.patient for film in films])

    def figures(index: NDArray[np.int64]) -> dict[str, float]:
        return metrics.summarise(logits[index], labels[index], temperature, threshold)

    values = figures(np.arange(len(films)))
    bounds = metrics.bootstrap_intervals(figures, patients, BOOTSTRAP_REPEATS, BOOTSTRAP_SEED)
    raw = metrics.summarise(logits, labels, 1.0, threshold)
    calls = metrics.softmax(logits).argmax(axis=1)
    confusion = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(confusion, (labels, calls), 1)
    return {
        "films": len(films),
        "patients": len(set(patients.tolist())),
        "films_by_label": np.bincount(labels, minlength=len(LABELS)).tolist(),
        "figures": metrics.with_intervals(values, bounds),
        "ece_without_temperature": round(raw["ece"], 4),
        "log_loss_without_temperature": round(raw["log_loss"], 4),
        "confusion_argmax_rows_true": confusion.tolist(),
    }


def training_record(log: Path) -> list[dict[str, float]]:
    """Return what the log of the run says of every epoch; nothing where there is no log."""
    if not log.is_file():
        return []
    keys = ("epoch", "size", "seconds", "loss", "auroc_pneumonia", "accuracy_3_class", "log_loss")
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [{key: round(row[key], 4) for key in keys} for row in rows]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that bear on the figures."""
    return {"python": platform.python_version()} | {
        package: metadata.version(package) for package in _PACKAGES
    }


def evaluate(data: Path, out: Path) -> dict[str, Any]:
    """Return everything measured of the model in a run's folder.

    Args:
        data: Folder of the films.
        out: Folder of the run, with the exported model.

    Raises:
        DatasetError: The films cannot be read.
        ModelError: The model cannot be run.
    """
    train, test = read_films(data, "train"), read_films(data, "test")
    cache = out / "cache"
    model = out / MODEL_FILE
    logits, settings = run_model(model, load_pixels(data, train, cache))
    _, held_out = split_by_patient(train, settings["held_out"], settings["seed"])
    labels = np.array([train[index].label for index in held_out], dtype=np.int64)
    temperature = metrics.fit_temperature(logits[held_out], labels)
    score = 1.0 - metrics.softmax(logits[held_out], temperature)[:, 0]
    threshold = metrics.threshold_at_sensitivity(score, labels > 0, TARGET_SENSITIVITY)
    films = [train[index] for index in held_out]
    return {
        "labels": list(LABELS),
        "model_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "source_weights_sha256": SOURCE_SHA256,
        "settings": settings,
        "versions": versions(),
        "temperature": round(temperature, 4),
        "decision_rule": {
            "pneumonia_if_bacterial_plus_viral_at_least": round(threshold, 4),
            "probabilities": "softmax(logits / temperature)",
            "then": "the likelier of bacterial and viral",
            "chosen_for_sensitivity_on_validation": TARGET_SENSITIVITY,
        },
        "validation": describe(films, logits[held_out], temperature, threshold),
        "test": describe(
            test, run_model(model, load_pixels(data, test, cache))[0], temperature, threshold
        ),
        "epochs": training_record(out / "log.jsonl"),
    }


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(data: Path, out: Path) -> None:
    """Measure OUT/chest_xray_float.onnx on the films in DATA and write OUT/metrics.json."""
    try:
        found = evaluate(data, out)
        (out / "metrics.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except (DatasetError, ModelError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for part in ("validation", "test"):
        click.echo(f"{part}: {found[part]['films']} films")
        for name, figure in found[part]["figures"].items():
            click.echo(f"  {name} {figure['value']} ({figure['low']} to {figure['high']})")


if __name__ == "__main__":
    main()
