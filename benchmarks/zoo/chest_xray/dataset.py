"""The labelled chest films: reading, pixel cache, split by patient, normalisation.

The films are those of Kermany, Zhang and Goldbaum (2018), CC BY 4.0, as a folder with
``labels.csv`` (columns ``split,class,file,subtype``) and the films under ``SPLIT/CLASS/FILE``.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "INPUT_SIZE",
    "LABELS",
    "MODEL_FILE",
    "PIXEL_MEAN",
    "PIXEL_SCALE",
    "DatasetError",
    "Film",
    "load_pixels",
    "normalise",
    "patient_of",
    "read_films",
    "read_grey",
    "split_by_patient",
]

INPUT_SIZE = 224
PIXEL_MEAN = 127.0
PIXEL_SCALE = 128.0
MODEL_FILE = "chest_xray_float.onnx"
LABELS = ("normal", "bacterial pneumonia", "viral pneumonia")
_SUBTYPES = {"normal": 0, "bacteria": 1, "virus": 2}
_COLUMNS = {"split", "class", "file", "subtype"}


class DatasetError(ValueError):
    """The data folder is not what the recipe expects."""


@dataclass(frozen=True)
class Film:
    """One labelled film.

    Attributes:
        path: Path relative to the data folder.
        label: Index into :data:`LABELS`.
        patient: Name of the patient, from the file name.
    """

    path: str
    label: int
    patient: str


def patient_of(file: str) -> str:
    """Return the patient's name that a file name carries.

    ``personNNN_bacteria_M.jpeg`` gives ``personNNN``, whatever the subtype. ``IM-NNNN-...`` and
    ``NORMAL2-IM-NNNN-...`` both give ``IM-NNNN``: whether they share numbering is not documented,
    and taking them for one patient can only make the split more careful.

    Raises:
        DatasetError: The name follows neither pattern.
    """
    match = re.match(r"(person\d+)_(?:bacteria|virus)_|(?:NORMAL\d*-)?(IM-\d+)-", file)
    if match is None:
        msg = f"no patient number in the file name {file!r}"
        raise DatasetError(msg)
    return match[1] or match[2]


def read_films(data: Path, split: str) -> list[Film]:
    """Read one split of the labels, in the order of the table.

    Args:
        data: Folder with ``labels.csv``.
        split: ``train`` or ``test``.

    Returns:
        The films, at least one.

    Raises:
        DatasetError: The table is missing, lacks a column, names an unknown subtype or has no
            film in the split.
    """
    table = data / "labels.csv"
    try:
        with table.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if not _COLUMNS.issubset(reader.fieldnames or ()):
                msg = f"{table}: expected the columns {', '.join(sorted(_COLUMNS))}"
                raise DatasetError(msg)
            rows = [row for row in reader if row["split"] == split]
    except OSError as error:
        msg = f"cannot read {table}: {error.strerror}"
        raise DatasetError(msg) from error
    if not rows:
        msg = f"{table}: no film in the split {split!r}"
        raise DatasetError(msg)
    films = []
    for row in rows:
        if row["subtype"] not in _SUBTYPES:
            msg = f"{table}: unknown subtype {row['subtype']!r}"
            raise DatasetError(msg)
        path = f"{split}/{row['class']}/{row['file']}"
        films.append(Film(path, _SUBTYPES[row["subtype"]], patient_of(row["file"])))
    return films


def read_grey(path: Path) -> NDArray[np.uint8]:
    """Decode a film as grey, uint8 [224, 224]; another size is resized by area.

    Raises:
        DatasetError: The file is missing or no picture.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        msg = f"cannot decode the film {path}"
        raise DatasetError(msg)
    if pixels.shape != (INPUT_SIZE, INPUT_SIZE):
        pixels = cv2.resize(pixels, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(pixels, dtype=np.uint8)


def load_pixels(data: Path, films: Sequence[Film], cache: Path | None) -> NDArray[np.uint8]:
    """Decode films once and keep them in a file.

    Args:
        data: Data folder.
        films: Films to decode.
        cache: Folder for the decoded pixels, made if missing; None keeps none.

    Returns:
        uint8 [len(films), 224, 224].
    """
    stored = None
    if cache is not None:
        digest = hashlib.sha256("\n".join(film.path for film in films).encode()).hexdigest()
        stored = cache / f"films-{digest[:16]}.npy"
        if stored.is_file():
            return np.asarray(np.load(stored), dtype=np.uint8)
    pixels = np.stack([read_grey(data / film.path) for film in films])
    if stored is not None:
        stored.parent.mkdir(parents=True, exist_ok=True)
        partial = stored.with_suffix(".partial.npy")
        np.save(partial, pixels)
        partial.replace(stored)
    return pixels


def split_by_patient(
    films: Sequence[Film], fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out patients, the same share of those of every label.

    Args:
        films: All films.
        fraction: Share of the patients to hold out, 0 to 1.
        seed: Seed of the drawing.

    Returns:
        Indices of the films kept and of those held out, ascending; no patient is in both.
    """
    labels_of: dict[str, list[int]] = defaultdict(list)
    for film in films:
        labels_of[film.patient].append(film.label)
    strata: dict[int, list[str]] = defaultdict(list)
    for patient, labels in labels_of.items():
        strata[int(np.bincount(labels).argmax())].append(patient)
    generator = np.random.default_rng(seed)
    held_out: set[str] = set()
    for label in sorted(strata):
        patients = sorted(strata[label])
        count = round(fraction * len(patients))
        held_out.update(generator.permutation(patients)[:count].tolist())
    mask = np.array([film.patient in held_out for film in films])
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn grey pixels into the network's input.

    Args:
        pixels: uint8 [N, H, W].

    Returns:
        float32 [N, 1, H, W], (pixel - 127) / 128, from -0.992 to 1.
    """
    image = (pixels[:, None].astype(np.float32) - PIXEL_MEAN) / PIXEL_SCALE
    return np.asarray(image, dtype=np.float32)
