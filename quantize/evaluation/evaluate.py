"""Several forms of one model on labelled examples, judged by what users decide with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError
from quantize.evaluation.answers import AnswerFunction, Answering, Answers, collect_answers
from quantize.evaluation.evaluation import Evaluation
from quantize.evaluation.judge import Judge, Sample
from quantize.evaluation.operating_point import can_fit, fit_operating_point
from quantize.evaluation.options import EvaluationOptions
from quantize.evaluation.splits import split_by_group, stated_splits
from quantize.labelled_data import LabelledData

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["evaluate_answers", "evaluate_artifacts", "fitted_part", "reported_part"]


def evaluate_artifacts(
    models: Mapping[str, Answering | AnswerFunction],
    data: LabelledData,
    output: Output,
    options: EvaluationOptions | None = None,
) -> Evaluation:
    """Run every model once over the examples, and judge.

    Args:
        models: by name; a loaded `edge.pipeline.Model`, or a function of an example that gives
            raw outputs by name. The first is the reference unless the options say otherwise.
        data: labelled examples.
        output: how the models' output is read.
        options: how they are judged.

    Raises:
        UsageError: no models, or the options name one that is not there.
        InputError: no example can be used.
        EngineError: a model failed.
        ModelMismatchError: a model's output is not the one described.
    """
    chosen = _filled(options or EvaluationOptions(), tuple(models))
    used = _used(data)
    answers = collect_answers(models, data.part(used), output, progress=chosen.progress)
    # Examples are told by where they are in what the user gave.
    placed = replace(answers, positions=used[answers.positions])
    return evaluate_answers(placed, data, output, chosen)


def evaluate_answers(
    answers: Answers, data: LabelledData, output: Output, options: EvaluationOptions | None = None
) -> Evaluation:
    """Judge raw outputs that were collected before: arrays in, figures out.

    Args:
        answers: of every model on the same examples of `data`.
        data: what is true of them.
        output: how outputs are read.
        options: how they are judged.

    Raises:
        UsageError: the options name a model that gave no answers.
    """
    chosen = _filled(options or EvaluationOptions(), tuple(answers.values))
    known = data.part(answers.positions)
    fitted, reported = _split(known, output, chosen)
    point = None
    if fitted.size:
        point = fit_operating_point(
            answers.values[chosen.reference][fitted],
            [answers.values[name][fitted] for name in chosen.quantized],
            known.truth[fitted],
            output,
            chosen.threshold_rule,
        )
    sample = Sample(
        values={name: each[reported] for name, each in answers.values.items()},
        data=known.part(reported),
        indices=answers.positions[reported],
        left_out={**data.left_out, **answers.left_out},
    )
    return Judge(sample, output, chosen, point).evaluation()


def fitted_part(
    data: LabelledData, output: Output, options: EvaluationOptions | None = None
) -> LabelledData | None:
    """The examples that temperature and thresholds are fitted on: none of them is reported.

    Where examples cannot be read, the parts may differ by as many.

    Args:
        data: as for `evaluate_artifacts`.
        output: how outputs are read.
        options: how they are judged.

    Returns:
        None where there are too few to fit anything, so that all are reported.
    """
    used = data.part(_used(data))
    fitted, _ = _split(used, output, options or _REFITTED)
    return used.part(fitted) if fitted.size else None


def reported_part(
    data: LabelledData, output: Output, options: EvaluationOptions | None = None
) -> LabelledData:
    """The examples that figures are reported of: all that nothing is fitted on.

    Args:
        data: as for `evaluate_artifacts`.
        output: how outputs are read.
        options: how they are judged.
    """
    used = data.part(_used(data))
    _, reported = _split(used, output, options or _REFITTED)
    return used.part(reported)


_REFITTED = EvaluationOptions(quantized=("int8",))
"""As bundles are judged: some of the models are refitted."""


def _used(data: LabelledData) -> NDArray[np.int64]:
    """Positions of examples with a known label, and where splits are named not for training."""
    known = np.isfinite(data.truth.reshape(len(data), -1)).any(axis=1)
    if data.splits:
        known &= np.isin(np.arange(len(data)), np.concatenate(stated_splits(data.splits)))
    return np.flatnonzero(known)


def _filled(options: EvaluationOptions, names: tuple[str, ...]) -> EvaluationOptions:
    if not names:
        raise UsageError("no model to evaluate")
    reference = options.reference or names[0]
    quantized = options.quantized or tuple(
        name for name in names if "int8" in name and name != reference
    )
    strange = [name for name in (reference, *quantized) if name not in names]
    if strange:
        raise UsageError(f"no model is called '{strange[0]}'; there are: {', '.join(names)}")
    return replace(options, reference=reference, quantized=quantized)


def _split(
    data: LabelledData, output: Output, options: EvaluationOptions
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions to fit on and to report; nothing is fitted on where it would prove nothing."""
    everything = np.arange(len(data))
    fitted, reported = stated_splits(data.splits) if data.splits else (everything[:0], everything)
    if not options.quantized or options.fit_share <= 0.0:
        return everything[:0], reported
    if fitted.size == 0:
        groups = [data.groups[at] for at in reported]
        parts = split_by_group(groups, options.fit_share)
        fitted, rest = reported[parts[0]], reported[parts[1]]
    else:
        rest = reported
    if not can_fit(data.truth[fitted], output) or rest.size == 0:
        return everything[:0], reported
    return fitted, rest
