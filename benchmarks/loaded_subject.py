"""A subject made ready to answer: the pipeline of a model, or its engine alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.answer_log import AnswerLog
from benchmarks.answerers import Answerer, EngineAnswerer, PipelineAnswerer
from benchmarks.bare_engine import load_bare_engine
from benchmarks.model_inputs import random_tensors, read_tensors, tensors_sha256
from benchmarks.subject_request import SubjectRequest
from edge.engines.base import Engine
from edge.errors import InputError
from edge.model_loader import LoadOptions, load
from edge.pipeline import Model

__all__ = ["EngineSubject", "PipelineSubject", "load_subject"]

_FLOOR_CALLS = 500
_FLOOR_NS = 2_000_000_000


class PipelineSubject:
    """The runtime's own `Model` and the bytes that it answers for.

    Args:
        request: what to load.
    """

    def __init__(self, request: SubjectRequest) -> None:
        options = LoadOptions(threads=request.threads, artifact=request.artifact)
        self.model = load(request.model or None, options=options)
        self.engine_version = self.model.parts.engine.version
        self.random_sha256: tuple[str, ...] = ()
        self._inputs = [_given(Path(path)) for path in request.inputs]
        self._names = [Path(path).name for path in request.inputs]
        self.answerer: Answerer = PipelineAnswerer(self.model, self._inputs)

    @property
    def engine(self) -> Engine:
        """That the pipeline asks."""
        return self.model.parts.engine

    def answerer_around(self, engine: Engine) -> Answerer:
        """The same pipeline and inputs around another engine."""
        return PipelineAnswerer(Model(replace(self.model.parts, engine=engine)), self._inputs)

    def first_answer(self) -> None:
        """Answer for the first input.

        Raises:
            InputError: it is not what the model takes.
        """
        with _named(self._names[0]):
            self.answerer.answer(0)

    def expected(self) -> list[Any]:
        """An answer for every input, given while nothing is timed.

        Raises:
            InputError: the model refuses an input, so that there is no answer to time.
        """
        answers = []
        for name, given in zip(self._names, self._inputs, strict=True):
            with _named(name):
                answer = self.model.run(given)
            if answer.status != "ok":
                raise InputError(
                    f"the model refuses {name}: {answer.reason}; measure with an input that it "
                    "answers",
                )
            answers.append(answer)
        return answers

    def feeder(self) -> Callable[[int], Mapping[str, NDArray[Any]]]:
        """Makes what the engine is fed for an input, each time anew, as the pipeline does."""
        idle = self._idle_engine()
        answerer = self.answerer_around(idle)

        def feed(index: int) -> Mapping[str, NDArray[Any]]:
            answerer.answer(index)
            return idle.fed

        return feed

    def _idle_engine(self) -> _IdleEngine:
        recorder = _EngineRecorder(self.engine)
        self.answerer_around(recorder).answer(0)
        return _IdleEngine(recorder)

    def floor_ns(self) -> float | None:
        """Median `call` of the same pipeline around an engine that does nothing."""
        return _median_call(self.answerer_around(self._idle_engine()))

    def close(self) -> None:
        """Release the engine."""
        self.model.close()


class EngineSubject:
    """An engine and the tensors that it is fed with.

    Args:
        request: what to load.
    """

    def __init__(self, request: SubjectRequest) -> None:
        self.engine = load_bare_engine(
            request.model, request.artifact, request.engine, request.threads
        )
        self.engine_version = self.engine.version
        specs = self.engine.inputs
        tensors = [read_tensors(Path(path), specs) for path in request.inputs]
        self.random_sha256: tuple[str, ...] = ()
        if not tensors:
            tensors = random_tensors(specs, request.settings.seed)
            self.random_sha256 = tuple(tensors_sha256(each) for each in tensors)
        self._tensors = tensors
        self.answerer: Answerer = EngineAnswerer(self.engine, tensors)

    def answerer_around(self, engine: Engine) -> Answerer:
        """The same inputs for another engine."""
        return EngineAnswerer(engine, self._tensors)

    def first_answer(self) -> None:
        """Answer for the first input."""
        self.answerer.answer(0)

    def expected(self) -> list[Any]:
        """An answer for every input, given while nothing is timed."""
        return [self.answerer.answer(index) for index in range(self.answerer.input_count)]

    def feeder(self) -> Callable[[int], Mapping[str, NDArray[Any]]]:
        """Gives what the engine is fed for an input; nothing is to be made."""
        return self._tensors.__getitem__

    def floor_ns(self) -> float | None:
        """There is no pipeline around the engine."""
        return None

    def close(self) -> None:
        """Release the engine."""
        self.engine.close()


def load_subject(request: SubjectRequest) -> PipelineSubject | EngineSubject:
    """Load what is to be measured.

    Raises:
        EdgeError: the model or an input is refused, or the engine fails.
    """
    return EngineSubject(request) if request.is_engine_only else PipelineSubject(request)


class _EngineRecorder:
    """Hands calls through to an engine and keeps what it was fed last and what it gave.

    Args:
        engine: answers; closing this leaves it open.
    """

    def __init__(self, engine: Engine) -> None:
        self.name, self.version = engine.name, engine.version
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.fed: Mapping[str, NDArray[Any]] = {}
        self.kept: dict[str, NDArray[Any]] = {}
        self._engine = engine

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `Engine.run`."""
        self.fed = tensors
        self.kept = self._engine.run(tensors)
        return self.kept

    def close(self) -> None:
        """The engine is somebody else's."""


class _IdleEngine(_EngineRecorder):
    """Gives the outputs that were kept, whatever comes in: an engine that does nothing."""

    def __init__(self, recorder: _EngineRecorder) -> None:
        super().__init__(recorder)
        self.kept = recorder.kept

    def run(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See `Engine.run`."""
        self.fed = tensors
        return self.kept


def _median_call(answerer: Answerer) -> float:
    log = AnswerLog(answerer, origin_ns=time.monotonic_ns())
    rounds = -(-_FLOOR_CALLS // answerer.input_count)
    end = time.monotonic_ns() + _FLOOR_NS
    for query in range(rounds * answerer.input_count):
        if log.take(query, query % answerer.input_count) > end:
            break
    return float(np.median(log.samples()["warm_up"].values("call")))


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say of which input an error speaks: bytes have no name."""
    try:
        yield
    except InputError as error:
        raise type(error)(f"{name}: {str(error).removeprefix('memory: ')}") from error


def _given(path: Path) -> bytes | str:
    """Bytes; the path of a record that may name other files beside it."""
    return os.fspath(path) if path.suffix.lower() == ".json" else path.read_bytes()
