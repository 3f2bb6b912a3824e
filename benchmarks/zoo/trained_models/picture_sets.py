"""Labelled pictures, each set with a split by patient that no training crosses.

Read from the labelled data folder and never copied: chest films of children (Kermany et al. 2018,
CC BY 4.0), dermatoscope pictures (HAM10000, Tschandl et al. 2018, CC BY-NC) and fundus photographs
(academic use). Models made from the last two may be measured, not passed on.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.errors import InputError

__all__ = ["PICTURE_SETS", "LabelledPicture", "PictureSet"]

Split = Literal["train", "validation", "test"]

_VALIDATION_PERCENT = 15
_TEST_PERCENT = 40
_REFERABLE = 2


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture file, what it shows, and in which split its patient is."""

    path: Path
    label: str
    group: str
    split: Split


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Where pictures are and what a model of them answers.

    Attributes:
        folder: below the data folder.
        labels: in the order of the model's outputs.
        is_grey: whether the model takes one channel.
        read: the folder -> its pictures.
    """

    folder: str
    labels: tuple[str, ...]
    is_grey: bool
    read: Callable[[Path], Iterator[LabelledPicture]]


def _drawn(group: str, *, has_own_test: bool) -> Split:
    """The split of a patient or lesion: by the digest of its name, so that it never changes."""
    percent = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % 100
    if percent < _VALIDATION_PERCENT:
        return "validation"
    is_test = not has_own_test and percent < _VALIDATION_PERCENT + _TEST_PERCENT
    return "test" if is_test else "train"


def _films(folder: Path) -> Iterator[LabelledPicture]:
    names = {"normal": "normal", "bacteria": "bacterial pneumonia", "virus": "viral pneumonia"}
    for row in _rows(folder / "labels.csv"):
        match = re.search(r"person\d+|IM-\d+", row["file"])
        patient = match[0] if match else row["file"]
        split: Split = "test" if row["split"] == "test" else _drawn(patient, has_own_test=True)
        path = folder / row["split"] / row["class"] / row["file"]
        yield LabelledPicture(path, names[row["subtype"]], patient, split)


def _skin(folder: Path) -> Iterator[LabelledPicture]:
    for row in _rows(folder / "labels.csv"):
        lesion = row["lesion_id"]
        split = _drawn(lesion, has_own_test=False)
        yield LabelledPicture(folder / "images" / row["image"], row["dx"], lesion, split)


def _fundus(folder: Path) -> Iterator[LabelledPicture]:
    """Referable means grade 2 or worse; photographs without a grade are left out."""
    for row in _rows(folder / "labels.csv"):
        grade = int(row["icdr_grade_derived"])
        if grade < 0:
            continue
        label = "referable" if grade >= _REFERABLE else "not referable"
        split = _drawn(row["patient"], has_own_test=False)
        path = folder / "images_640" / row["image"]
        yield LabelledPicture(path, label, row["patient"], split)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise InputError(
            f"cannot read '{path}': {error.strerror}; name the folder with --data"
        ) from error


PICTURE_SETS: dict[str, PictureSet] = {
    "chest_xray": PictureSet(
        "cxr-kermany", ("normal", "bacterial pneumonia", "viral pneumonia"), True, _films
    ),
    "skin": PictureSet(
        "skin-ham10000", ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"), False, _skin
    ),
    "fundus": PictureSet("fundus-dr", ("not referable", "referable"), False, _fundus),
}
