"""A model of which it is known how long its present inference has taken."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from edge.frame import Frame
from edge.pipeline import Model, ModelInput
from edge.results import NoAnswer, Result

__all__ = ["WatchedModel"]


class WatchedModel:
    """Runs a model, from any number of threads, and remembers since when.

    Args:
        model: loaded; closed with this object.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._started_ns: dict[int, int] = {}

    @property
    def busy_ns(self) -> int:
        """How long the oldest inference that has not come back has taken; 0 without one."""
        with self._lock:
            oldest = min(self._started_ns.values(), default=0)
        return time.monotonic_ns() - oldest if oldest else 0

    def run(self, source: ModelInput) -> Result:
        """See `Model.run`."""
        thread = threading.get_ident()
        with self._lock:
            self._started_ns[thread] = time.monotonic_ns()
        try:
            return self.model.run(source)
        finally:
            with self._lock:
                del self._started_ns[thread]

    def no_result(self, frame: Frame, why: NoAnswer) -> Result:
        """See `Model.no_result`."""
        return self.model.no_result(frame, why)

    def close(self) -> None:
        """See `Model.close`."""
        self.model.close()

    def __enter__(self) -> WatchedModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
