"""Models that take series, tables, vectors and several inputs, from file to answer."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from record_samples import (
    CHANNELS,
    GENES,
    MEANS,
    NAMES,
    PATIENT,
    RISK,
    SCAN,
    STAGE,
    STDS,
    SURVIVAL,
    TIMES,
    fusion_inputs,
    fusion_model,
    labs,
    labs_input,
    lstm_model,
    npy,
    npz,
    open_model,
    risk_bundle,
    write_sample,
)

import edge
from edge.bundle.manifest import Output, SeriesInput
from edge.cli import main
from edge.preprocess.image import ImagePreprocessor
from edge.selftest import run_selftest


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return risk_bundle(tmp_path_factory.mktemp("risk") / "risk.edge")


@pytest.fixture(scope="module")
def fusion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    golden = npz(
        scan=np.frombuffer(encoded_scan(), np.uint8),
        patient=np.array([70.0, 1, np.nan]),
        genes=np.array([0, 1, 2, 3]),
    )
    folder = tmp_path_factory.mktemp("fusion")
    return write_sample(
        folder / "fusion.edge",
        fusion_model(),
        fusion_inputs(),
        (STAGE, SURVIVAL),
        {"golden/00.npz": golden},
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(
        tmp_path_factory.mktemp("table") / "table.edge",
        table_model(),
        (PATIENT,),
        (SURVIVAL,),
        {"golden/00.csv": b"age,sex,size\n60,male,10\n"},
    )


def scan(seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (16, 20), dtype=np.uint8)


def encoded_scan() -> bytes:
    return bytes(cv2.imencode(".png", scan())[1])


def write_csv(path: Path, values: np.ndarray, names: tuple[str, ...] = NAMES) -> Path:
    lines = [",".join(names)]
    lines += [",".join("" if np.isnan(x) else repr(float(x)) for x in row) for row in values]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def by_hand(values: np.ndarray) -> float:
    """What the lab would write: carry forward, fill, standardise, infer, sigmoid."""
    filled = values.astype(np.float64)
    for channel in range(CHANNELS):
        last = MEANS[channel]
        for time in range(TIMES):
            if np.isnan(filled[time, channel]):
                filled[time, channel] = last
            last = filled[time, channel]
    tensor = ((filled - MEANS) / STDS).astype(np.float32)[np.newaxis]
    import onnxruntime

    session = onnxruntime.InferenceSession(lstm_model(), providers=["CPUExecutionProvider"])
    (logit,) = session.run(None, {"labs": tensor})
    return float(1 / (1 + np.exp(-float(logit[0, 0]))))


def run_json(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[dict]]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in (*words, "--json")])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return int(ended.value.code or 0), [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("form", [".npz", ".npy", ".csv", ".edge.json"])
def test_a_series_with_gaps_is_answered_as_the_lab_would(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    values = labs()
    path = tmp_path / f"stay{form}"
    if form == ".npz":
        path.write_bytes(npz(labs=values))
    elif form == ".npy":
        path.write_bytes(npy(values[np.newaxis]))
    elif form == ".csv":
        write_csv(path, values)
    else:
        rows = [[None if np.isnan(x) else float(x) for x in row] for row in values]
        path.write_text(json.dumps({"inputs": {"labs": rows}}))
    code, (answer,) = run_json(capsys, "--model", bundle, path)
    assert (code, answer["status"], answer["source"]) == (0, "ok", str(path))
    (score,) = answer["outputs"][0]["scores"]
    assert score["label"] == "death"
    assert score["score"] == pytest.approx(by_hand(values), abs=1e-6)
    assert answer["latency_ns"]["decode"] > 0


def test_columns_of_a_csv_file_are_found_by_name_and_others_left_out(
    bundle: Path, tmp_path: Path
) -> None:
    values = labs()
    turned = np.hstack([values[:, ::-1], np.zeros((TIMES, 1))])
    shuffled = write_csv(tmp_path / "shuffled.csv", turned, (*NAMES[::-1], "comment"))
    with edge.load(bundle) as model:
        assert model.run(shuffled).top == model.run(values).top


def test_an_array_is_answered_with_or_without_its_batch_axis(bundle: Path) -> None:
    values = labs(gaps=0)
    with edge.load(bundle) as model:
        top = model.run(values).top
        assert top.score == pytest.approx(by_hand(values), abs=1e-6)
        for same in (
            values[np.newaxis],
            values.astype(np.float64),
            values.tolist(),
            {"labs": values},
            {name: values[:, index] for index, name in enumerate(NAMES)},
            npz(anything=values),
            edge.Record({"labs": values}, source="ward"),
        ):
            assert model.run(same).top == top


def test_a_risk_of_one_label_is_decided_by_its_threshold(bundle: Path) -> None:
    with edge.load(bundle) as model:
        answers = [model.run(labs(seed)) for seed in range(12)]
    assert {each.decision for each in answers} == {(), ("death",)}
    assert all((each.top.score >= 0.5) == (each.decision == ("death",)) for each in answers)


def test_a_gap_that_no_rule_fills_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = lstm_model()
    values = labs(gaps=0)
    values[3, 7] = np.nan
    path = write_sample(
        tmp_path / "strict.edge",
        data,
        (labs_input(gap_rule="none", fill=()),),
        (RISK,),
        {"golden/00.npy": npy(labs(gaps=0))},
    )
    record = tmp_path / "stay.npy"
    record.write_bytes(npy(values))
    code, (answer,) = run_json(capsys, "--model", path, record)
    assert (code, answer["status"], answer["outputs"]) == (1, "refused", [])
    assert answer["reason"] == "input labs lacks values of measure 7"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(np.full((TIMES, CHANNELS), np.inf), "infinite", id="infinite"),
        pytest.param(np.full((TIMES, CHANNELS), 1e300), "beyond float32", id="too large"),
    ],
)
def test_values_that_no_model_can_take_are_refused(
    bundle: Path, values: np.ndarray, reason: str
) -> None:
    with edge.load(bundle) as model:
        result = model.run(values)
    assert (result.status, result.gate) == ("refused", "input")
    assert reason in str(result.reason)


@pytest.mark.parametrize(
    "shape",
    [(23, CHANNELS), (25, CHANNELS), (CHANNELS, TIMES), (2, TIMES, CHANNELS), (0,), ()],
    ids=str,
)
def test_a_series_of_another_shape_is_refused_with_both_shapes(
    bundle: Path, shape: tuple[int, ...]
) -> None:
    with (
        edge.load(bundle) as model,
        pytest.raises(edge.InputError, match=r"has shape \[.*takes exactly \[1, 24, 41\]") as error,
    ):
        model.run(np.zeros(shape, np.float32))
    assert str(list(shape)) in str(error.value)


def test_the_golden_records_pass_on_this_machine(
    bundle: Path, fusion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, count in ((bundle, 2), (fusion, 1)):
        checks = list(run_selftest(path))
        assert [check.is_passed for check in checks] == [True] * count
        code, lines = run_json(capsys, "selftest", "--model", path)
        assert code == 0
        assert all(line["same_tensor"] for line in lines)


def test_one_bad_record_among_good_ones_stops_nothing(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.npy").write_bytes(npy(labs()))
    (tmp_path / "b.npz").write_bytes(npz(labs=labs())[:200])
    write_csv(tmp_path / "c.csv", labs())
    (tmp_path / "film.png").write_bytes(encoded_scan())
    code, lines = run_json(capsys, "--model", bundle, tmp_path)
    assert code == 3
    assert [line["status"] for line in lines] == ["ok", "error", "ok"]
    assert lines[1]["error"]["code"] == "input_undecodable"


@pytest.mark.parametrize("precision", [None, "dynamic"])
def test_a_file_taken_out_of_its_bundle_still_takes_records(
    tmp_path: Path, precision: str | None
) -> None:
    import onnx

    from edge.bundle.manifest import ModelMetadata
    from edge.bundle.manifest_reader import model_metadata_to_json
    from edge.model_metadata import METADATA_KEY

    for name, data, inputs, outputs, given in (
        ("risk", lstm_model(), (labs_input(),), (RISK,), labs()),
        (
            "fusion",
            fusion_model(),
            fusion_inputs(),
            (STAGE, SURVIVAL),
            {"scan": scan(), "patient": [70, "male", None], "genes": range4()},
        ),
    ):
        model = onnx.load_model_from_string(data)
        metadata = ModelMetadata(format=1, inputs=inputs, outputs=outputs, precision=precision)
        model.metadata_props.add(key=METADATA_KEY, value=model_metadata_to_json(metadata).decode())
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        with edge.load(path) as bare, open_model(data, inputs, outputs) as whole:
            answer = bare.run(given)
            assert answer.outputs == whole.run(given).outputs
        assert answer.precision == (precision or "float32")


def test_a_bare_file_that_says_nothing_takes_no_records(tmp_path: Path) -> None:
    path = tmp_path / "risk.onnx"
    path.write_bytes(lstm_model())
    with pytest.raises(edge.UnsupportedInputError, match=r"labs \[1, 24, 41\].*edge-quantize"):
        edge.load(path)


def test_a_model_without_pictures_does_without_opencv(bundle: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "stay.npz"
    path.write_bytes(npz(labs=labs()))
    code = (
        "import sys, edge; print(edge.load(sys.argv[1]).run(sys.argv[2]).status, "
        "'cv2' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(bundle), str(path)]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"ok False\n"


def test_records_come_on_standard_input_too(bundle: Path) -> None:
    import subprocess
    import sys

    for data in (npz(labs=labs()), npy(labs())):
        ran = subprocess.run(
            [sys.executable, "-m", "edge", "--model", str(bundle), "--json", "-"],
            input=data,
            capture_output=True,
            check=True,
        )
        assert json.loads(ran.stdout)["status"] == "ok"


def test_a_picture_for_a_series_model_says_what_to_give(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(encoded_scan())
    with (
        edge.load(bundle) as model,
        pytest.raises(edge.UnsupportedInputError, match=r"labs \(series \[1, 24, 41\]\).*\.npz"),
    ):
        model.run(tmp_path / "film.png")


def test_each_row_of_a_table_gets_its_own_answer_refusal_or_error(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "patients.csv"
    rows.write_text("sex,age,size\nmale,80,20\nfemale,,\n,50,5\nother,1,1\nmale,old,1\n")
    code, lines = run_json(capsys, "--model", table, rows)
    assert code == 3
    assert [line["index"] for line in lines] == [0, 1, 2, 3, 4]
    assert [line["status"] for line in lines] == ["ok", "ok", "refused", "error", "error"]
    scores = [line["outputs"][0]["scores"][0]["score"] for line in lines[:2]]
    # (age, sex, size) standardised: (1, 1, 2) and, filled with the means, (0, 0, 0).
    assert scores == pytest.approx([1 + 10 + 200, 0])
    assert lines[2]["reason"] == "input patient lacks values of sex"
    assert "'other' is unknown; it takes 'female', 'male'" in lines[3]["reason"]
    assert "'old' is unknown; it takes numbers" in lines[4]["reason"]


def test_a_person_reads_one_line_a_row(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "patients.csv"
    rows.write_text("sex,age,size\nmale,80,20\nfemale,,\n,50,5\n")
    with pytest.raises(SystemExit) as ended:
        main(["--model", str(table), str(rows)])
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{rows}: months 211 months"
    assert lines[1] == f"{rows} #1: months 0 months"
    assert lines[2] == f"{rows} #2: no answer: input patient lacks values of sex"
    assert lines[3] == "2 answered, 1 refused, 0 failed"


def table_model() -> bytes:
    from onnx import helper
    from record_samples import model_bytes, tensor_info

    return model_bytes(
        [helper.make_node("MatMul", ["patient", "w"], ["survival"])],
        [tensor_info("patient", (1, 3))],
        {"survival": (1, 1)},
        {"w": np.array([[1.0], [10.0], [100.0]], np.float32)},
    )


def fusion_by_hand(genes: list[int]) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(fusion_model(), providers=["CPUExecutionProvider"])
    target = edge.TensorSpec("scan", (1, 1, 8, 8), "float32")
    pixels = ImagePreprocessor(SCAN, target, "NCHW").prepare(edge.Frame(scan()[..., None], "grey"))
    patient = np.array([[(70 - 60) / 20, 1.0, 0.0]], np.float32)
    return session.run(
        ["stage", "survival"],
        {"scan": pixels, "patient": patient, "genes": np.array([genes], np.int64)},
    )


def test_a_picture_a_table_and_genes_give_two_outputs(
    fusion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "film.png").write_bytes(encoded_scan())
    np.save(tmp_path / "genes.npy", np.array([0, 1, 2, 3]))
    patient = {"age": 70, "sex": "male", "size": None}
    record = tmp_path / "record.edge.json"
    record.write_text(
        json.dumps({"inputs": {"scan": "film.png", "patient": patient, "genes": "genes.npy"}})
    )
    stage, survival = fusion_by_hand([0, 1, 2, 3])
    code, (answer,) = run_json(capsys, "--model", fusion, record)
    assert code == 0
    assert [output["name"] for output in answer["outputs"]] == ["stage", "survival"]
    months = answer["outputs"][1]["scores"][0]
    assert months == {"label": "months", "score": pytest.approx(float(survival[0, 0]), abs=1e-5)}
    expected = np.exp(stage[0]) / np.exp(stage[0]).sum()
    scores = [each["score"] for each in answer["outputs"][0]["scores"]]
    assert scores == pytest.approx(expected.tolist(), abs=1e-6)
    with edge.load(fusion) as model:
        for picture in (tmp_path / "film.png", encoded_scan(), scan()):
            result = model.run({"scan": picture, "patient": [70, "male", None], "genes": range4()})
            assert [each.score for each in result.outputs[0].scores] == scores


def range4() -> list[int]:
    return [0, 1, 2, 3]


def test_an_even_picture_among_other_inputs_is_refused(fusion: Path) -> None:
    with edge.load(fusion) as model:
        result = model.run(
            {"scan": np.zeros((9, 9), np.uint8), "patient": [1, 1, 1], "genes": range4()}
        )
    assert (result.status, result.outputs) == ("refused", ())
    assert "one even tone" in str(result.reason)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            {"genes": None}, "genes lacks 1 of 1 values|shape", id="a gap in whole numbers"
        ),
        pytest.param({"genes": [0, 1, 2, 0.5]}, "takes whole numbers", id="a fraction"),
        pytest.param({"genes": [0, 1, 2, 2**63]}, "too large", id="beyond 64 bits"),
        pytest.param({"genes": [0, 1, [2], 3]}, "differ in length or depth", id="ragged lists"),
        pytest.param({"genes": "genome.txt"}, "is unknown; it takes numbers", id="text"),
        pytest.param({"patient": [1, "other", 1]}, "'other' is unknown.*'female'", id="a word"),
        pytest.param({"patient": [1, 7, 1]}, "column sex.*no position", id="a position"),
        pytest.param({"patient": {"age": 1}}, "lacks 'sex', 'size'", id="columns missing"),
        pytest.param({"patient": [1, 1, {}]}, "is no number", id="an object"),
        pytest.param({"scan": 3}, "is a picture and is given", id="a number for a picture"),
        pytest.param({"scan": "../film.png"}, "not in its folder", id="a path that climbs out"),
        pytest.param({"scan": "/etc/passwd"}, "not in its folder", id="an absolute path"),
        pytest.param({"scan": "link.png"}, "not in its folder", id="a link that leads out"),
        pytest.param({"scan": "none.png"}, "check the name", id="no such file"),
        pytest.param({"extra": 1}, "give each by its name", id="an input that is not there"),
    ],
)
def test_a_wrong_record_is_one_line_that_says_what(
    fusion: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict,
    expected: str,
) -> None:
    import re

    folder = tmp_path / "ward"
    folder.mkdir()
    (folder / "film.png").write_bytes(encoded_scan())
    (tmp_path / "film.png").write_bytes(encoded_scan())
    (folder / "link.png").symlink_to(tmp_path / "film.png")
    values = {"scan": "film.png", "patient": [1, 1, 1], "genes": range4()} | change
    record = folder / "record.edge.json"
    record.write_text(json.dumps({"inputs": values}))
    code, (answer,) = run_json(capsys, "--model", fusion, record)
    assert (code, answer["status"]) == (3, "error")
    assert answer["reason"].isprintable()
    assert re.search(expected, answer["reason"])


def test_a_model_with_several_inputs_wants_each_by_its_name(fusion: Path) -> None:
    with edge.load(fusion) as model:
        for given in (np.zeros((1, 3)), {"patient": [1, 1, 1]}, [1, 2], b"age\n1\n"):
            with pytest.raises(edge.InputError, match=r"takes scan \(image .*patient .*genes"):
                model.run(given)


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colour", ["grey", "rgb", "bgr"])
def test_a_packed_record_is_read_as_it_was(depth: str, colour: str) -> None:
    from edge.preprocess.record import RecordPreprocessor
    from edge.records.record_reader import decode_records
    from edge.records.record_writer import pack_record

    random = np.random.default_rng(8)
    size = (9, 12, 1 if colour == "grey" else 3)
    pixels = random.random(size, np.float32)
    if depth != "float32":
        pixels = (pixels * np.iinfo(depth).max).astype(depth)
    given = edge.Record(
        {
            "scan": edge.Frame(pixels, colour),
            "patient": {"age": 70, "sex": "male", "size": None},
            "genes": [0, 1, 2, 3],
        }
    )
    inputs = fusion_inputs()
    data = pack_record(given, inputs)
    assert data == pack_record(given, inputs)
    (again,) = decode_records(data, inputs, source="packed.npz")
    preprocessor = RecordPreprocessor(inputs)
    assert preprocessor.tensor_sha256(again) == preprocessor.tensor_sha256(given)


def test_a_mask_comes_of_its_series_and_is_asked_of_nobody(tmp_path: Path) -> None:
    from onnx import helper
    from record_samples import model_bytes, tensor_info

    shape = (1, TIMES, CHANNELS)
    data = model_bytes(
        [
            helper.make_node("ReduceSum", ["seen"], ["risk"], keepdims=0),
            helper.make_node("Identity", ["labs"], ["kept"]),
        ],
        [tensor_info("labs", shape), tensor_info("seen", shape)],
        {"risk": (), "kept": shape},
        {},
    )
    mask = SeriesInput(name="seen", shape=shape, axes="TC", channels=NAMES, mask_of="labs")
    count = Output(name="risk", kind="regression", labels=("values",), activation="none")
    values = labs()
    golden = {"golden/00.npz": npz(labs=values)}
    path = write_sample(tmp_path / "mask.edge", data, (labs_input(), mask), (count,), golden)
    assert [check.is_passed for check in run_selftest(path)] == [True]
    with edge.load(path) as model:
        for given in (values, {"labs": values}, write_csv(tmp_path / "stay.csv", values)):
            assert model.run(given).top.score == np.count_nonzero(~np.isnan(values))


def test_the_manifest_of_a_model_names_what_its_file_lacks() -> None:
    with pytest.raises(edge.ModelMismatchError, match=r"has 3 inputs .* and its manifest 2"):
        open_model(fusion_model(), (SCAN, PATIENT), (STAGE,))
    import msgspec

    renamed = msgspec.structs.replace(GENES, name="genome")
    with pytest.raises(edge.ModelMismatchError, match="has no input genome"):
        open_model(fusion_model(), (SCAN, PATIENT, renamed), (STAGE,))
    other = msgspec.structs.replace(GENES, dtype="float32")
    with pytest.raises(edge.ModelMismatchError, match="is int64 and its manifest says float32"):
        open_model(fusion_model(), (SCAN, PATIENT, other), (STAGE,))
