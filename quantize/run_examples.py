"""Examples through a float graph, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from quantize.graph import FloatGraph
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session

__all__ = ["Examples", "Progress", "ignore_progress", "require_examples", "run_examples"]

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
    computed = [name for name in names if name not in graph.inputs]
    session = open_session(export_onnx(graph, extra_outputs=computed).SerializeToString())
    for example in examples:
        values = run_session(session, computed, example)
        found = {**example, **dict(zip(computed, values, strict=True))}
        yield {name: found[name] for name in names}
