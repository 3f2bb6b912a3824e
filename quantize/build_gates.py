"""What must not be shipped is refused before hours are spent on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.bundle.manifest import ImageInput
from edge.errors import InputError
from quantize.calibration_checks import find_refusals, require_acceptable
from quantize.evaluation.evaluate import fitted_part, reported_part
from quantize.evaluation.label_views import label_views
from quantize.refusals.claim_size import too_few_for_auroc
from quantize.refusals.finding import Finding
from quantize.report.model import Finding as ReportedFinding

if TYPE_CHECKING:
    from quantize.build_request import BuildRequest
    from quantize.examples.model_examples import ModelExamples
    from quantize.labelled_data import LabelledData
    from quantize.source_model import SourceModel

__all__ = ["check_source", "reported_findings"]

_FEWEST_CALIBRATION_EXAMPLES = 32
_LEAST_BLANK = 64
"""Elements from which on an input of one value throughout is no real one."""

_WANTED = "give 100 to 300 different real inputs"


def check_source(
    source: SourceModel,
    examples: ModelExamples,
    data: LabelledData | None,
    request: BuildRequest,
) -> tuple[Finding, ...]:
    """Look for signs that the model or its examples are not what they should be.

    Args:
        source: the model.
        examples: what it is calibrated on, in the source's own scale.
        data: what it is judged on; None for nothing.
        request: holds the names of findings that the user overrules, and what is claimed.

    Returns:
        The findings that do not stop.

    Raises:
        InputError: the calibration examples are all the same, or blank.
        GateError: a finding that stops, with how to overrule it.
    """
    _refuse_one_for_all(examples)
    of_pictures = any(isinstance(each, ImageInput) for each in source.description.inputs)
    found = list(find_refusals(source.model, examples, of_pictures=of_pictures))
    found += [*_too_few(examples, data, request)]
    return require_acceptable(found, accepted=request.accepted)


def reported_findings(findings: tuple[Finding, ...]) -> tuple[ReportedFinding, ...]:
    """The same as the report shows them."""
    return tuple(
        ReportedFinding("overruled" if each.is_fatal else "warning", each.message)
        for each in findings
    )


def _refuse_one_for_all(examples: ModelExamples) -> None:
    """Refuse copies of one input and blank inputs: no model could vary on them."""
    first: dict[str, NDArray[Any]] | None = None
    is_any_other = is_any_structured = False
    count = 0
    for each in examples:
        first = first or each
        is_any_other |= any(
            not np.array_equal(each[name], first[name], equal_nan=True) for name in first
        )
        is_any_structured |= any(_has_structure(tensor) for tensor in each.values())
        count += 1
        if is_any_other and is_any_structured:
            return
    if count > 1 and not is_any_other:
        raise InputError(f"all {count} calibration examples are the same; {_WANTED}")
    if not is_any_structured:
        raise InputError(
            f"each of the {count} calibration examples holds one value only, as a blank picture "
            f"does; {_WANTED}"
        )


def _has_structure(tensor: NDArray[Any]) -> bool:
    return tensor.size < _LEAST_BLANK or bool((tensor != tensor.flat[0]).any())


def _too_few(
    examples: ModelExamples, data: LabelledData | None, request: BuildRequest
) -> Iterator[Finding]:
    usable = len(examples.usable())
    if usable < _FEWEST_CALIBRATION_EXAMPLES:
        yield Finding(
            "few-calibration-examples",
            f"{usable} calibration examples; ranges from fewer than "
            f"{_FEWEST_CALIBRATION_EXAMPLES} depend on which they are, so give 100 to 300",
            is_fatal=False,
        )
    if data is None or data.output.kind == "regression":
        return
    reported = reported_part(data, data.output)
    tuned = None if data.splits else fitted_part(data, data.output)
    share = len(reported) / (len(reported) + len(tuned or ()))
    groups = np.asarray(reported.groups)
    for view in label_views(reported.truth, data.output.labels, data.output.kind):
        # Films of one patient are no more than one patient: patients are what is counted.
        with_it, without = (
            len(np.unique(groups[view.known[is_chosen]]))
            for is_chosen in (view.positive, ~view.positive)
        )
        finding = too_few_for_auroc(
            view.label,
            positives=with_it,
            negatives=without,
            half_width=request.claim_within,
            of_all=share,
        )
        if finding is not None:
            yield finding
