"""A model and a folder become a bundle that answers on this machine as it says it does."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tiny_onnx_models as tiny
from picture_files import write_pictures

import edge
from edge.bundle.manifest import Metric
from edge.bundle.reader import open_bundle
from edge.errors import InputError, InputNotFoundError, OutputError, UsageError
from edge.selftest import run_selftest
from quantize.build_bundle import BuildReport, BuildRequest, build_bundle
from quantize.calibration_options import CalibrationOptions, RangeMethod
from quantize.model_card import ModelCard

CARD = ModelCard(labels=("a", "b", "c", "d"), kind="classification", scale=1 / 127.5, mean=(1.0,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("build")
    write_pictures(root / "pictures")
    tiny.save(tiny.residual_cnn(), root / "model.onnx")
    return root


def request(folder: Path, name: str = "tiny.edge", **changes: object) -> BuildRequest:
    options: dict = {
        "model": folder / "model.onnx",
        "calibration": (str(folder / "pictures"),),
        "destination": folder / name,
        "card": CARD,
    }
    return BuildRequest(**{**options, **changes})


@pytest.fixture(scope="module")
def built(folder: Path) -> BuildReport:
    return build_bundle(request(folder))


def test_the_bundle_holds_both_artifacts_and_three_golden_pictures(built: BuildReport) -> None:
    assert [each.path for each in built.manifest.files] == [
        "golden/00.png",
        "golden/01.png",
        "golden/02.png",
        "model.int8.onnx",
        "model.int8.tflite",
        "report/report.html",
        "report/report.json",
    ]
    found = {each.path: each for each in built.manifest.artifacts}
    assert found["model.int8.onnx"].layout == "NCHW"
    assert found["model.int8.tflite"].layout == "NHWC"
    assert (
        found["model.int8.onnx"].tolerance_steps,
        found["model.int8.tflite"].tolerance_steps,
    ) == (
        3,
        0,
    )


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_the_bundle_answers_in_either_engine(engine: str, built: BuildReport, folder: Path) -> None:
    picture = folder / "pictures" / "05.png"
    with edge.load(built.destination, options=edge.LoadOptions(engine=engine)) as model:
        result = model.run(picture)
    assert result.status == "ok"
    assert {each.label for each in result.outputs[0].scores} == {"a", "b", "c", "d"}


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_a_model_file_taken_out_of_the_bundle_answers_as_inside(
    suffix: str, built: BuildReport, folder: Path, tmp_path: Path
) -> None:
    with open_bundle(built.destination) as bundle:
        (tmp_path / f"alone{suffix}").write_bytes(bundle.read(f"model.int8{suffix}"))
    engine = "onnxruntime" if suffix == ".onnx" else "litert"
    picture = folder / "pictures" / "05.png"
    with (
        edge.load(tmp_path / f"alone{suffix}") as alone,
        edge.load(built.destination, options=edge.LoadOptions(engine=engine)) as inside,
    ):
        assert alone.run(picture).outputs == inside.run(picture).outputs


def test_the_golden_examples_replay(built: BuildReport) -> None:
    checks = list(run_selftest(built.destination))
    assert len(checks) == 6
    assert all(each.is_passed for each in checks)


def test_both_artifacts_answer_close_to_the_float_model(built: BuildReport) -> None:
    evidence = built.manifest.evidence
    assert evidence is not None
    assert [each.artifact for each in evidence.parity] == ["model.int8.onnx", "model.int8.tflite"]
    for each in evidence.parity:
        assert each.snr_db > 20
        assert each.examples == 12
        assert 0.8 <= each.agreement <= 1.0
        assert 0.99 < each.cosine < 1.0
    assert evidence.calibration_examples == 12


def test_without_labels_all_four_ways_are_held_against_the_float_model(built: BuildReport) -> None:
    found = {each.artifact: each for each in built.report.parity}
    assert set(found) == {"model.float32.tflite", "model.int8.onnx", "model.int8.tflite"}
    assert found["model.float32.tflite"].snr_db > 90
    assert found["model.float32.tflite"].agreement == 1.0


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_pixels_go_in_as_they_are(engine: str, built: BuildReport) -> None:
    with edge.load(built.destination, options=edge.LoadOptions(engine=engine)) as model:
        spec = model.parts.engine.inputs[0]
    assert spec.dtype == "uint8"
    assert built.manifest.inputs[0].normalisation_in_graph


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_normalisation_in_the_graph_gives_the_answers_of_normalisation_before_it(
    engine: str, built: BuildReport, folder: Path
) -> None:
    outside = build_bundle(request(folder, f"{engine}-outside.edge", takes_pixels=False))
    assert not outside.manifest.inputs[0].normalisation_in_graph
    options = edge.LoadOptions(engine=engine)
    step = max(built.manifest.artifacts[0].output_steps.values())
    with (
        edge.load(built.destination, options=options) as inside,
        edge.load(outside.destination, options=options) as before,
    ):
        for picture in sorted((folder / "pictures").iterdir()):
            found, wanted = (each.output_values(picture) for each in (inside, before))
            for name, values in wanted.items():
                np.testing.assert_allclose(found[name], values, atol=4 * step)


@pytest.mark.parametrize(
    ("changes", "methods"),
    [
        pytest.param({}, {"repair ladder"}, id="chosen by the ladder"),
        pytest.param(
            {"repair": "none", "ranges": CalibrationOptions(RangeMethod.PERCENTILE)},
            {"percentile", "minmax"},
            id="chosen by the method asked for",
        ),
        pytest.param(
            {"takes_pixels": False}, {"repair ladder", "all a pixel can be"}, id="known before"
        ),
    ],
)
def test_each_range_says_how_it_was_chosen(
    changes: dict, methods: set[str], folder: Path, tmp_path: Path
) -> None:
    report = build_bundle(request(folder, destination=tmp_path / "ranges.edge", **changes))
    assert {each.method for each in report.report.ranges} == methods


def test_the_same_request_gives_the_same_bytes(built: BuildReport, folder: Path) -> None:
    again = build_bundle(request(folder, "again.edge"))
    assert again.destination.read_bytes() == built.destination.read_bytes()


def test_what_was_assumed_is_told(built: BuildReport) -> None:
    text = " ".join(each.text for each in built.report.findings)
    for option in ("--colour", "--resize", "--activation", "--name 'model'", "--licence"):
        assert option in text
    assert "--labels" not in text


def test_pictures_that_are_none_are_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "mixed", 4)
    (pictures / "broken.png").write_bytes(b"not a picture")
    (pictures / "empty.png").write_bytes(b"")
    report = build_bundle(request(folder, "mixed.edge", calibration=(str(pictures),)))
    assert sorted(Path(name).name for name in report.refused) == ["broken.png", "empty.png"]
    assert report.manifest.evidence is not None
    assert report.manifest.evidence.calibration_examples == 4


def test_examples_are_thinned_out_evenly(folder: Path) -> None:
    report = build_bundle(request(folder, "few.edge", most_examples=3))
    assert report.manifest.evidence is not None
    assert report.manifest.evidence.calibration_examples == 3


def test_golden_pictures_and_metrics_can_be_given(folder: Path) -> None:
    metric = Metric(artifact="model.int8.onnx", name="auroc", value=0.9, examples=100)
    picture = folder / "pictures" / "07.png"
    report = build_bundle(
        request(folder, "given.edge", golden=(picture,), metrics=(metric,), most_examples=3)
    )
    assert [each.input for each in report.manifest.golden] == ["golden/00.png"]
    with open_bundle(report.destination) as bundle:
        assert bundle.read("golden/00.png") == picture.read_bytes()
    assert report.manifest.evidence is not None
    assert report.manifest.evidence.metrics == (metric,)


def test_progress_is_told_by_stage(folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    build_bundle(
        request(folder, "told.edge", most_examples=2),
        progress=lambda stage, done, total: told.append((stage, done, total)),
    )
    assert [each for each in told if each[0] == "ranges"] == [("ranges", 1, 2), ("ranges", 2, 2)]
    assert ("compare", 2, 2) in told
    assert ("final ranges", 2, 2) in told


def test_what_calibration_kept_is_not_inferred_again_for_the_report(folder: Path) -> None:
    """Nothing is told of a stage in which every example was seen before."""
    told: list[str] = []
    kept = folder / "kept.calibration"
    plain = request(folder, "kept.edge", repair="none", checkpoint=kept)
    again = request(folder, "kept2.edge", repair="none")
    reports = [
        build_bundle(plain, progress=lambda stage, _done, _total: told.append(stage)).report,
        build_bundle(again).report,
    ]
    assert "calibrate" in told
    assert "final ranges" not in told
    assert reports[0].ranges == reports[1].ranges


def test_an_interruption_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    def interrupt(stage: str, _done: int, _total: int) -> None:
        if stage == "compare":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_bundle(
            request(folder, destination=tmp_path / "never.edge", most_examples=2),
            progress=interrupt,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_pictures_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        build_bundle(request(folder, "none.edge", calibration=(str(tmp_path),)))
    assert not (folder / "none.edge").exists()


def test_a_folder_of_broken_pictures_is_refused_with_the_first_reason(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of 1 examples can be used; the first: .*a\.png"):
        build_bundle(request(folder, "none.edge", calibration=(str(tmp_path),)))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere/a.edge", "its folder does not exist"),
        ("pictures", "it is a folder"),
        ("a.onnx", r"give NAME\.edge"),
    ],
)
def test_a_destination_that_cannot_be_is_refused_before_any_work(
    name: str, reason: str, folder: Path
) -> None:
    wrong = request(folder, destination=folder / name, model=folder / "unread.onnx")
    with pytest.raises(OutputError, match=reason):
        build_bundle(wrong)


def test_a_model_of_two_outputs_answers_with_both(folder: Path, tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "features", (3, 4))
    build.node("GlobalAveragePool", ["features"], "pooled")
    build.node("Flatten", ["pooled"], "flat")
    build.gemm("flat", "finding", (4, 3))
    build.gemm("flat", "age", (4, 1))
    model = build.model({"image": (1, 3, 8, 8)}, {"finding": (1, 3), "age": (1, 1)})
    path = tiny.save(model, tmp_path / "two.onnx")
    card = ModelCard(
        labels=("a", "b", "c"),
        kind="classification",
        scale=1 / 255,
        outputs={
            "age": {"kind": "regression", "labels": ["age"], "activation": "none", "unit": "years"}
        },
    )
    report = build_bundle(request(folder, "two.edge", model=path, card=card))
    for engine in ("onnxruntime", "litert"):
        with edge.load(report.destination, options=edge.LoadOptions(engine=engine)) as loaded:
            result = loaded.run(folder / "pictures" / "05.png")
        assert [each.name for each in result.outputs] == ["finding", "age"]
        assert result.outputs[1].unit == "years"


def test_labels_that_do_not_fit_the_output_are_wrong_use(folder: Path, tmp_path: Path) -> None:
    build = tiny.ModelBuilder()
    build.conv("image", "a", (3, 4))
    path = tiny.save(build.model({"image": (1, 3, 8, 8)}, {"a": None}), tmp_path / "map.onnx")
    with pytest.raises(UsageError, match="4 labels for 256 outputs of 'a'"):
        build_bundle(request(folder, "map.edge", model=path))


def test_the_manifest_says_where_the_bundle_came_from(built: BuildReport, folder: Path) -> None:
    with open_bundle(built.destination) as bundle:
        evidence = bundle.manifest.evidence
    source = (folder / "model.onnx").read_bytes()
    assert evidence.source_model_sha256 == hashlib.sha256(source).hexdigest()
    assert set(evidence.tools) >= {"edgedx", "onnx", "onnxruntime", "ai-edge-litert", "numpy"}
