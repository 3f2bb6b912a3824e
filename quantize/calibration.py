"""Examples through the float graph -> the range of every activation.

Two passes, one example at a time: smallest and largest value of each activation first, then a
histogram over that range and the search for the range that loses least. Memory does not grow
with the number of examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.errors import InputError
from quantize.clip_search import search_range
from quantize.graph import FloatGraph
from quantize.observers import HistogramObserver, MinMaxObserver
from quantize.run_examples import (
    Examples,
    Progress,
    ignore_progress,
    require_examples,
    run_examples,
)
from quantize.same_scale import materialised_tensors, same_scale_groups

__all__ = ["TensorRange", "calibrate"]


@dataclass(frozen=True, slots=True)
class TensorRange:
    """What an activation is quantized to cover: low <= 0 <= high."""

    low: float
    high: float


def calibrate(
    graph: FloatGraph, examples: Examples, *, progress: Progress | None = None
) -> Mapping[str, TensorRange]:
    """Find the range of every materialised activation.

    Activations that must share a scale are seen as one. Graph inputs and outputs keep all that
    was seen: clipping an input loses pixels, and clipping an output ties the surest answers.

    Args:
        graph: the float graph.
        examples: at least one.
        progress: told after each example of each pass, both counted.

    Returns:
        A range for each name of `materialised_tensors`.

    Raises:
        InputError: no examples; or an activation is NaN or infinite.
        EngineError: onnxruntime failed.
    """
    require_examples(examples)
    count = len(examples)
    report = progress or ignore_progress
    groups = same_scale_groups(graph)
    observed = _find_extremes(graph, examples, lambda done: report(done, 2 * count))
    unclipped = set(graph.inputs) | set(graph.outputs)
    searched = [
        members for members in dict.fromkeys(groups.values()) if unclipped.isdisjoint(members)
    ]
    ranges = {name: _joint(observed, members) for name, members in groups.items()}
    observers = {
        members: HistogramObserver(ranges[members[0]].low, ranges[members[0]].high)
        for members in searched
    }
    wanted = [name for members in searched for name in members]
    for done, found in enumerate(run_examples(graph, examples, wanted), start=1):
        for name, values in found.items():
            observers[groups[name]].update(values)
        report(count + done, 2 * count)
    for members, observer in observers.items():
        low, high = search_range(observer.histogram)
        ranges.update(dict.fromkeys(members, TensorRange(low, high)))
    return ranges


def _find_extremes(
    graph: FloatGraph, examples: Examples, report: Callable[[int], None]
) -> dict[str, MinMaxObserver]:
    names = materialised_tensors(graph)
    observers = {name: MinMaxObserver() for name in names}
    for done, found in enumerate(run_examples(graph, examples, names), start=1):
        for name, values in found.items():
            try:
                observers[name].update(values)
            except ValueError as error:
                producer = graph.producer(name)
                layer = f"layer '{producer.name}' ({producer.op})" if producer else "the input"
                raise InputError(
                    f"activation '{name}' of {layer} is not finite on example {done}: {error}; "
                    "check the model and the preprocessing"
                ) from error
        report(done)
    return observers


def _joint(observed: Mapping[str, MinMaxObserver], members: tuple[str, ...]) -> TensorRange:
    return TensorRange(
        low=min(0.0, *(observed[name].low for name in members)),
        high=max(0.0, *(observed[name].high for name in members)),
    )
