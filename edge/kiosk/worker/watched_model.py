"""A model of which it is known how long its present inference has taken, and how often it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edge.errors import EngineError
from edge.frame import Frame
from edge.pipeline import Model
from edge.results import NoAnswer, Result

__all__ = ["ENGINE_GATE", "MOST_FAILURES", "WatchedModel"]

ENGINE_GATE = "engine"
"""Gate of an input on which the engine failed."""

MOST_FAILURES = 5
"""So many failures of the engine in a row, and it is given up."""


class WatchedModel:
    """Runs a model, from any number of threads, and remembers since when.

    An engine that fails on one input has no answer for it; one that fails on every input is to be
    loaded anew.

    Args:
        model: loaded; it stays the caller's to close.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._started_ns: dict[int, int] = {}
        self._failures = 0

    @property
    def busy_ns(self) -> int:
        """How long the oldest inference that has not come back has taken; 0 without one."""
        with self._lock:
            oldest = min(self._started_ns.values(), default=0)
        return time.monotonic_ns() - oldest if oldest else 0

    def run(self, frame: Frame) -> Result:
        """See `Model.run`; "error" where the engine fails.

        Raises:
            InputError: the frame is not what the model takes.
            EngineError: the engine has failed again and again.
        """
        try:
            with self._timed():
                return self.model.run(frame)
        except EngineError as error:
            return self.no_result(frame, self.engine_failure(error))

    def run_bytes(self, data: bytes) -> Result:
        """See `Model.run`.

        Raises:
            InputError: it cannot be read or is not what the model takes.
            EngineError: the engine failed; `engine_failure` says what to make of it.
        """
        with self._timed():
            return self.model.run(data)

    def engine_failure(self, error: EngineError) -> NoAnswer:
        """Count a failure of the engine.

        Returns:
            What is said of the input.

        Raises:
            EngineError: this one, where the engine has failed again and again.
        """
        with self._lock:
            self._failures += 1
            is_over = self._failures >= MOST_FAILURES
        if is_over:
            raise error
        return NoAnswer("error", ENGINE_GATE, str(error))

    def no_result(self, frame: Frame, why: NoAnswer) -> Result:
        """See `Model.no_result`."""
        return self.model.no_result(frame, why)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        thread = threading.get_ident()
        with self._lock:
            self._started_ns[thread] = time.monotonic_ns()
        try:
            yield
            self._failures = 0
        finally:
            with self._lock:
                del self._started_ns[thread]
