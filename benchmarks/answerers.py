"""What is measured, seen from the loop that times it: something that answers for an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.engines.base import Engine
from edge.pipeline import Model
from edge.results import LatencyNs, Result

__all__ = ["Answerer", "DoNothingAnswerer", "EngineAnswerer", "PipelineAnswerer"]

_STAGES = tuple(field.name for field in fields(LatencyNs))
_NO_STAGES = (0,) * len(_STAGES)
_SAME_SCORE = 1e-6
"""Float kernels may add in another order from call to call; integer ones give the same bits."""
_SAME_OUTPUT = 1e-4


class Answerer(Protocol):
    """Answers for inputs that it was given beforehand."""

    @property
    def input_count(self) -> int:
        """How many inputs there are."""
        ...

    def answer(self, index: int) -> Any:
        """Answer for one input; this call is what is timed."""
        ...

    def stages_ns(self, answer: Any, call_ns: int) -> tuple[int, ...]:
        """Nanoseconds of capture, decode, preprocess, infer, postprocess and total."""
        ...

    def is_same(self, answer: Any, expected: Any) -> bool:
        """Whether two answers for the same input say the same."""
        ...


class PipelineAnswerer:
    """The runtime's whole pipeline, from a file's bytes to a result.

    Args:
        model: loaded.
        inputs: bytes of encoded pictures or record files, or paths of the latter.
    """

    def __init__(self, model: Model, inputs: Sequence[bytes | str]) -> None:
        self._run = model.run
        self._inputs = tuple(inputs)

    @property
    def input_count(self) -> int:
        """How many inputs there are."""
        return len(self._inputs)

    def answer(self, index: int) -> Result:
        """Decode, preprocess, infer, read the outputs."""
        return self._run(self._inputs[index])

    def stages_ns(self, answer: Result, call_ns: int) -> tuple[int, ...]:
        """As the runtime timed them."""
        del call_ns
        return tuple(getattr(answer.latency_ns, stage) for stage in _STAGES)

    def is_same(self, answer: Result, expected: Result) -> bool:
        """The same status and decisions, and scores within what float addition allows."""
        if answer.status != expected.status or len(answer.outputs) != len(expected.outputs):
            return False
        return all(
            ours.decision == theirs.decision
            and all(
                abs(one.score - other.score) <= _SAME_SCORE * max(1.0, abs(other.score))
                for one, other in zip(ours.scores, theirs.scores, strict=True)
            )
            for ours, theirs in zip(answer.outputs, expected.outputs, strict=True)
        )


class EngineAnswerer:
    """The engine alone, fed with tensors: for files that do not say how they are fed.

    Args:
        engine: loaded.
        inputs: one mapping an input, tensor name to array, as `Engine.run` takes them.
    """

    def __init__(self, engine: Engine, inputs: Sequence[Mapping[str, NDArray[Any]]]) -> None:
        self._run = engine.run
        self._inputs = tuple(inputs)

    @property
    def input_count(self) -> int:
        """How many inputs there are."""
        return len(self._inputs)

    def answer(self, index: int) -> dict[str, NDArray[Any]]:
        """Infer."""
        return self._run(self._inputs[index])

    def stages_ns(self, answer: dict[str, NDArray[Any]], call_ns: int) -> tuple[int, ...]:
        """All of the call is inference."""
        del answer
        return (0, 0, 0, call_ns, 0, call_ns)

    def is_same(
        self, answer: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]
    ) -> bool:
        """Every output within what float addition allows; integers bit for bit."""
        return all(
            bool(np.allclose(answer[name], value, _SAME_OUTPUT, _SAME_OUTPUT, equal_nan=True))
            if value.dtype.kind == "f"
            else bool(np.array_equal(answer[name], value))
            for name, value in expected.items()
        )


class DoNothingAnswerer:
    """Answers nothing at all: what is left is the loop that times it."""

    input_count = 1

    def answer(self, index: int) -> None:
        """Do nothing."""
        del index

    def stages_ns(self, answer: None, call_ns: int) -> tuple[int, ...]:
        """There are none."""
        del answer, call_ns
        return _NO_STAGES

    def is_same(self, answer: None, expected: None) -> bool:
        """Nothing is nothing."""
        del answer, expected
        return True
