"""Some of a collection of examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantize.run_examples import Examples, Tensors

__all__ = ["SelectedExamples", "spread_examples"]


class SelectedExamples:
    """Some of the examples, walked again each time.

    Args:
        examples: all.
        places: the positions of those wanted.
    """

    def __init__(self, examples: Examples, places: frozenset[int]) -> None:
        self._examples = examples
        self._places = places

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places)

    def __iter__(self) -> Iterator[Tensors]:
        """Each in the order of all."""
        for at, example in enumerate(self._examples):
            if at in self._places:
                yield example


def spread_examples(examples: Examples, most: int) -> list[Tensors]:
    """At most so many examples, evenly spread; always the same ones."""
    count = len(examples)
    wanted = {int(at) for at in np.linspace(0, count - 1, min(most, count)).round()}
    return [example for at, example in enumerate(examples) if at in wanted]
