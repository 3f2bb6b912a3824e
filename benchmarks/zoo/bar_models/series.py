"""Real series for the recurrent, attention and signal models.

Sources, read from the labelled data folder and never copied: PhysioNet/CinC Challenge 2012
(ODC-By 1.0), already processed to 24 hourly bins of 41 measures; beats of the MIT-BIH Arrhythmia
Database (ODC-By 1.0), split by record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

__all__ = ["Series", "SeriesSplits", "read_beats", "read_stays", "read_stays_with_context"]

_SEED = 20260102
_CALIBRATION = 64
_STAYS_TO_TEST = 1000
_BEATS_TO_TEST = 512
_SHORTEST_STAY = 12
_SERIES_CHANNELS = 37
_ICU_TYPES = 4
_TEST_RECORDS = (106, 119, 114, 124, 217, 228)
"""MIT-BIH records that no training beat comes from; they hold every class."""

Arrays = dict[str, NDArray[np.float32] | NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Series:
    """Inputs by name, each [N, ...], and labels int64 [N]."""

    inputs: Arrays
    labels: NDArray[np.int64]

    def part(self, start: int, stop: int) -> Series:
        """The examples from `start` up to `stop`."""
        inputs = {name: values[start:stop] for name, values in self.inputs.items()}
        return Series(inputs, self.labels[start:stop])


@dataclass(frozen=True, slots=True)
class SeriesSplits:
    """Disjoint sets; calibration examples come from where the training examples come from."""

    train: Series
    calibration: Series
    test: Series


def read_stays(data: Path) -> SeriesSplits:
    """Read intensive-care stays: `series`, float32 [N, 24, 41], and death in hospital.

    The last 1000 of the 2000 stays are the test set.

    Raises:
        InputError: the file is missing.
    """
    values, labels = _stays(data)
    return _stay_splits(Series({"series": values}, labels))


def read_stays_with_context(data: Path) -> SeriesSplits:
    """Read the same stays as `series`, `mask`, `static` and `category`.

    Stays are cut to 12 to 24 hours, uniformly, by a fixed seed: what follows is masked and zero.
    `static` is age, gender and height; `category` the type of the intensive-care unit, 0 to 3.

    Raises:
        InputError: the file is missing.
    """
    values, labels = _stays(data)
    count, steps, _ = values.shape
    lengths = np.random.default_rng(_SEED).integers(_SHORTEST_STAY, steps + 1, count)
    mask = (np.arange(steps)[None] < lengths[:, None]).astype(np.float32)
    context = values[:, 0, _SERIES_CHANNELS:]
    types = np.unique(context[:, 3])
    inputs: Arrays = {
        "series": np.ascontiguousarray(values[:, :, :_SERIES_CHANNELS] * mask[:, :, None]),
        "mask": mask,
        "static": np.ascontiguousarray(context[:, :3]),
        "category": np.searchsorted(types, context[:, 3]).clip(0, _ICU_TYPES - 1).astype(np.int64),
    }
    return _stay_splits(Series(inputs, labels))


def read_beats(data: Path) -> SeriesSplits:
    """Read heart beats: `signal`, float32 [N, 1, 260] at 360 Hz in millivolts, and five classes.

    Raises:
        InputError: the file is missing.
    """
    with _open(data / "ecg-mitbih" / "beats_260.npz") as archive:
        signals = archive["X"][:, None].astype(np.float32)
        labels, records = archive["y"].astype(np.int64), archive["record"]
    order = np.random.default_rng(_SEED).permutation(len(labels))
    is_test = np.isin(records[order], _TEST_RECORDS)
    known = _balanced(order[~is_test], labels)
    unknown = _balanced(order[is_test], labels)
    train = Series({"signal": signals[known]}, labels[known])
    test = Series({"signal": signals[unknown]}, labels[unknown])
    return SeriesSplits(
        train=train.part(_CALIBRATION, len(known)),
        calibration=train.part(0, _CALIBRATION),
        test=test.part(0, _BEATS_TO_TEST),
    )


def _balanced(order: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices with the classes in turn, so that rare classes stand in front as well."""
    ranks = np.zeros(len(order), np.int64)
    for label in np.unique(labels):
        where = np.flatnonzero(labels[order] == label)
        ranks[where] = np.arange(len(where))
    return order[np.argsort(ranks, kind="stable")]


def _stays(data: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    path = data / "ehr-physionet2012" / "set_b_first_2000_processed.npz"
    with _open(path) as archive:
        return archive["X"].astype(np.float32), archive["y"].astype(np.int64)


def _stay_splits(stays: Series) -> SeriesSplits:
    count = len(stays.labels)
    first_test = count - _STAYS_TO_TEST
    return SeriesSplits(
        train=stays.part(_CALIBRATION, first_test),
        calibration=stays.part(0, _CALIBRATION),
        test=stays.part(first_test, count),
    )


def _open(path: Path) -> np.lib.npyio.NpzFile:
    try:
        archive: np.lib.npyio.NpzFile = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error}; name the folder with --data") from error
    return archive
