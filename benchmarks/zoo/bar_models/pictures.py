"""Real pictures for the image models: dermatoscope pictures and chest films, 224 px.

Sources, read from the labelled data folder and never copied: HAM10000 (Tschandl et al. 2018,
CC BY-NC) and the chest films of children of Kermany et al. 2018 (CC BY 4.0).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

__all__ = [
    "PictureSplits",
    "Pictures",
    "imagenet_normalised",
    "read_films",
    "read_films_and_skin",
    "unit_normalised",
]

_SEED = 20260101
_SKIN_CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
_FILM_CLASSES = ("normal", "bacteria", "virus")
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_TRAIN_PER_CLASS = 30
_HELD = 64


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures and what they show.

    Attributes:
        pixels: uint8 [N, 224, 224, 3], RGB.
        labels: int64 [N].
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PictureSplits:
    """Disjoint sets: 30 pictures a class to train on, 64 to calibrate, 64 to test."""

    train: Pictures
    calibration: Pictures
    test: Pictures
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    label: int
    is_test: bool


def imagenet_normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Map uint8 [N, H, W, 3] to float32 [N, 3, H, W] by ImageNet's mean and deviation."""
    scaled = (pixels.astype(np.float32) / 255.0 - _IMAGENET_MEAN) / _IMAGENET_DEVIATION
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def unit_normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Map uint8 [N, H, W, C] to float32 [N, C, H, W], (pixel - 127) / 128."""
    scaled = (pixels.astype(np.float32) - 127.0) / 128.0
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def read_films(data: Path) -> PictureSplits:
    """Read chest films only: three classes.

    Raises:
        InputError: the folder or a film is missing.
    """
    return _split(_films(data, 0), _FILM_CLASSES)


def read_films_and_skin(data: Path) -> PictureSplits:
    """Read dermatoscope pictures (seven classes) and chest films (three more).

    Raises:
        InputError: a folder or a picture is missing.
    """
    return _split(
        [*_skin(data), *_films(data, len(_SKIN_CLASSES))], (*_SKIN_CLASSES, *_FILM_CLASSES)
    )


def _films(data: Path, first_label: int) -> list[_Entry]:
    folder = data / "cxr-kermany"
    return [
        _Entry(
            path=folder / row["split"] / row["class"] / row["file"],
            label=first_label + _FILM_CLASSES.index(row["subtype"]),
            is_test=row["split"] == "test",
        )
        for row in _rows(folder / "labels.csv")
    ]


def _skin(data: Path) -> list[_Entry]:
    """Every other lesion of a class, in the order of the file, is for the test."""
    folder = data / "skin-ham10000"
    seen: dict[str, int] = {}
    entries = []
    for row in _rows(folder / "labels.csv"):
        count = seen[row["dx"]] = seen.get(row["dx"], 0) + 1
        label = _SKIN_CLASSES.index(row["dx"])
        entries.append(_Entry(folder / "images" / row["image"], label, is_test=count % 2 == 0))
    return entries


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(
            f"cannot read '{path}': {error.strerror}; name the folder with --data"
        ) from error


def _split(entries: list[_Entry], classes: tuple[str, ...]) -> PictureSplits:
    rng = np.random.default_rng(_SEED)
    order: list[int] = rng.permutation(len(entries)).tolist()
    shuffled = [entries[index] for index in order]
    known = _balanced(shuffled, len(classes), lambda entry: not entry.is_test)
    unknown = _balanced(shuffled, len(classes), lambda entry: entry.is_test)
    count = _TRAIN_PER_CLASS * len(classes)
    return PictureSplits(
        train=_load(known[:count]),
        calibration=_load(known[count : count + _HELD]),
        test=_load(unknown[:_HELD]),
        classes=classes,
    )


def _balanced(
    entries: list[_Entry], classes: int, is_wanted: Callable[[_Entry], bool]
) -> list[_Entry]:
    """The wanted entries, one of each class in turn for as long as all classes have one."""
    queues: list[list[_Entry]] = [[] for _ in range(classes)]
    for entry in entries:
        if is_wanted(entry):
            queues[entry.label].append(entry)
    longest = max(len(queue) for queue in queues)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]


def _load(entries: list[_Entry]) -> Pictures:
    pixels = []
    for entry in entries:
        picture = cv2.imread(str(entry.path), cv2.IMREAD_COLOR)
        if picture is None:
            raise InputError(f"cannot read the picture '{entry.path}'; is the data folder whole?")
        pixels.append(picture[:, :, ::-1])
    labels = np.array([entry.label for entry in entries], np.int64)
    return Pictures(np.stack(pixels).astype(np.uint8), labels)
