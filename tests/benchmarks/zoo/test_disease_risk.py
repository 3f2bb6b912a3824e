"""Stays read with their gaps, and the risk model on its whole road from raw values to an answer."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.zoo.disease_risk_lstm.card_values import card_inputs, card_values
from benchmarks.zoo.disease_risk_lstm.stays import CHANNELS, HOURS, read_stays
from edge.errors import InputError
from edge.model_loader import LoadOptions
from edge.preprocess.record import RecordPreprocessor
from edge.record import Record
from edge.selftest import run_selftest
from quantize.build_bundle import build_bundle
from quantize.build_request import BuildRequest, DataRequest
from quantize.model_card import read_card

RECIPE = Path(__file__).parents[3] / "benchmarks" / "zoo" / "disease_risk_lstm"
STAY = """Time,Parameter,Value
00:00,RecordID,7
00:00,Age,70
00:00,Height,-1
00:10,HR,80
00:50,HR,100
02:00,HR,60
24:00,HR,50
24:01,HR,500
03:00,pH,
03:05,Unheard,1
"""
OUTCOMES = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n7,1,1,5,-1,1\n"


@pytest.fixture
def challenge(tmp_path: Path) -> tuple[Path, Path]:
    """One stay as the challenge gives it."""
    archive, outcomes = tmp_path / "set.tar.xz", tmp_path / "Outcomes.txt"
    with tarfile.open(archive, "w:xz") as files:
        entry = tarfile.TarInfo("set/7.txt")
        entry.size = len(STAY)
        files.addfile(entry, io.BytesIO(STAY.encode()))
    outcomes.write_text(OUTCOMES)
    return archive, outcomes


def column(series: np.ndarray, name: str) -> list[float]:
    return series[:, CHANNELS.index(name)].tolist()


def test_an_hour_holds_the_mean_of_what_was_measured_in_it(challenge) -> None:
    stays = read_stays(*challenge)
    assert (stays.series.shape, stays.died.tolist(), stays.record_ids.tolist()) == (
        (1, HOURS, len(CHANNELS)),
        [1],
        [7],
    )
    pulse = column(stays.series[0], "HR")
    assert [pulse[0], pulse[2], pulse[23]] == [90.0, 60.0, 50.0]
    assert np.isnan(pulse[1])


def test_descriptors_stand_in_every_hour_and_unknown_ones_are_gaps(challenge) -> None:
    series = read_stays(*challenge).series[0]
    assert column(series, "Age") == [70.0] * HOURS
    assert np.isnan(column(series, "Height")).all()
    kept = read_stays(*challenge, keeps_unknown=True).series[0]
    assert column(kept, "Height") == [-1.0] * HOURS


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    outcomes = tmp_path / "Outcomes.txt"
    outcomes.write_text(OUTCOMES)
    with pytest.raises(InputError, match=r"set\.tar\.xz"):
        read_stays(tmp_path / "set.tar.xz", outcomes)


def test_the_card_fills_and_scales_and_makes_the_mask(challenge) -> None:
    series = read_stays(*challenge).series
    card = card_values(series)
    record = Record({"series": series}, source="stay")
    tensors = RecordPreprocessor(card_inputs(card)).canonical_tensors(record)
    pulse = CHANNELS.index("HR")
    assert tensors["mask"][0, :3, pulse].tolist() == [1.0, 0.0, 1.0]
    assert tensors["series"][0, 0, pulse] == tensors["series"][0, 1, pulse]
    assert np.isfinite(tensors["series"]).all()


def test_the_kept_card_is_what_the_recipe_says_but_for_its_numbers() -> None:
    kept = json.loads((RECIPE / "card.json").read_text(encoding="utf-8"))
    made = card_values(np.zeros((1, HOURS, len(CHANNELS)), np.float32))
    for key in ("fill", "mean", "std"):
        kept["inputs"]["series"].pop(key)
        made["inputs"]["series"].pop(key)
    assert kept == json.loads(json.dumps(made))


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_the_kept_bundle_answers_here_as_in_the_lab(engine: str) -> None:
    checks = list(run_selftest(RECIPE / "disease_risk_lstm.edge", LoadOptions(engine=engine)))
    assert len(checks) == 3
    assert all(each.is_passed for each in checks)


@pytest.mark.shared_data
@pytest.mark.slow
def test_int8_ranks_deaths_as_float_does(shared_data: Path, tmp_path: Path) -> None:
    """Set-b, 2000 stays as raw values with gaps: mean AUROC within 0.002, one flip in a hundred."""
    folder = shared_data / "ehr-physionet2012"
    stays = read_stays(folder / "set-b-first-2000.tar.xz", folder / "Outcomes-b-first-2000.txt")
    data = tmp_path / "set_b.npz"
    np.savez(data, series=stays.series, y=stays.died)
    request = BuildRequest(
        model=RECIPE / "model.onnx",
        calibration=(str(data),),
        destination=tmp_path / "risk.edge",
        card=read_card(RECIPE / "card.json"),
        data=DataRequest(data),
        most_examples=64,
    )
    evaluation = build_bundle(request).report.evaluation
    assert evaluation is not None
    int8 = [each for each in evaluation.comparisons if "int8" in each.model]
    assert len(int8) == 2
    for each in int8:
        assert abs(each.macro_auroc_difference.value) <= 0.002
        assert sum(flip.changed for flip in each.flips) <= 0.01 * evaluation.examples
