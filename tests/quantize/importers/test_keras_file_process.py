"""A Keras file is read in a process of its own: what it does to libhdf5 ends in one line."""

from pathlib import Path

import numpy as np
import pytest
from test_keras_layers import read_here, recorded

from edge.errors import EdgeError, InputError, InputNotFoundError
from quantize.importers.keras.build_model import load_keras_model
from quantize.importers.keras.file_process import read_keras_file
from quantize.importers.keras.model_file import parse_keras_file

ENDLESS = (9320, 123)
"""Place and value of a byte that sends libhdf5 1.14 round in circles; found by changing bytes."""


@pytest.fixture(params=[".h5", ".keras"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"whole{request.param}"
    path.write_bytes(recorded(f"shared layers{request.param}"))
    return path


def test_it_holds_what_it_holds_when_read_in_this_process(whole: Path) -> None:
    found, wanted = read_keras_file(whole), parse_keras_file(whole)
    assert (found.config, found.major_version) == (wanted.config, wanted.major_version)
    for one, other in ((found.arrays, wanted.arrays), (found.layers, wanted.layers)):
        assert (one is None) == (other is None)
        assert list(one or {}) == list(other or {})
        for name, arrays in (one or {}).items():
            for actual, expected in zip(arrays, other[name], strict=True):
                np.testing.assert_array_equal(actual, expected, strict=True)


def test_the_model_is_the_same(whole: Path) -> None:
    assert load_keras_model(whole).SerializeToString() == read_here(whole).SerializeToString()


def test_a_file_that_is_not_read_in_time_is_given_up(tmp_path: Path) -> None:
    changed = bytearray(recorded("shared layers.h5"))
    place, value = ENDLESS
    changed[place] = value
    path = tmp_path / "endless.h5"
    path.write_bytes(changed)
    with pytest.raises(InputError, match=r"endless\.h5: (not read after 3 seconds|.*damaged)"):
        read_keras_file(path, deadline_s=3.0)


def test_a_missing_file_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"nowhere\.h5: no such model file"):
        read_keras_file(tmp_path / "nowhere.h5")


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_and_changed_file_gives_a_model_or_one_line(seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    changed = np.frombuffer(recorded("shared layers.h5"), np.uint8).copy()
    places = random.integers(0, changed.size, random.choice([1, 20, 200]))
    changed[places] = random.integers(0, 256, places.size)
    length = random.choice([changed.size, random.integers(1, changed.size)])
    path = tmp_path / "changed.h5"
    path.write_bytes(changed[:length].tobytes())
    try:
        read_keras_file(path, deadline_s=10.0)
    except EdgeError as error:
        said = str(error)
        assert "changed.h5" in said
        assert "\n" not in said
        assert "cannot be read" not in said, "the child process gave a reason of its own"
