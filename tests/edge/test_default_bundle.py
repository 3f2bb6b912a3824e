"""What the bundle that comes with edgedx promises."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.bundle.manifest import Manifest
from edge.bundle.reader import open_bundle
from edge.model_loader import DEFAULT_BUNDLE

ENGINES = {"onnxruntime": "model.int8.onnx", "litert": "model.int8.tflite"}
MOST_BYTES = 6 * 2**20


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    with open_bundle(DEFAULT_BUNDLE) as bundle:
        return bundle.manifest


def test_it_holds_both_int8_files_of_at_most_6_mib(manifest: Manifest) -> None:
    held = {(each.engine, each.path, each.precision) for each in manifest.artifacts}
    assert held == {(engine, path, "int8") for engine, path in ENGINES.items()}
    sizes = {entry.path: entry.size_bytes for entry in manifest.files}
    assert all(sizes[path] <= MOST_BYTES for path in ENGINES.values())


def test_its_model_card_says_what_it_is_and_that_it_is_not_for_patients(
    manifest: Manifest,
) -> None:
    assert "not a medical device" in manifest.intended_use
    assert any("Not for patients" in limit for limit in manifest.limits)
    assert any("Kermany" in name and "CC BY 4.0" in name for name in manifest.attribution)


def test_its_evidence_covers_the_float_model_and_both_int8_files(manifest: Manifest) -> None:
    assert manifest.evidence is not None
    measured = {
        metric.artifact: metric
        for metric in manifest.evidence.metrics
        if metric.name == "test auroc_pneumonia"
    }
    assert set(measured) == {"source", *ENGINES.values()}
    for metric in measured.values():
        assert metric.examples == 624
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low < metric.value < metric.high


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_right_about_the_sample_films(engine: str, sample_films: list[Path]) -> None:
    """Chosen by file name, not by answer: pneumonia or not is what the films are labelled."""
    with edge.load(engine=engine) as model:
        is_normal = {film.stem: model.run(film).top.label == "normal" for film in sample_films}
    assert is_normal == {"bacterial": False, "normal": True, "viral": False}


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Share of pairs that are in the right order, ties counting half."""
    difference = scores[positive][:, None] - scores[~positive][None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


@pytest.mark.shared_data
@pytest.mark.slow
def test_on_the_624_test_films_both_int8_files_keep_the_float_models_answers(
    manifest: Manifest, shared_data: Path
) -> None:
    films = [
        film
        for kind in ("NORMAL", "PNEUMONIA")
        for film in sorted((shared_data / "cxr-kermany" / "test" / kind).iterdir())
    ]
    positive = np.array([film.parent.name == "PNEUMONIA" for film in films])
    assert (len(films), int(positive.sum())) == (624, 390)
    assert manifest.evidence is not None
    [float_auroc] = [
        metric.value
        for metric in manifest.evidence.metrics
        if (metric.artifact, metric.name) == ("source", "test auroc_pneumonia")
    ]
    decisions = []
    for engine in ENGINES:
        ran = subprocess.run(
            [sys.executable, "-m", "edge", "--json", "--engine", engine, *map(str, films)],
            capture_output=True,
            text=True,
            check=True,
        )
        outputs = [json.loads(line)["outputs"][0] for line in ran.stdout.splitlines()]
        normal = np.array([output["scores"][0]["score"] for output in outputs])
        decisions.append([output["decision"] for output in outputs])
        measured = auroc(1 - normal, positive)
        assert measured >= 0.97
        assert abs(measured - float_auroc) <= 0.005
    same = np.mean([first == second for first, second in zip(*decisions, strict=True)])
    assert same >= 0.98


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_a_board_may_prefer_an_engine(engine: str) -> None:
    with edge.load(options=edge.LoadOptions(preferred_engine=engine)) as model:
        assert model.parts.engine.name == engine
