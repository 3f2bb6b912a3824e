"""A graph's outputs and a card -> the manifest's outputs, and what had to be assumed."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Literal

import msgspec

from edge.bundle.manifest import Output
from edge.errors import UnsupportedInputError, UsageError
from quantize.graph import FloatGraph
from quantize.model_card import ModelCard

__all__ = ["describe_outputs"]

Activation = Literal["none", "softmax", "sigmoid"]

_DEFAULT_ACTIVATIONS: Mapping[str, Activation] = {
    "classification": "softmax",
    "multilabel": "sigmoid",
    "regression": "none",
}


def describe_outputs(graph: FloatGraph, card: ModelCard, assumed: list[str]) -> tuple[Output, ...]:
    """Say of every output how it is read.

    The card's labels, kind and so on are of the first output; its `outputs` say the same of any.

    Args:
        graph: the float graph.
        card: what the maker says.
        assumed: gets one sentence for each thing that nobody said.

    Raises:
        UnsupportedInputError: an output that is not float32.
        UsageError: the card contradicts the graph.
    """
    said = card.outputs or {}
    unknown = sorted(set(said) - set(graph.outputs))
    if unknown:
        raise UsageError(
            f"card: outputs names '{unknown[0]}'; the model's are {', '.join(graph.outputs)}"
        )
    found: list[Output] = []
    for at, name in enumerate(graph.outputs):
        if not graph.is_float(name):
            raise UnsupportedInputError(
                f"model output '{name}' is {graph.dtype(name)}; only float32 outputs are read, so "
                "export the model without the step that makes it"
            )
        if name in said:
            found.append(_stated_output(name, said[name]))
        else:
            found.append(_output(graph, name, card if at == 0 else ModelCard(), assumed))
        _check_labels(graph, found[-1])
    return tuple(found)


def _stated_output(name: str, said: Mapping[str, Any]) -> Output:
    try:
        return msgspec.convert({**said, "name": name}, Output, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(f"card: outputs.{name}: {error}") from error


def _check_labels(graph: FloatGraph, output: Output) -> None:
    count = prod(graph.shapes[output.name])
    if len(output.labels) != count:
        raise UsageError(
            f"{len(output.labels)} labels for {count} outputs of '{output.name}'; give one each"
        )


def _output(graph: FloatGraph, name: str, card: ModelCard, assumed: list[str]) -> Output:
    count = prod(graph.shapes[name])
    labels = card.labels
    if labels is None:
        labels = tuple(f"output {index}" for index in range(count))
        assumed.append(f"--labels: the {count} outputs are numbered")
    producer = graph.producer(name)
    last = producer.op if producer else ""
    kind = card.kind
    if kind is None:
        kind = _likely_kind(last, count)
        assumed.append(f"--kind {kind}")
    activation = card.activation
    if activation is None:
        is_inside = last in {"Softmax", "Sigmoid"}
        activation = "none" if is_inside else _DEFAULT_ACTIVATIONS[kind]
        reason = f": the model ends with {last}" if is_inside else ""
        assumed.append(f"--activation {activation}{reason}")
    return Output(
        name=name,
        kind=kind,
        labels=labels,
        activation=activation,
        temperature=1.0 if card.temperature is None else float(card.temperature),
        thresholds=None if card.thresholds is None else tuple(map(float, card.thresholds)),
        unit=card.unit or "",
    )


def _likely_kind(last: str, count: int) -> Literal["classification", "multilabel", "regression"]:
    if last == "Sigmoid":
        return "multilabel"
    return "regression" if count == 1 else "classification"
