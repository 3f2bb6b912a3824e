"""What there is to measure, and what it is fed."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.model_inputs import random_tensors, read_tensors, stage_inputs
from benchmarks.subjects import ModelPlan, SubjectChoice, default_threads, plan_model
from edge.errors import BundleError, InputError, InputNotFoundError, UsageError
from edge.model_loader import DEFAULT_BUNDLE
from edge.tensor_spec import TensorSpec

ROOT = Path(__file__).parents[2]
RISK = ROOT / "benchmarks/zoo/disease_risk_lstm"
RISK_BUNDLE = RISK / "disease_risk_lstm.edge"


def test_a_bundle_has_a_subject_for_each_file_and_number_of_threads() -> None:
    plan = plan_model(RISK_BUNDLE, SubjectChoice(threads=(1, 2)))
    assert plan.is_bundle
    assert [
        (each.subject.engine, each.subject.precision, each.subject.threads)
        for each in plan.subjects
    ] == [
        ("onnxruntime", "dynamic", 1),
        ("onnxruntime", "dynamic", 2),
        ("litert", "dynamic", 1),
        ("litert", "dynamic", 2),
    ]
    for each in plan.subjects:
        assert each.artifact == each.subject.artifact
        assert not each.is_engine_only
        assert each.subject.package_bytes == RISK_BUNDLE.stat().st_size


def test_threads_are_one_and_the_runtimes_own_where_nobody_says() -> None:
    subjects = plan_model(None, SubjectChoice(engines=("litert",))).subjects
    assert tuple(each.subject.threads for each in subjects) == default_threads()


def test_what_a_model_does_not_have_is_refused_with_what_it_has() -> None:
    with pytest.raises(UsageError, match=r"for any engine in float32; it has: litert int8, onnx"):
        plan_model(DEFAULT_BUNDLE, SubjectChoice(precisions=("float32",)))


def test_a_bare_file_of_others_goes_to_the_engine_alone() -> None:
    (subject,) = plan_model(RISK / "model.onnx", SubjectChoice(threads=(1,))).subjects
    assert subject.is_engine_only
    assert subject.artifact == ""
    assert subject.subject.precision == "float32"
    digest = hashlib.sha256((RISK / "model.onnx").read_bytes()).hexdigest()
    assert subject.subject.digest == subject.subject.artifact_sha256 == digest


def test_a_fifo_is_neither_a_model_nor_an_input_and_hangs_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(BundleError, match="no regular file"):
        plan_model(tmp_path / "model.onnx", SubjectChoice())
    plan = plan_model(RISK_BUNDLE, SubjectChoice())
    with pytest.raises(InputError, match="no regular file"):
        stage_inputs(plan, tmp_path, given=(tmp_path / "model.onnx",), is_random=False)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name in ("absent.edge", "absent.onnx"):
        with pytest.raises(BundleError, match="absent"):
            plan_model(tmp_path / name, SubjectChoice())


def test_golden_inputs_are_laid_out_as_files(tmp_path: Path) -> None:
    plan = plan_model(RISK_BUNDLE, SubjectChoice())
    staged = stage_inputs(plan, tmp_path, given=(), is_random=False)
    assert staged.described.kind == "golden"
    assert staged.files == staged.golden
    for identity, path in zip(staged.described.identities, staged.files, strict=True):
        assert identity.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_inputs_of_the_users_own_leave_the_golden_ones_for_checking(tmp_path: Path) -> None:
    plan = plan_model(RISK_BUNDLE, SubjectChoice())
    own = tmp_path / "own.npy"
    np.save(own, np.zeros((3, 2), np.float32))
    staged = stage_inputs(plan, tmp_path, given=(own,), is_random=False)
    assert staged.described.kind == "given"
    assert staged.files == (own,)
    assert len(staged.golden) > 1


def test_nothing_real_is_refused_and_random_must_be_asked_for(tmp_path: Path) -> None:
    plan = plan_model(RISK / "model.onnx", SubjectChoice())
    with pytest.raises(UsageError, match=r"nothing real to measure model\.onnx .*--random"):
        stage_inputs(plan, tmp_path, given=(), is_random=False)
    assert stage_inputs(plan, tmp_path, given=(), is_random=True).described.kind == "random"


def test_every_row_of_a_table_is_an_input(tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    table.write_text('age,finding\n61,"cough, dry"\n47,none\n', encoding="utf-8")
    plan = ModelPlan(tmp_path / "model.onnx", False, True, (), ())
    staged = stage_inputs(plan, tmp_path, given=(table,), is_random=False)
    assert [path.read_text(encoding="utf-8") for path in staged.files] == [
        'age,finding\n61,"cough, dry"\n',
        "age,finding\n47,none\n",
    ]
    assert [each.name for each in staged.described.identities] == [
        "patients-0.csv",
        "patients-1.csv",
    ]


def test_the_rows_of_a_series_are_one_input(tmp_path: Path) -> None:
    series = tmp_path / "signal.csv"
    series.write_text("I,II\n0.1,0.2\n0.3,0.4\n", encoding="utf-8")
    plan = ModelPlan(tmp_path / "model.onnx", False, False, (), ())
    assert stage_inputs(plan, tmp_path, given=(series,), is_random=False).files == (series,)


def test_an_input_that_is_not_there_is_named(tmp_path: Path) -> None:
    plan = plan_model(RISK_BUNDLE, SubjectChoice())
    with pytest.raises(InputNotFoundError, match=r"absent\.npy"):
        stage_inputs(plan, tmp_path, given=(tmp_path / "absent.npy",), is_random=False)


SPECS = (
    TensorSpec("pixels", (1, 4, None), "uint8"),
    TensorSpec("values", (2, 3), "float32"),
    TensorSpec("tokens", (1, 50), "int64"),
)


def test_random_tensors_are_of_the_right_kind_and_the_seeds_own() -> None:
    inputs = random_tensors(SPECS, seed=1)
    assert len(inputs) > 1
    for tensors in inputs:
        assert {name: (each.dtype.name, each.shape) for name, each in tensors.items()} == {
            "pixels": ("uint8", (1, 4, 1)),
            "values": ("float32", (2, 3)),
            "tokens": ("int64", (1, 50)),
        }
        assert set(tensors["tokens"].ravel().tolist()) == {0, 1}
    again, other = random_tensors(SPECS, seed=1), random_tensors(SPECS, seed=2)
    assert all((inputs[0][name] == again[0][name]).all() for name in inputs[0])
    assert (inputs[0]["values"] != other[0]["values"]).any()
    assert (inputs[0]["values"] != inputs[1]["values"]).any()


def test_tensors_of_an_engine_alone_are_taken_just_as_it_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "tensors.npz"
    tensors = random_tensors(SPECS, seed=1)[0]
    np.savez(path, **tensors)
    found = read_tensors(path, SPECS)
    assert all((found[name] == tensors[name]).all() for name in tensors)
    lone = tmp_path / "lone.npy"
    np.save(lone, tensors["values"])
    assert (read_tensors(lone, SPECS[1:2])["values"] == tensors["values"]).all()


@pytest.mark.parametrize(
    ("arrays", "seen"),
    [
        pytest.param({"other": np.zeros(3, np.float32)}, "float32.3.", id="another shape"),
        pytest.param({"values": np.zeros((2, 3))}, "float64.2, 3.", id="another type"),
    ],
)
def test_other_tensors_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], seen: str
) -> None:
    path = tmp_path / "tensors.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=f"holds {seen} for values; .*takes float32.2, 3."):
        read_tensors(path, SPECS[1:2])


def test_a_picture_for_an_engine_alone_is_refused(sample_films: list[Path]) -> None:
    with pytest.raises(InputError, match=r"no \.npy or \.npz file"):
        read_tensors(sample_films[0], SPECS)
