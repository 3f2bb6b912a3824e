"""Golden inputs are replayed with the answers that the lab gave, whatever this machine gives."""

import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from benchmarks.truth import MOST_STEPS, replay_golden
from edge.bundle.reader import open_bundle
from edge.model_loader import load
from edge.pipeline import Model

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "edge"))
from record_samples import labs, npy, risk_bundle  # noqa: E402

import edge  # noqa: E402


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return risk_bundle(tmp_path / "risk.edge")


@pytest.fixture
def golden(bundle: Path, tmp_path: Path) -> list[Path]:
    paths = []
    with open_bundle(bundle) as opened:
        for example in opened.manifest.golden:
            path = tmp_path / Path(example.input).name
            path.write_bytes(bytes(opened.read(example.input)))
            paths.append(path)
    return paths


def test_a_machine_that_answers_as_the_lab_did_is_no_step_off(
    bundle: Path, golden: list[Path]
) -> None:
    with load(bundle) as model:
        assert replay_golden(model, golden) == (0.0, True)


def test_another_input_is_seen_by_its_tensor_and_its_answer(
    bundle: Path, golden: list[Path]
) -> None:
    golden[1].write_bytes(npy(labs(9)))
    with load(bundle) as model:
        steps, is_same = replay_golden(model, golden)
    assert steps > 1
    assert not is_same


def test_an_output_that_may_not_differ_at_all_is_as_far_off_as_json_can_say(
    bundle: Path, golden: list[Path]
) -> None:
    with load(bundle) as model:
        engine, artifact = model.parts.engine, model.parts.artifact
        strict = msgspec.structs.replace(artifact, output_steps={"risk": 0.0})
        other = edge.ReplayEngine(engine.inputs, engine.outputs, [{"risk": np.ones((1, 1), "f4")}])
        changed = Model(replace(model.parts, artifact=strict, engine=other))
        assert replay_golden(changed, golden) == (MOST_STEPS, True)
