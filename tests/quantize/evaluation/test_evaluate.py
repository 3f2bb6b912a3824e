"""Models on labelled examples: figures, flips, a refitted operating point, and evidence."""

import numpy as np
import pytest

import edge
from edge.bundle.manifest import Output
from edge.errors import InputError, ModelMismatchError, UsageError
from quantize.evaluation.answers import Answers, collect_answers
from quantize.evaluation.evaluate import (
    evaluate_answers,
    evaluate_artifacts,
    reported_part,
)
from quantize.evaluation.evidence_metrics import to_metrics
from quantize.evaluation.options import EvaluationOptions
from quantize.evaluation.ranking import auroc
from quantize.evaluation.scores import softmax
from quantize.labelled_data import LabelledData, LabelledOptions, parse_columns, read_labelled_data
from quantize.report.number_text import examples_text

QUICK = EvaluationOptions(repeats=200)
CLASSES = Output(name="o", kind="classification", labels=("a", "b", "c"), activation="softmax")
FINDINGS = Output(name="o", kind="multilabel", labels=("a", "b"), activation="sigmoid")
VALUE = Output(name="o", kind="regression", labels=("age",), activation="none")


def labelled(values, truth, output, **changes) -> LabelledData:
    """Examples that are rows of a table of raw outputs."""
    names = tuple(f"patient_{at}.png" for at in range(len(values)))
    options = {"groups": names, "splits": (), "load": lambda at: {"o": values[at]}, **changes}
    return LabelledData(output=output, names=names, truth=truth, **options)


def rounded(step: float):
    """A model that quantizes what a row holds."""
    return lambda row: {"o": np.rint(row["o"] / step) * step}


def identity(row):
    return row


@pytest.fixture(scope="module")
def classified():
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 300)
    values = random.normal(0, 1, (300, 3))
    values[np.arange(300), truth] += 1.2
    return values, truth.astype(np.float64)


@pytest.fixture(scope="module")
def found():
    random = np.random.default_rng(2)
    truth = (random.random((400, 2)) < 0.4).astype(np.float64)
    values = random.normal(0, 1, (400, 2)) + 1.5 * truth - 0.5
    return values, truth


def test_each_model_runs_once_on_each_example(classified) -> None:
    seen = []
    data = labelled(*classified, CLASSES)

    def counting(row):
        seen.append(1)
        return row

    evaluate_artifacts({"source": counting, "int8": rounded(0.5)}, data, CLASSES, QUICK)
    assert len(seen) == 300


def test_the_figures_are_those_of_the_reported_examples(classified) -> None:
    values, truth = classified
    data = labelled(values, truth, CLASSES, splits=("test",) * 300)
    options = EvaluationOptions(repeats=50, fit_share=0.0)
    evaluation = evaluate_artifacts({"source": identity}, data, CLASSES, options)
    figures = evaluation.figures("source")
    scores = softmax(values)
    for at, label in enumerate(CLASSES.labels):
        assert figures.auroc[label].value == pytest.approx(auroc(scores[:, at], truth == at))
    assert figures.accuracy.value == pytest.approx((scores.argmax(axis=1) == truth).mean())
    assert figures.macro_auroc.low < figures.macro_auroc.value < figures.macro_auroc.high


def test_what_is_fitted_on_is_not_reported(classified) -> None:
    data = labelled(*classified, CLASSES)
    evaluation = evaluate_artifacts({"f": identity, "int8": rounded(0.5)}, data, CLASSES, QUICK)
    assert evaluation.examples + evaluation.operating_point.examples == 300
    assert evaluation.operating_point.examples == pytest.approx(100, abs=2)


def test_no_patient_is_on_both_sides(classified) -> None:
    groups = tuple(f"p{at // 5}" for at in range(300))
    data = labelled(*classified, CLASSES, groups=groups)
    evaluation = evaluate_artifacts({"f": identity, "int8": rounded(0.5)}, data, CLASSES, QUICK)
    assert evaluation.examples % 5 == 0
    assert evaluation.groups * 5 == evaluation.examples


def test_many_examples_of_one_patient_give_no_intervals_and_it_is_said(classified) -> None:
    """Their resamples are all the same, which would be printed as certainty."""
    data = labelled(*classified, CLASSES, groups=("only",) * 300)
    evaluation = evaluate_artifacts({"f": identity, "int8": rounded(0.5)}, data, CLASSES, QUICK)
    figures, comparison = evaluation.figures("int8"), evaluation.comparisons[0]
    shown = [
        *figures.auroc.values(),
        figures.macro_auroc,
        figures.accuracy,
        *(each.figure for each in figures.sensitivity),
        comparison.macro_auroc_difference,
        *(each.share for each in comparison.flips),
    ]
    assert [(each.low, each.high) for each in shown] == [(None, None)] * len(shown)
    assert "the 300 examples are of 1 patient or group" in " ".join(evaluation.findings)
    assert examples_text(evaluation, "examples") == "300 examples of 1 patient or group"


