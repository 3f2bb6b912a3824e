"""Trained models of pictures: a head on ImageNet features, made here, and a network of others."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.zoo.trained_models.picture_sets import PICTURE_SETS
from benchmarks.zoo.trained_models.task import Bar, Places, Task, Words
from benchmarks.zoo.trained_models.torch_programs import run_torch
from edge.errors import InputError

__all__ = ["PICTURE_TASKS", "crop_brain"]

_HEAD = "EfficientNet-Lite0, ImageNet features as they are, head trained here (train_head.py)"
_SKULL = 45
"""Grey value above which a pixel is no background, as in the brain model's own preprocessing."""


def crop_brain(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut a slice to its largest bright region, as the brain model was trained.

    Args:
        picture: uint8 [H, W, 3].

    Returns:
        A view of the picture; all of it where nothing is bright.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    _, bright = cv2.threshold(grey, _SKULL, 255, cv2.THRESH_BINARY)
    kernel = np.ones((3, 3), np.uint8)
    bright = cv2.dilate(cv2.erode(bright, kernel, iterations=2), kernel, iterations=2)
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return picture
    left, top, width, height = cv2.boundingRect(max(outlines, key=cv2.contourArea))
    return picture[top : top + height, left : left + width]


def _prepare_head(name: str, places: Places, folder: Path) -> Words:
    chosen = PICTURE_SETS[name]
    if not (folder / "training.json").is_file():
        module = "benchmarks.zoo.trained_models.train_head"
        run_torch(places, module, name, str(folder), "--data", str(places.data))
    channels = 1 if chosen.is_grey else 3
    card = {
        "name": f"{name.replace('_', '-')}-lite0",
        "labels": chosen.labels,
        "kind": "classification",
        "activation": "softmax",
        "colour": "grey" if chosen.is_grey else "rgb",
        "scale": 1.0,
        "mean": [127.0] * channels,
        "std": [128.0] * channels,
        "resize": "stretch",
    }
    _write_json(folder / "card.json", card)
    calibration = _linked_training_pictures(folder)
    return (
        *(str(folder / "model.onnx"), "--card", str(folder / "card.json")),
        *("--calib", str(calibration)),
        *("--data", str(folder / "labels.csv"), "--data-split", "test"),
    )


def _prepare_chest(places: Places, folder: Path) -> Words:
    return _prepare_head("chest_xray", places, folder)


def _prepare_skin(places: Places, folder: Path) -> Words:
    return (*_prepare_head("skin", places, folder), "--claim-within", "0.2")


def _prepare_fundus(places: Places, folder: Path) -> Words:
    return _prepare_head("fundus", places, folder)


def _linked_training_pictures(folder: Path) -> Path:
    """A folder of links to the training pictures, for `--calib`."""
    links = folder / "calibration"
    links.mkdir(exist_ok=True)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        training = [Path(row["file"]) for row in csv.DictReader(stream) if row["split"] == "train"]
    for at, path in enumerate(training):
        link = links / f"{at:05d}{path.suffix}"
        if not link.is_symlink():
            link.symlink_to(path)
    return links


def _prepare_brain(places: Places, folder: Path) -> Words:
    data = places.data / "brain-mri"
    model = data / "cnn-parameters-improvement-23-0.91.h5"
    found = (
        sorted((data / "yes").iterdir()) + sorted((data / "no").iterdir())
        if model.is_file()
        else []
    )
    if not found:
        raise InputError(f"cannot read '{model}'; name the folder with --data")
    slices = folder / "slices"
    slices.mkdir(exist_ok=True)
    rows: list[tuple[str, int]] = []
    for path in found:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            continue
        target = slices / f"{path.parent.name}-{path.stem.replace(' ', '-')}.png"
        cv2.imwrite(str(target), crop_brain(np.asarray(picture, np.uint8)))
        rows.append((f"slices/{target.name}", int(path.parent.name == "yes")))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("file", "tumour"), *rows])
    card = {
        "name": "brain-mri-cnn",
        "labels": ["tumour"],
        "kind": "multilabel",
        "activation": "none",
        "colour": "bgr",
        "scale": 1 / 255,
        "mean": [0.0],
        "std": [1.0],
        "resize": "stretch",
    }
    _write_json(folder / "card.json", card)
    return (
        *(str(model), "--card", str(folder / "card.json")),
        *("--calib", str(slices), "--data", str(folder / "labels.csv")),
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


PICTURE_TASKS = (
    Task(
        "chest_xray",
        _HEAD,
        "the official 624 test films of Kermany et al.; patients of the training split are others",
        "films CC BY 4.0, ImageNet weights Apache-2.0: may be passed on",
        _prepare_chest,
    ),
    Task(
        "skin",
        _HEAD,
        "dermatoscope pictures of HAM10000, lesions that were not trained on",
        "CC BY-NC: measured only, not passed on",
        _prepare_skin,
    ),
    Task(
        "fundus",
        _HEAD,
        "fundus photographs, referable retinopathy, patients that were not trained on",
        "academic use: measured only, not passed on",
        _prepare_fundus,
    ),
    Task(
        "brain_mri",
        "Keras CNN of others (.h5)",
        "253 slices, most of its training set among them: says what int8 costs, not how good it is",
        "pictures of unclear licence: measured only, not passed on",
        _prepare_brain,
        Bar(),
    ),
)
