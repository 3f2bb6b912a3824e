"""The real inputs of the models that int8 toolchains are compared on."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.zoo.bar_models.pictures import (
    PictureSplits,
    imagenet_normalised,
    read_films,
    read_films_and_skin,
    unit_normalised,
)
from benchmarks.zoo.bar_models.series import (
    SeriesSplits,
    read_beats,
    read_stays,
    read_stays_with_context,
)
from edge.errors import InputError

SERIES = [read_stays, read_stays_with_context, read_beats]


def digests(pixels) -> set[bytes]:
    return {picture.tobytes() for picture in pixels}


@pytest.mark.shared_data
@pytest.mark.parametrize("read", [read_films, read_films_and_skin])
def test_no_picture_is_in_two_sets(shared_data: Path, read) -> None:
    splits: PictureSplits = read(shared_data)
    train, calibration, test = (
        digests(each.pixels) for each in (splits.train, splits.calibration, splits.test)
    )
    assert len(train) == 30 * len(splits.classes)
    assert len(calibration) == len(test) == 64
    assert not train & calibration
    assert not (train | calibration) & test


@pytest.mark.shared_data
def test_every_class_is_in_every_set(shared_data: Path) -> None:
    splits = read_films(shared_data)
    for part in (splits.train, splits.calibration, splits.test):
        assert set(part.labels.tolist()) == {0, 1, 2}
        assert part.pixels.shape[1:] == (224, 224, 3)


@pytest.mark.shared_data
@pytest.mark.parametrize("read", SERIES)
def test_series_are_finite_and_the_same_every_time(shared_data: Path, read) -> None:
    first, second = read(shared_data), read(shared_data)
    for name in ("train", "calibration", "test"):
        one, two = getattr(first, name), getattr(second, name)
        assert np.array_equal(one.labels, two.labels)
        for key, values in one.inputs.items():
            assert np.isfinite(values).all()
            assert np.array_equal(values, two.inputs[key])


@pytest.mark.shared_data
def test_beats_to_test_come_from_other_records(shared_data: Path) -> None:
    splits: SeriesSplits = read_beats(shared_data)
    test = digests(splits.test.inputs["signal"])
    assert not test & digests(splits.train.inputs["signal"])
    assert set(splits.test.labels.tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.shared_data
def test_masked_hours_of_a_stay_are_zero_and_the_category_is_an_index(shared_data: Path) -> None:
    inputs = read_stays_with_context(shared_data).test.inputs
    assert not inputs["series"][inputs["mask"] == 0].any()
    assert inputs["category"].dtype == np.int64
    assert set(inputs["category"].tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("read", [read_films, read_films_and_skin, *SERIES])
def test_a_missing_data_folder_is_one_line(tmp_path: Path, read) -> None:
    with pytest.raises(InputError, match="--data"):
        read(tmp_path)


def test_normalisations_put_channels_first() -> None:
    black, white = (np.full((1, 2, 3, 3), value, np.uint8) for value in (0, 255))
    assert unit_normalised(black).shape == (1, 3, 2, 3)
    assert float(unit_normalised(white).max()) == 1.0
    red = imagenet_normalised(white)[0, 0, 0, 0]
    assert red == pytest.approx((1 - 0.485) / 0.229, rel=1e-5)
