"""`edge-bench run` measures models of series, tables and several inputs as it does pictures."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.records.measurement import Measurement
from benchmarks.records.record_file import read_record

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "edge"))
from record_samples import (  # noqa: E402
    PATIENT,
    STAGE,
    SURVIVAL,
    fusion_inputs,
    fusion_model,
    model_bytes,
    npz,
    risk_bundle,
    tensor_info,
    write_sample,
)


def measure(*words: object, output: Path) -> Measurement:
    """The only measurement of a short run."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "run", "--threads", "1"),
            *("--min-duration", "0.1", "--min-queries", "10", "--sustained", "0"),
            *("--cold-starts", "1", "-o", str(output), *map(str, words)),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (measurement,) = read_record(output).measurements
    assert measurement.status == "complete"
    assert measurement.truth.wrong_answers == 0
    assert measurement.phases["timed"].count >= 10
    assert len(measurement.cold_starts) == 1
    return measurement


def test_a_series_with_gaps(tmp_path: Path) -> None:
    bundle = risk_bundle(tmp_path / "risk.edge")
    measurement = measure(bundle, output=tmp_path / "record.json")
    assert [each.name for each in measurement.inputs.identities] == ["00.npz", "01.npy"]
    assert measurement.truth.golden_inputs == 2
    assert measurement.truth.same_tensors
    assert set(measurement.phases["timed"].values("input").tolist()) == {0, 1}


def test_a_picture_with_a_table_and_a_vector(tmp_path: Path) -> None:
    import cv2

    scan = cv2.imencode(".png", np.random.default_rng(5).integers(0, 255, (40, 40), np.uint8))[1]
    record = npz(
        scan=scan.ravel(), patient=np.array([70.0, 1, np.nan]), genes=np.array([0, 1, 2, 3])
    )
    bundle = write_sample(
        tmp_path / "fusion.edge",
        fusion_model(),
        fusion_inputs(),
        (STAGE, SURVIVAL),
        {"golden/00.npz": record},
    )
    measurement = measure(bundle, output=tmp_path / "record.json")
    assert measurement.truth.golden_inputs == 1
    assert measurement.truth.repeated is None
    assert any("takes two inputs" in each for each in measurement.verdict.notes)
    # A record may name its picture beside it; it is read anew for every answer.
    (tmp_path / "scan.png").write_bytes(scan.tobytes())
    beside = tmp_path / "patient.edge.json"
    inputs = {"scan": "scan.png", "patient": [70, "male", None], "genes": [0, 1, 2, 3]}
    beside.write_text(json.dumps({"inputs": inputs}))
    given = measure(bundle, "--input", beside, output=tmp_path / "given.json")
    assert given.inputs.kind == "given"


def test_an_input_that_is_not_what_the_model_takes_is_one_line(tmp_path: Path) -> None:
    bundle = risk_bundle(tmp_path / "risk.edge")
    other = tmp_path / "other.npy"
    np.save(other, np.zeros((2, 2), np.float32))
    for starts in ("0", "1"):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks", "run", str(bundle), "--threads", "1"),
                *("--cold-starts", starts, "--input", str(other)),
                *("-o", str(tmp_path / "record.json")),
            ],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert (done.returncode, done.stdout) == (3, "")
        assert done.stderr.startswith("edge-bench: other.npy: ")
        assert done.stderr.count("\n") == 1
        assert sorted(each.name for each in tmp_path.iterdir()) == ["other.npy", "risk.edge"]


def test_every_row_of_a_table(tmp_path: Path) -> None:
    from onnx import helper

    weights = np.random.default_rng(6).normal(0, 0.3, (3, 3)).astype(np.float32)
    model = model_bytes(
        [helper.make_node("MatMul", ["patient", "w"], ["stage"])],
        [tensor_info("patient", (1, 3))],
        {"stage": (1, 3)},
        {"w": weights},
    )
    bundle = write_sample(
        tmp_path / "table.edge",
        model,
        (PATIENT,),
        (STAGE,),
        {"golden/00.csv": b"age,sex,size\n61,male,12\n"},
    )
    table = tmp_path / "patients.csv"
    table.write_text("age,sex,size\n61,male,12\n47,female,\n80,male,3\n")
    measurement = measure(bundle, "--input", table, output=tmp_path / "record.json")
    assert [each.name for each in measurement.inputs.identities] == [
        f"patients-{row}.csv" for row in range(3)
    ]


@pytest.mark.parametrize("given", ["random", "tensors"])
def test_an_engine_alone(tmp_path: Path, given: str) -> None:
    from onnx import helper

    model = tmp_path / "model.onnx"
    model.write_bytes(
        model_bytes(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            [tensor_info("x", (1, 30))],
            {"y": (1, 5)},
            {"w": np.ones((30, 5), np.float32)},
        )
    )
    if given == "random":
        words: tuple[object, ...] = ("--random",)
    else:
        np.save(tmp_path / "x.npy", np.ones((1, 30), np.float32))
        words = ("--input", tmp_path / "x.npy")
    measurement = measure(model, *words, output=tmp_path / "record.json")
    assert measurement.inputs.kind == ("random" if given == "random" else "given")
    assert all(len(each.sha256) == 64 for each in measurement.inputs.identities)
    assert measurement.own_cost.pipeline_floor_ns is None
    assert measurement.truth.golden_inputs == 0
