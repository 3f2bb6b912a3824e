"""What int8 costs in decisions is held against the user's limits, and chance is not called cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_onnx_models as tiny

from edge.bundle.manifest import Output, Parity, VectorInput
from quantize.artifacts import source_artifact
from quantize.build_request import BuildRequest
from quantize.calibration import TensorRange, calibrate
from quantize.evaluation.answers import Answers
from quantize.evaluation.evaluate import evaluate_answers, fitted_part
from quantize.evaluation.evaluation import (
    Agreement,
    Comparison,
    Evaluation,
    Figure,
    Flips,
    ModelFigures,
)
from quantize.evaluation.options import EvaluationOptions
from quantize.evaluation.regression import RegressionFigures
from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.int8_cost import CostMeter, far_from_float, flips_in_doubt, shortfall
from quantize.labelled_data import LabelledData, LabelledOptions, read_labelled_data
from quantize.model_card import ModelCard
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session
from quantize.quantized_graph import Precision
from quantize.quantizer import quantize_graph
from quantize.repair.cost import Cost

FILE = "model.int8.onnx"
CLASSES = Output(name="logits", kind="classification", labels=tuple("abcd"), activation="softmax")


def request(**options: object) -> BuildRequest:
    return BuildRequest(Path("m.onnx"), (), Path("m.edge"), ModelCard(), **options)


def evaluation(
    *, drop: float = 0.0, flipped: tuple[int, int] = (0, 400), refitted: tuple[int, int] = (0, 0)
) -> Evaluation:
    compared = Comparison(
        reference="source",
        model=FILE,
        agreement=Agreement(
            snr_db=9.0, cosine=0.9, agreement=0.9, max_abs_difference=1.0, examples=80
        ),
        macro_auroc_difference=Figure(-drop),
        flips=(flips(*flipped),),
        refitted_flips=(flips(*refitted),) if refitted[1] else (),
    )
    return Evaluation("classification", ("a", "b"), 80, 80, {}, (), (compared,))


def flips(changed: int, total: int) -> Flips:
    return Flips("", total, changed, changed, 0, 0, 0, 1.0, Figure(changed / total))


@pytest.mark.parametrize(
    ("repair", "said"),
    [
        pytest.param("none", "nothing was repaired; leave out --repair none", id="not tried"),
        pytest.param("auto", "nothing more on the repair ladder brings it nearer", id="tried"),
    ],
)
def test_a_drop_beyond_the_limit_is_said_with_the_way_out(repair, said) -> None:
    asked = request(max_drop=0.01, repair=repair)
    text = shortfall(evaluation(drop=0.03), (FILE,), asked)
    assert "loses 0.0300 of mean AUROC, 0.0200 more than --max-drop 0.01" in text
    assert said in text
    assert shortfall(evaluation(drop=0.03), ("model.int8.tflite",), asked) == ""


def values(r_squared: float) -> dict[str, RegressionFigures]:
    return {"age": RegressionFigures(1.0, 1.0, r_squared, 0.0, (-1.0, 1.0), 80)}


def test_a_model_of_values_is_held_to_its_share_of_the_variance_explained() -> None:
    """R², on which --max-drop means as much as on an AUROC."""
    found = replace(
        evaluation(),
        kind="regression",
        models=(
            ModelFigures("source", regression=values(0.90)),
            ModelFigures(FILE, regression=values(0.87)),
        ),
    )
    text = shortfall(found, (FILE,), request(max_drop=0.01))
    assert "loses 0.0300 of R², 0.0200 more than --max-drop 0.01" in text
    assert "--repair full" in text
    assert shortfall(found, (FILE,), request(max_drop=0.04)) == ""


@pytest.mark.parametrize(
    ("snr_db", "agreement", "kind", "is_far"),
    [
        pytest.param(14.0, 1.0, "classification", True, id="noisy"),
        pytest.param(30.0, 0.94, "classification", True, id="other decisions"),
        pytest.param(16.0, 0.96, "classification", False, id="near"),
        pytest.param(30.0, 0.0, "regression", False, id="a value is no decision"),
        pytest.param(14.0, 0.0, "regression", True, id="noisy value"),
    ],
)
def test_a_file_far_from_float_shows_without_labels(snr_db, agreement, kind, is_far) -> None:
    parity = Parity(
        artifact=FILE, snr_db=snr_db, max_abs_difference=1.0, agreement=agreement, examples=80
    )
    output = Output(name="o", kind=kind, labels=("a",), activation="none")
    texts = far_from_float([parity], [output])
    assert len(texts) == is_far
    assert all("judge it on labelled examples with --data" in each for each in texts)


def test_flips_that_chance_does_not_explain_are_a_shortfall() -> None:
    found = evaluation(flipped=(22, 387))
    text = shortfall(found, (FILE,), request())
    assert text.startswith(
        "model.int8.onnx changes 22 of 387 decisions (5.7%) (95 % interval 3.8% to 8.5%), more "
        "than --max-flips 0.01"
    )
    assert "ship the float model" in text
    assert flips_in_doubt(found, (FILE,), request()) == ""


def test_flips_that_may_be_chance_are_told_and_do_not_stop() -> None:
    found = evaluation(flipped=(3, 161))
    assert shortfall(found, (FILE,), request()) == ""
    assert flips_in_doubt(found, (FILE,), request()) == (
        "model.int8.onnx changes 3 of 161 decisions (1.9%), over --max-flips 0.01, but of 161 "
        "that may be chance (95 % interval 0.6% to 5.3%): give more labelled examples to know"
    )


@pytest.mark.parametrize("flipped", [(0, 400), (4, 400)])
def test_flips_within_the_limit_are_silent(flipped) -> None:
    found = evaluation(flipped=flipped)
    assert shortfall(found, (FILE,), request()) == ""
    assert flips_in_doubt(found, (FILE,), request()) == ""


def test_decisions_are_those_at_the_refitted_thresholds_where_there_are_some() -> None:
    found = evaluation(flipped=(0, 400), refitted=(40, 400))
    assert "changes 40 of 400 decisions" in shortfall(found, (FILE,), request())
    assert shortfall(evaluation(flipped=(40, 400), refitted=(1, 400)), (FILE,), request()) == ""


def test_without_labels_nothing_falls_short() -> None:
    assert shortfall(None, (FILE,), request()) == ""
    assert flips_in_doubt(None, (FILE,), request()) == ""


def labelled(count: int, *, has_splits: bool = False) -> LabelledData:
    names = tuple(f"patient {at}" for at in range(count))
    truth = np.arange(count, dtype=np.float64) % 4
    splits = tuple("val" if at % 2 else "test" for at in range(count)) if has_splits else ()
    return LabelledData(CLASSES, names, truth, names, splits, load=lambda at: at)


@pytest.mark.parametrize("has_splits", [False, True], ids=["a third", "validation split"])
def test_no_example_that_the_ladder_is_judged_on_is_reported(has_splits) -> None:
    data = labelled(240, has_splits=has_splits)
    values = np.random.default_rng(0).normal(0, 1, (240, 4))
    answers = Answers({"source": values, FILE: -values}, np.arange(240))
    tuned = fitted_part(data, CLASSES)
    reported = evaluate_answers(answers, data, CLASSES, EvaluationOptions(repeats=2, may_name=True))
    flipped = {each.name for each in reported.comparisons[0].flipped}
    assert tuned is not None
    assert len(flipped) > 40
    assert flipped.isdisjoint(tuned.names)


def test_of_too_few_examples_none_are_taken_from_the_report() -> None:
    assert fitted_part(labelled(20), CLASSES) is None


@pytest.fixture(scope="module")
def network() -> FloatGraph:
    build = tiny.ModelBuilder(seed=3)
    build.gemm("x", "wide", (6, 16))
    build.node("Relu", ["wide"], "positive")
    build.gemm("positive", "logits", (16, 4))
    return import_model(build.model({"x": ("N", 6)}, {"logits": ("N", 4)}))


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(2).normal(0, 1, (160, 6)).astype(np.float32)


@pytest.fixture
def meter(network, rows, tmp_path) -> CostMeter:
    """Measures against the network itself, on labels that it is right about."""
    session = open_session(export_onnx(network).SerializeToString())
    truth = [run_session(session, ("logits",), {"x": row[None]})[0].argmax() for row in rows]
    np.savez(tmp_path / "rows.npz", X=rows, y=np.array(truth))
    data = read_labelled_data(tmp_path / "rows.npz", CLASSES, LabelledOptions(inputs={"x": (1, 6)}))
    inputs = (VectorInput(name="x", shape=(1, 6)),)
    outputs = (CLASSES,)
    model = export_onnx(network).SerializeToString()
    return CostMeter(source_artifact(model, inputs, outputs), inputs, outputs, data)


def test_a_model_that_answers_as_the_float_one_costs_nothing(meter, network, rows) -> None:
    quantized = quantize_graph(network, calibrate(network, [{"x": row[None]} for row in rows]))
    floats = {node.name: Precision.FLOAT for node in network.nodes}
    assert meter(replace(quantized, precisions=floats)) == Cost(0.0, 0.0)


def test_ranges_much_too_narrow_cost_rank_and_decisions(meter, network, rows) -> None:
    ranges = calibrate(network, [{"x": row[None]} for row in rows])
    narrow = {name: TensorRange(each.low / 20, each.high / 20) for name, each in ranges.items()}
    cost = meter(quantize_graph(network, narrow))
    assert cost.drop > 0.05
    assert cost.flips > 0.1
