"""An engine that replays recorded answers: the fake that carries tests and demonstrations."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from edge.errors import EngineError
from edge.tensor_spec import TensorSpec

__all__ = ["ReplayEngine"]


class ReplayEngine:
    """Gives recorded outputs in turn, over and over, whatever comes in.

    Args:
        inputs: the tensors it claims to take; arrays given to `run` are held against them.
        outputs: the tensors it claims to return.
        answers: one mapping a call, output name to array of the output's shape and dtype.
    """

    name = "replay"
    version = "1"

    def __init__(
        self,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        answers: Sequence[Mapping[str, NDArray[Any]]],
    ) -> None:
        if not answers:
            raise EngineError("replay engine got no recorded answers; give at least one")
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._answers = itertools.cycle([dict(answer) for answer in answers])
        self._lock = threading.Lock()

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the next recorded answer; see `Engine.run`."""
        for spec in self.inputs:
            given = tensors[spec.name]
            if given.shape != spec.shape or given.dtype != spec.dtype:
                raise EngineError(
                    f"replay engine input {spec.name} is {given.dtype}{list(given.shape)}; "
                    f"it takes {spec.dtype}{list(spec.shape)}",
                )
        with self._lock:
            answer = next(self._answers)
        return {name: value.copy() for name, value in answer.items()}

    def close(self) -> None:
        """Nothing to release."""
