"""Models and examples -> raw outputs, each example read and each model run on it once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError, ModelMismatchError

if TYPE_CHECKING:
    from edge.bundle.manifest import Output
    from quantize.labelled_data import LabelledData

__all__ = ["AnswerFunction", "Answering", "Answers", "collect_answers"]

Progress = Callable[[int, int], None]

AnswerFunction = Callable[[Any], Mapping[str, NDArray[Any]]]
"""An example -> outputs by name, real values before activation."""


class Answering(Protocol):
    """What `edge.pipeline.Model` offers."""

    def output_values(self, frame: Any, /) -> Mapping[str, NDArray[Any]]:
        """Outputs by name, real values before activation."""
        ...


@dataclass(frozen=True, slots=True)
class Answers:
    """Raw outputs of several models on the same examples.

    Attributes:
        values: float64 (examples, labels) by model.
        positions: position of each example in the data it came from.
        left_out: why, by name of an example that gave no answer.
    """

    values: Mapping[str, NDArray[np.float64]]
    positions: NDArray[np.int64]
    left_out: Mapping[str, str] = field(default_factory=dict)


def collect_answers(
    models: Mapping[str, Answering | AnswerFunction],
    data: LabelledData,
    output: Output,
    *,
    progress: Progress | None = None,
) -> Answers:
    """Run every model over every example; examples that cannot be read are left out.

    Args:
        models: by name; a loaded `Model`, or a function of an example.
        data: the examples.
        output: the output wanted.
        progress: told how many of how many examples are done.

    Raises:
        InputError: no example gives an answer.
        EngineError: a model failed.
        ModelMismatchError: a model has no such output, or not one value a label.
    """
    functions = {name: _function(model) for name, model in models.items()}
    rows: dict[str, list[NDArray[np.float64]]] = {name: [] for name in models}
    positions: list[int] = []
    left_out: dict[str, str] = {}
    for at in range(len(data)):
        try:
            found = _answer(functions, data.load(at), output)
        except InputError as error:
            left_out[data.names[at]] = str(error)
        else:
            positions.append(at)
            for name, row in found.items():
                rows[name].append(row)
        if progress is not None:
            progress(at + 1, len(data))
    if not positions:
        first = next(iter(left_out.values()), "there are none")
        raise InputError(f"none of {len(data)} labelled examples can be used; the first: {first}")
    return Answers(
        values={name: np.stack(values) for name, values in rows.items()},
        positions=np.array(positions, dtype=np.int64),
        left_out=left_out,
    )


def _function(model: Answering | AnswerFunction) -> AnswerFunction:
    method: AnswerFunction | None = getattr(model, "output_values", None)
    if method is not None:
        return method
    function: Any = model
    return function  # type: ignore[no-any-return]


def _answer(
    functions: Mapping[str, AnswerFunction], example: Any, output: Output
) -> dict[str, NDArray[np.float64]]:
    """All models' rows of one example, so that one that fails leaves none behind."""
    return {name: _row(name, answer(example), output) for name, answer in functions.items()}


def _row(model: str, outputs: Mapping[str, NDArray[Any]], output: Output) -> NDArray[np.float64]:
    if output.name not in outputs:
        raise ModelMismatchError(
            f"{model} has no output '{output.name}'; it has: {', '.join(outputs)}"
        )
    row = outputs[output.name].astype(np.float64).reshape(-1)
    if row.size != len(output.labels):
        raise ModelMismatchError(
            f"{model} gives {row.size} values for output '{output.name}', but it has "
            f"{len(output.labels)} labels"
        )
    return row