def test_an_example_whose_label_is_not_known_is_not_counted(found) -> None:
    values, truth = found
    truth = truth.copy()
    truth[::2] = np.nan
    truth[1::4, 0] = np.nan
    data = labelled(values, truth, FINDINGS)
    evaluation = evaluate_artifacts({"f": identity}, data, FINDINGS, QUICK)
    assert evaluation.examples == 200
    assert len(reported_part(data, FINDINGS, EvaluationOptions(fit_share=0.0))) == 200


def test_a_flip_is_told_by_its_position_in_the_data_as_given(classified) -> None:
    """Training examples stand before it and are not looked at."""
    splits = ("train",) * 100 + ("test",) * 200
    data = labelled(*classified, CLASSES, splits=splits)
    options = EvaluationOptions(repeats=10, fit_share=0.0, may_name=True)
    evaluation = evaluate_artifacts({"f": identity, "int8": rounded(2.0)}, data, CLASSES, options)
    flipped = evaluation.comparisons[0].flipped
    assert flipped
    assert all(each.name == f"patient_{each.index}.png" for each in flipped)
    assert min(each.index for each in flipped) >= 100


def test_named_splits_are_taken_as_named(classified) -> None:
    splits = ("train",) * 100 + ("val",) * 80 + ("test",) * 120
    data = labelled(*classified, CLASSES, splits=splits)
    evaluation = evaluate_artifacts({"f": identity, "int8": rounded(0.5)}, data, CLASSES, QUICK)
    assert (evaluation.operating_point.examples, evaluation.examples) == (80, 120)


def test_too_few_examples_are_all_reported_and_it_is_said(classified) -> None:
    values, truth = classified
    data = labelled(values[:40], truth[:40], CLASSES)
    evaluation = evaluate_artifacts({"f": identity, "int8": rounded(0.5)}, data, CLASSES, QUICK)
    assert (evaluation.examples, evaluation.operating_point) == (40, None)
    assert any("not refitted" in each for each in evaluation.findings)


def test_refitting_that_was_not_asked_for_is_no_finding(classified) -> None:
    data = labelled(*classified, CLASSES)
    options = EvaluationOptions(repeats=20, fit_share=0.0)
    models = {"f": identity, "int8": rounded(0.5)}
    assert evaluate_artifacts(models, data, CLASSES, options).findings == ()


def test_flips_are_counted_in_both_directions_and_listed(classified) -> None:
    values, truth = classified
    wrong = values.copy()
    wrong[:10] = wrong[:10, ::-1]
    answers = Answers({"f": values, "q": wrong}, np.arange(300))
    data = labelled(values, truth, CLASSES)
    comparison = evaluate_answers(answers, data, CLASSES, QUICK).comparisons[0]
    before, after = values.argmax(axis=1), wrong.argmax(axis=1)
    flips = comparison.flips[0]
    assert flips.changed == (before != after).sum()
    assert flips.lost == ((before == truth) & (after != truth)).sum()
    assert flips.won == ((before != truth) & (after == truth)).sum()
    assert [each.index for each in comparison.flipped] == np.flatnonzero(before != after).tolist()


def test_files_are_named_only_where_that_is_allowed(classified) -> None:
    data = labelled(*classified, CLASSES)
    models = {"f": identity, "int8": rounded(2.0)}
    for may_name in (False, True):
        options = EvaluationOptions(repeats=20, may_name=may_name)
        comparison = evaluate_artifacts(models, data, CLASSES, options).comparisons[0]
        assert {bool(each.name) for each in comparison.flipped} == {may_name}


def test_a_model_compared_with_itself_differs_in_nothing(found) -> None:
    data = labelled(*found, FINDINGS)
    evaluation = evaluate_artifacts({"f": identity, "q": identity}, data, FINDINGS, QUICK)
    comparison = evaluation.comparisons[0]
    change = comparison.macro_auroc_difference
    assert (change.value, change.low, change.high) == (0.0, 0.0, 0.0)
    assert (comparison.agreement.snr_db, comparison.agreement.cosine) == (120.0, pytest.approx(1))
    assert [each.changed for each in comparison.flips] == [0, 0]


def test_refitting_brings_shifted_decisions_back(found) -> None:
    values, truth = found
    answers = Answers({"f": values, "int8": values * 2 + 0.7}, np.arange(400))
    evaluation = evaluate_answers(answers, labelled(values, truth, FINDINGS), FINDINGS, QUICK)
    comparison = evaluation.comparisons[0]
    before = sum(each.changed for each in comparison.flips)
    after = sum(each.changed for each in comparison.refitted_flips)
    assert after < before / 3
    figures = evaluation.figures("int8")
    assert figures.refitted_calibration.log_loss < figures.calibration.log_loss


