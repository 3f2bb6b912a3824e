"""The walk of a calibration through its examples, from where it was stopped."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing

from edge.errors import InputError
from quantize.calibration_checkpoint import Checkpoint
from quantize.calibration_state import CalibrationState, chained, digest_example
from quantize.graph import FloatGraph
from quantize.observers import finite_extremes
from quantize.run_examples import Examples, Progress, Tensors, run_examples_ahead

__all__ = ["OtherExamplesError", "observe_examples"]


class OtherExamplesError(Exception):
    """The examples are not those that a checkpoint was made with."""


def observe_examples(
    graph: FloatGraph,
    examples: Examples,
    state: CalibrationState,
    *,
    progress: Progress,
    keeper: Checkpoint | None = None,
    seconds: float = 0.0,
) -> None:
    """See the examples that a state has not seen yet.

    Args:
        graph: the float graph.
        examples: all of them; the first `state.done` are read and compared, not inferred.
        state: changed in place.
        progress: told after each example.
        keeper: where the state is kept now and then, and at the end.
        seconds: least time between two savings.

    Raises:
        OtherExamplesError: the first examples are not those that the state has seen.
        InputError: an activation is NaN or infinite.
        OutputError: the checkpoint cannot be written.
        EngineError: onnxruntime failed.
    """
    names = list(state.tensors)
    remaining = _RemainingExamples(examples, skip=state.done, expected=state.digest)
    saved = time.monotonic()
    # Outputs are watched too where nothing quantized is among them: they too must be finite.
    outputs = [name for name in graph.outputs if graph.is_float(name)]
    watched = list(dict.fromkeys((*names, *outputs)))
    with closing(run_examples_ahead(graph, remaining, watched)) as found:
        for tensors in found:
            _see(graph, state, tensors)
            state.count_example(remaining.digests.popleft())
            progress(state.done, len(examples))
            if keeper is not None and time.monotonic() - saved >= seconds:
                keeper.save(state)
                saved = time.monotonic()
    if keeper is not None:
        keeper.save(state)


class _RemainingExamples:
    """The examples after those that were seen before, which are compared while they pass.

    Attributes:
        digests: of the examples given out, the oldest first.
    """

    def __init__(self, examples: Examples, *, skip: int, expected: bytes) -> None:
        self._examples = examples
        self._skip = skip
        self._expected = expected
        self.digests: deque[bytes] = deque()

    def __iter__(self) -> Iterator[Tensors]:
        seen, passed = b"", 0
        for example in self._examples:
            digest = digest_example(example)
            if passed < self._skip:
                seen, passed = chained(seen, digest), passed + 1
                continue
            if seen != self._expected:
                raise OtherExamplesError
            self.digests.append(digest)
            yield example
        if passed < self._skip or seen != self._expected:
            raise OtherExamplesError


def _see(graph: FloatGraph, state: CalibrationState, tensors: Tensors) -> None:
    for name, values in tensors.items():
        try:
            if name in state.tensors:
                state.tensors[name].update(values)
            else:
                finite_extremes(values)
        except ValueError as error:
            producer = graph.producer(name)
            layer = f"layer '{producer.name}' ({producer.op})" if producer else "the input"
            raise InputError(
                f"activation '{name}' of {layer} is not finite on example {state.done + 1}: "
                f"{error}; check the model and the preprocessing"
            ) from error
