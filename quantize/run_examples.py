"""Examples through a float graph, one at a time, or the next while this one is looked at."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.graph import FloatGraph
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session

__all__ = [
    "Examples",
    "Progress",
    "Tensors",
    "ignore_progress",
    "require_examples",
    "run_examples",
    "run_examples_ahead",
]

Progress = Callable[[int, int], None]
"""Called with how many of how many steps are done."""

Tensors = Mapping[str, NDArray[np.float32]]


class Examples(Protocol):
    """Model inputs that can be walked more than once and counted."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def __iter__(self) -> Iterator[Tensors]:
        """Each as float32 arrays by input name, in the graph's shapes."""
        ...


def require_examples(examples: Examples) -> None:
    """Refuse an empty collection.

    Raises:
        InputError: there are none.
    """
    if len(examples) == 0:
        raise InputError("no calibration examples; give at least one, better a hundred or more")


def ignore_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


def run_examples(graph: FloatGraph, examples: Examples, names: Sequence[str]) -> Iterator[Tensors]:
    """Run each example and give the named tensors.

    Args:
        graph: the float graph.
        examples: its inputs.
        names: activations or graph inputs, in the order wanted.

    Yields:
        The tensors of one example, by name.

    Raises:
        EngineError: onnxruntime failed.
    """
    session = _open(graph, names)
    for example in examples:
        yield _run(session, graph, example, names)


def run_examples_ahead(
    graph: FloatGraph, examples: Iterable[Tensors], names: Sequence[str]
) -> Generator[Tensors, None, None]:
    """Like `run_examples`, but reads and infers the next example while the caller has this one.

    A second thread walks the examples; two examples' tensors are held at a time.

    Args:
        graph: the float graph.
        examples: its inputs.
        names: activations or graph inputs, in the order wanted.

    Yields:
        The tensors of one example, by name.

    Raises:
        EngineError: onnxruntime failed.
    """
    # A spinning thread pool would take the processors from the caller.
    session = _open(graph, names, spin=False)
    stream = iter(examples)

    def advance() -> Tensors | None:
        example = next(stream, None)
        return None if example is None else _run(session, graph, example, names)

    with ThreadPoolExecutor(max_workers=1) as worker:
        pending = worker.submit(advance)
        while (found := pending.result()) is not None:
            pending = worker.submit(advance)
            yield found


def _open(graph: FloatGraph, names: Sequence[str], *, spin: bool = True) -> Any:
    # In one expression: the message is gone before onnxruntime makes its own copy of the weights.
    model = export_onnx(graph, extra_outputs=_computed(graph, names)).SerializeToString()
    return open_session(model, spin=spin)


def _run(session: Any, graph: FloatGraph, example: Tensors, names: Sequence[str]) -> Tensors:
    computed = _computed(graph, names)
    values = run_session(session, computed, example)
    found = {**example, **dict(zip(computed, values, strict=True))}
    return {name: found[name] for name in names}


def _computed(graph: FloatGraph, names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in graph.inputs]
