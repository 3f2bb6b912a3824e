"""One model output to scores and a decision, as its manifest entry says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelMismatchError
from edge.postprocess.activation import apply_activation
from edge.results import OutputResult, Score

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["read_output"]

_DEFAULT_THRESHOLD = 0.5


def read_output(values: NDArray[np.float32], output: Output) -> OutputResult:
    """Turn values into an answer.

    Args:
        values: finite real values, any shape holding one value a label (batch 1).
        output: how to read them.

    Returns:
        Scores in label order. Classification decides for the highest score (the first of
        equals), multilabel for every score at or above its threshold (0.5 where none is
        given), regression for nothing.

    Raises:
        ModelMismatchError: the number of values is not the number of labels.
    """
    flat = values.reshape(-1)
    if flat.size != len(output.labels):
        raise ModelMismatchError(
            f"output {output.name} has {flat.size} values but {len(output.labels)} labels; "
            "the bundle was built for another model",
        )
    scores = apply_activation(flat, output.activation, output.temperature)
    return OutputResult(
        name=output.name,
        kind=output.kind,
        scores=tuple(map(Score, output.labels, scores.tolist())),
        decision=_decide(scores, output),
        unit=output.unit,
    )


def _decide(scores: NDArray[np.float64], output: Output) -> tuple[str, ...]:
    if output.kind == "classification":
        return (output.labels[int(scores.argmax())],)
    if output.kind == "multilabel":
        thresholds = output.thresholds or (_DEFAULT_THRESHOLD,) * len(output.labels)
        return tuple(
            label
            for label, score, threshold in zip(
                output.labels, scores.tolist(), thresholds, strict=True
            )
            if score >= threshold
        )
    return ()