def test_the_same_answers_give_the_same_evaluation(found) -> None:
    values, truth = found
    answers = Answers({"f": values, "int8": np.rint(values)}, np.arange(400))
    data = labelled(values, truth, FINDINGS)
    assert evaluate_answers(answers, data, FINDINGS, QUICK) == evaluate_answers(
        answers, data, FINDINGS, QUICK
    )


def test_rare_labels_are_said_to_be_weak(found) -> None:
    values, truth = found[0], found[1].copy()
    truth[:, 1] = 0
    truth[::100, 1] = 1
    options = EvaluationOptions(repeats=50, fit_share=0.0)
    data = labelled(values, truth, FINDINGS)
    evaluation = evaluate_artifacts({"f": identity}, data, FINDINGS, options)
    assert any("weak: b (4)" in each for each in evaluation.findings)


def test_measured_values_get_errors_and_limits() -> None:
    truth = np.linspace(20, 80, 50)[:, None]
    answers = Answers({"f": truth + 1.0, "int8": truth - 2.0}, np.arange(50))
    data = labelled(truth, truth, VALUE)
    evaluation = evaluate_answers(answers, data, VALUE, QUICK)
    assert evaluation.figures("f").regression["age"].bias == pytest.approx(1.0)
    change = evaluation.comparisons[0].error_difference["age"]
    assert (change.value, change.low, change.high) == pytest.approx((1.0, 1.0, 1.0))


def test_examples_that_cannot_be_read_are_left_out_and_not_named(classified) -> None:
    values, truth = classified

    def load(at: int):
        if at == 3:
            raise InputError("patient_3.png: it is empty")
        return {"o": values[at]}

    data = labelled(values, truth, CLASSES, load=load)
    options = EvaluationOptions(repeats=20, fit_share=0.0)
    evaluation = evaluate_artifacts({"f": identity}, data, CLASSES, options)
    assert evaluation.examples == 299
    assert evaluation.left_out == {"left out 1": "it is empty"}
    assert not any("patient" in each for each in evaluation.findings)


def test_nothing_readable_is_an_error(classified) -> None:
    def load(_at: int):
        raise InputError("gone")

    data = labelled(*classified, CLASSES, load=load)
    with pytest.raises(InputError, match="none of 300"):
        collect_answers({"f": identity}, data, CLASSES)


def test_a_model_with_another_output_is_named(classified) -> None:
    data = labelled(*classified, CLASSES)
    with pytest.raises(ModelMismatchError, match="int8 gives 2 values"):
        collect_answers({"int8": lambda row: {"o": row["o"][:2]}}, data, CLASSES)
    with pytest.raises(ModelMismatchError, match="has no output 'o'"):
        collect_answers({"int8": lambda row: {"p": row["o"]}}, data, CLASSES)


def test_a_reference_that_is_not_there_is_wrong_use(classified) -> None:
    data = labelled(*classified, CLASSES)
    with pytest.raises(UsageError, match="no model is called 'fp32'"):
        evaluate_artifacts({"f": identity}, data, CLASSES, EvaluationOptions(reference="fp32"))


def test_evidence_holds_every_figure_under_the_artifacts_name(found) -> None:
    data = labelled(*found, FINDINGS)
    models = {"f": identity, "int8": rounded(0.5)}
    evaluation = evaluate_artifacts(models, data, FINDINGS, QUICK)
    metrics = to_metrics(evaluation, artifacts={"f": "source", "int8": "model.int8.onnx"})
    names = {(each.artifact, each.name) for each in metrics}
    assert {
        ("source", "auroc a"),
        ("source", "auroc macro"),
        ("model.int8.onnx", "auroc difference"),
        ("model.int8.onnx", "flips a"),
        ("model.int8.onnx", "ece"),
        ("model.int8.onnx", "sensitivity at 0.9 b"),
    } <= names
    assert {each.examples for each in metrics} == {evaluation.examples}


@pytest.mark.shared_data
def test_both_engines_of_a_bundle_through_the_runtime(shared_data) -> None:
    """The default bundle's two files on real films, read, prepared and inferred as on a board."""
    path = shared_data / "cxr-kermany" / "labels.csv"
    columns = parse_columns("file={split}/{class}/{file},label=subtype")
    with (
        edge.load(options=edge.LoadOptions(engine="onnxruntime")) as first,
        edge.load(options=edge.LoadOptions(engine="litert")) as second,
    ):
        output = first.parts.outputs[0]
        renamed = {"bacteria": output.labels[1], "virus": output.labels[2]}
        options = LabelledOptions(columns=columns, renamed=renamed, only_split="test")
        data = read_labelled_data(path, output, options)
        data = data.part(range(0, len(data), 16))
        models = {"model.int8.onnx": first, "model.int8.tflite": second}
        evaluation = evaluate_artifacts(models, data, output, EvaluationOptions(repeats=100))
    assert evaluation.examples == 39
    assert evaluation.figures("model.int8.onnx").macro_auroc.value > 0.8
    assert evaluation.comparisons[0].agreement.snr_db > 20
