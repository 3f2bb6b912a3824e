"""What can be said of the other quantizers' programs without installing those quantizers."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers.quantizers.artifact_files import artifact_path
from benchmarks.peers.quantizers.environments import ENVIRONMENTS, Environment, make_environment
from benchmarks.peers.quantizers.settings import FAMILIES, SETTINGS, settings_for
from benchmarks.peers.quantizers.workers.litert_quantizer_worker import least_squares_range
from benchmarks.peers.quantizers.workers.request import Request, calibration_examples
from edge.errors import EngineNotInstalledError


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: f"{each.peer} {each.name}")
def test_every_setting_has_a_program_and_an_environment(setting) -> None:
    module = importlib.import_module(f"benchmarks.peers.quantizers.workers.{setting.worker}")
    assert callable(module.quantize)
    assert setting.environment in ENVIRONMENTS


@pytest.mark.parametrize("family", FAMILIES)
def test_settings_of_a_family_have_files_of_their_own(family: str) -> None:
    paths = [
        artifact_path(Path("cache"), "model", each.peer, each.name, each.engine)
        for each in settings_for(family, ())
    ]
    assert len(set(paths)) == len(paths)


def test_only_the_named_quantizers_are_run() -> None:
    assert {each.peer for each in settings_for("cnn", ("nncf", "quark"))} == {"nncf", "quark"}


def test_every_requirement_is_exact() -> None:
    loose = [
        text for each in ENVIRONMENTS.values() for text in each.requirements if "==" not in text
    ]
    assert loose == []


@pytest.mark.slow
def test_an_environment_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    impossible = Environment("impossible", ("no requirement at all",), 0)
    with pytest.raises(EngineNotInstalledError, match="'impossible' cannot be made") as caught:
        make_environment(impossible, tmp_path)
    assert "\n" not in str(caught.value)


def test_examples_come_one_at_a_time_with_every_input(tmp_path: Path) -> None:
    series, category = np.arange(6, dtype=np.float32).reshape(3, 2), np.arange(3)
    np.savez(tmp_path / "calib.npz", series=series, category=category)
    request = Request(tmp_path, tmp_path, tmp_path / "calib.npz", tmp_path, {})
    examples = list(calibration_examples(request))
    assert [each["series"].tolist() for each in examples] == [[[0, 1]], [[2, 3]], [[4, 5]]]
    assert [each["category"].tolist() for each in examples] == [[0], [1], [2]]


def test_a_lone_outlier_is_clipped_and_an_even_spread_is_not() -> None:
    even = np.full(2048, 100)
    assert least_squares_range(even, (-1.0, 1.0)) == (-1.0, 1.0)
    outlier = np.zeros(2048, np.int64)
    outlier[:700], outlier[-1] = 100_000, 1
    low, high = least_squares_range(outlier, (0.0, 10.0))
    assert low == 0.0
    assert high < 5.0
