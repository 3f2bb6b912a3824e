"""What a request names -> examples to calibrate on, and labelled data to judge on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.bundle.manifest import ImageInput
from edge.frame import Frame
from edge.record import Record
from quantize.build_request import BuildRequest, DataRequest
from quantize.describe_model import ModelDescription
from quantize.examples.find_examples import find_examples, read_example, takes_pictures, thin_out
from quantize.examples.model_examples import Example, ExampleValue, ModelExamples
from quantize.labelled_data import LabelledData, read_labelled_data

if TYPE_CHECKING:
    from edge.bundle.manifest import Input

__all__ = ["open_examples", "open_labelled_data"]

_CALIBRATION_SPLITS = ("train", "training")


def open_labelled_data(request: DataRequest, description: ModelDescription) -> LabelledData:
    """Read labelled data for the model's first output.

    Raises:
        InputError: it is not such data, or its labels are not the model's.
    """
    from edge.records.record_reader import given_inputs

    inputs = description.inputs
    options = replace(
        request.options,
        inputs={each.name: each.shape for each in given_inputs(inputs)},
        pictures=frozenset(each.name for each in inputs if isinstance(each, ImageInput)),
        read_file=None if takes_pictures(inputs) else partial(read_example, inputs=inputs),
    )
    return read_labelled_data(request.path, description.outputs[0], options)


def open_examples(
    request: BuildRequest,
    description: ModelDescription,
    data: LabelledData | None,
    *,
    scratch: Path,
) -> ModelExamples:
    """Find what to calibrate on: what `calibration` names, or else training examples of `data`.

    Args:
        request: what to build.
        description: how the model is fed.
        data: labelled data, where there is any.
        scratch: folder where frames of a stream are kept meanwhile.

    Raises:
        InputError: there are no examples.
    """
    inputs = description.inputs
    if request.calibration or data is None:
        found = find_examples(
            request.calibration, inputs, most=request.most_examples, scratch=scratch
        )
        return ModelExamples(found, inputs)
    return ModelExamples(thin_out(_labelled_examples(data, inputs), request.most_examples), inputs)


def _labelled_examples(data: LabelledData, inputs: Sequence[Input]) -> list[Example]:
    """Those of a training split where one is named, else all."""
    chosen = [at for at, split in enumerate(data.splits) if split in _CALIBRATION_SPLITS]
    return [
        Example(data.names[at], partial(_load, data, at, inputs))
        for at in chosen or range(len(data))
    ]


def _load(data: LabelledData, at: int, inputs: Sequence[Input]) -> ExampleValue:
    value: Any = data.load(at)
    if isinstance(value, (Frame, Record)):
        return value
    from edge.records.record_reader import make_record

    return replace(make_record(value, inputs), source=data.names[at])
