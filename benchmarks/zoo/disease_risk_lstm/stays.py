"""Stays of the PhysioNet/CinC Challenge 2012 as raw hourly series with their gaps.

Silva et al. 2012, "Predicting in-hospital mortality of ICU patients: The PhysioNet/Computing in
Cardiology Challenge 2012"; data under ODC-By 1.0.
"""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

__all__ = ["CHANNELS", "HOURS", "Stays", "read_stays"]

HOURS = 24
_MEASURES = [
    "Albumin",
    "ALP",
    "ALT",
    "AST",
    "Bilirubin",
    "BUN",
    "Cholesterol",
    "Creatinine",
    "DiasABP",
    "FiO2",
    "GCS",
    "Glucose",
    "HCO3",
    "HCT",
    "HR",
    "K",
    "Lactate",
    "Mg",
    "MAP",
    "MechVent",
    "Na",
    "NIDiasABP",
    "NIMAP",
    "NISysABP",
    "PaCO2",
    "PaO2",
    "pH",
    "Platelets",
    "RespRate",
    "SaO2",
    "SysABP",
    "Temp",
    "TroponinI",
    "TroponinT",
    "Urine",
    "WBC",
    "Weight",
]
_DESCRIPTORS = ("Age", "Gender", "Height", "ICUType")
CHANNELS = (*_MEASURES, *_DESCRIPTORS)
"""37 measures of the challenge in its order, then four descriptors repeated every hour."""

_UNKNOWN = -1.0
_DAY_MINUTES = HOURS * 60


@dataclass(frozen=True, slots=True)
class Stays:
    """Stays and how they ended.

    Attributes:
        series: float32 [N, 24, channels], in the units of the challenge; NaN is a gap.
        died: int64 [N], 1 for death in hospital.
        record_ids: int64 [N].
    """

    series: NDArray[np.float32]
    died: NDArray[np.int64]
    record_ids: NDArray[np.int64]


def read_stays(
    archive: Path,
    outcomes: Path,
    *,
    channels: Sequence[str] = CHANNELS,
    keeps_unknown: bool = False,
) -> Stays:
    """Read the stays of one set, those with an outcome, in the order of the outcomes.

    An hour holds the mean of what was measured in it.

    Args:
        archive: `set-a.tar.xz` or the like: one text file a stay.
        outcomes: `Outcomes-a.txt` or the like.
        channels: in the order wanted; one that the challenge does not have is a gap throughout.
        keeps_unknown: leave -1, by which the challenge says "not known", as a value; else a gap.

    Raises:
        InputError: a file is missing or is not what it should be.
    """
    died = _read_outcomes(outcomes)
    found: dict[int, NDArray[np.float32]] = {}
    try:
        with tarfile.open(archive) as files:
            for entry in files:
                opened = files.extractfile(entry) if entry.isfile() else None
                if opened is not None and entry.name.endswith(".txt"):
                    lines = opened.read().decode().splitlines()
                    record, series = _hourly(lines, channels, keeps_unknown=keeps_unknown)
                    found[record] = series
    except (OSError, tarfile.TarError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read '{archive}': {error}; name the folder with --data"
        ) from error
    kept = [record for record in died if record in found]
    if not kept:
        raise InputError(f"'{archive}' holds no stay of '{outcomes}'")
    return Stays(
        np.stack([found[record] for record in kept]),
        np.array([died[record] for record in kept], np.int64),
        np.array(kept, np.int64),
    )


def _read_outcomes(path: Path) -> Mapping[int, int]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            return {int(row["RecordID"]): int(row["In-hospital_death"]) for row in rows}
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"cannot read '{path}': {error}; name the folder with --data") from error


def _hourly(
    lines: Sequence[str], channels: Sequence[str], *, keeps_unknown: bool
) -> tuple[int, NDArray[np.float32]]:
    """Record number and float32 [24, channels] of one stay's file."""
    at = {name: index for index, name in enumerate(channels)}
    total = np.zeros((HOURS, len(channels)))
    count = np.zeros((HOURS, len(channels)))
    record = 0
    for minute, name, value in _entries(lines):
        if name == "RecordID":
            record = int(value)
        is_known = keeps_unknown or value != _UNKNOWN
        if minute > _DAY_MINUTES or name not in at or not is_known:
            continue
        hour = min(minute // 60, HOURS - 1)
        rows = slice(None) if name in _DESCRIPTORS else slice(hour, hour + 1)
        total[rows, at[name]] += value
        count[rows, at[name]] += 1
    with np.errstate(invalid="ignore"):
        return record, np.asarray(total / count, np.float32)


def _entries(lines: Sequence[str]) -> Iterator[tuple[int, str, float]]:
    """Minute, parameter and value of each line after the header."""
    for line in lines[1:]:
        time, name, value = line.split(",")
        hours, minutes = time.split(":")
        if value:
            yield int(hours) * 60 + int(minutes), name, float(value)
