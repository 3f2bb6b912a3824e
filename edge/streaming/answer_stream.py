"""Answers from a source that goes on: capture, inference and output each in a thread."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.errors import InputError
from edge.frame import is_well_formed
from edge.results import INPUT_GATE, NoAnswer
from edge.streaming.back_off import BackOff
from edge.streaming.events import StreamEvent, StreamState
from edge.streaming.frame_gates import FrameGates, GateLimits, Refusal, find_stale
from edge.streaming.frame_intake import FrameIntake
from edge.streaming.frame_policy import FramePolicy
from edge.streaming.gate_episodes import GateEpisodes
from edge.streaming.source_watch import SourceWatch
from edge.streaming.stream_exchange import CheckedFrame, StreamExchange

if TYPE_CHECKING:
    from edge.errors import EdgeError
    from edge.frame import Frame
    from edge.results import Result
    from edge.sources.base import FrameSource

__all__ = ["AnswerStream", "FrameModel", "StreamAnswer", "StreamSettings"]

logger = logging.getLogger(__name__)

CLOSE_GRACE_S = 2.0
"""How long `close` waits for threads that are inside a library."""

EXIT_GRACE_S = 60.0
"""How long the end of the program waits for an inference."""


class FrameModel(Protocol):
    """What a stream asks of a model; `edge.pipeline.Model` is one."""

    def run(self, source: Frame, /) -> Result:
        """Answer for a frame; see `edge.pipeline.Model.run`."""
        ...

    def no_result(self, frame: Frame, why: NoAnswer, /) -> Result:
        """What is said of a frame without an answer; see `edge.pipeline.Model.no_result`."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream answers.

    Attributes:
        policy: which frames, where inference is slower than the source.
        limits: from where on the frames of a source that goes on for ever (a camera, a stream, a
            watched folder) are refused. None, and of any other source, refuses only what the
            source itself says is not whole, and what `Model.run` refuses.
        backoff: how long to wait before a lost source is opened anew.
        reconnects: whether it is opened anew, for ever; else the stream ends with its error.
        waits_for_source: whether that also holds for a source that has given no frame yet; else
            a camera that is missing at the start ends the stream.
        digests: whether `Result.digest` is the SHA-256 in hex of the frame's pixels.
    """

    policy: FramePolicy = field(default_factory=FramePolicy)
    limits: GateLimits | None = field(default_factory=GateLimits)
    backoff: BackOff = field(default_factory=BackOff)
    reconnects: bool = True
    waits_for_source: bool = True
    digests: bool = False


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """What came of one frame.

    Attributes:
        frame: as it was captured; `Frame.index` counts what the stream captured, over all
            reconnects.
        result: status "ok"; "refused" (`gate` and `reason` say why); or "error": the frame is
            not what the model takes. Only "ok" has outputs.
        error: what was raised, where the status is "error".
    """

    frame: Frame
    result: Result
    error: EdgeError | None = None


class AnswerStream:
    """Iterate over it for an answer to each frame that the policy takes.

    It begins at once: one thread captures, one infers, and whoever iterates consumes, so that
    throughput comes near that of the slowest of the three. Close it, or leave its `with` block.
    A frame that must not be answered gives an answer with status "refused"; the first good frame
    after it is answered again.

    Args:
        model: answers for frames; used from the stream's own thread, and not closed by it.
        open_source: opens the source, within its own deadline; called again for a lost source.
        settings: policy, gates, reconnecting.
        on_event: told what happens, in the stream's threads; it should return soon. Without one,
            events are logged.
    """

    def __init__(
        self,
        model: FrameModel,
        open_source: Callable[[], FrameSource],
        settings: StreamSettings = StreamSettings(),
        *,
        on_event: Callable[[StreamEvent], None] | None = None,
    ) -> None:
        self._settings = settings
        tell = _Teller(on_event)
        self._exchange = StreamExchange(settings.policy)
        self._watch = SourceWatch(tell)
        intake = FrameIntake(
            open_source,
            settings,
            self._exchange,
            self._watch,
            GateEpisodes(tell),
            FrameGates(settings.limits),
        )
        inference = _Inference(model, settings, self._exchange, GateEpisodes(tell))
        threads = (
            threading.Thread(target=intake.run, name="stream intake", daemon=True),
            threading.Thread(target=inference.run, name="stream inference", daemon=True),
        )
        # Runs once: on close, or else when the stream is collected or the interpreter ends, before
        # a thread inside a library would be in its way (see edge.sources.captured_frames).
        self._stop_once = weakref.finalize(self, _stop, self._exchange, intake, threads)
        for thread in threads:
            thread.start()

    @property
    def state(self) -> StreamState:
        """How the stream is now; from any thread."""
        status, tally = self._watch.status, self._exchange.tally
        return StreamState(
            source=status.source,
            since_monotonic_ns=status.since_monotonic_ns,
            attempts=status.attempts,
            captured=tally.captured,
            dropped=tally.dropped,
            answered=tally.answered,
            refused=tally.refused,
            errors=tally.errors,
            reconnects=status.reconnects,
            next_attempt_monotonic_ns=status.next_attempt_monotonic_ns,
        )

    def __iter__(self) -> Iterator[StreamAnswer]:
        return self

    def __next__(self) -> StreamAnswer:
        """Wait for the next answer.

        Raises:
            StopIteration: the source came to its end, or the stream is closed.
            UsageError: the address can mean nothing.
            EdgeError: the source failed and is not opened anew.
            EngineError: the engine failed.
        """
        answer = self._exchange.next_answer()
        if answer is None:
            raise StopIteration
        return answer

    def close(self) -> None:
        """End it; waits up to two seconds for what is inside a library. Twice is harmless."""
        self._stop_once()

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _stop(
    exchange: StreamExchange, intake: FrameIntake, threads: tuple[threading.Thread, ...]
) -> None:
    exchange.stop()
    intake.close_source()
    deadline_s = time.monotonic() + CLOSE_GRACE_S
    for thread in threads:
        # A garbage collection in one of the threads may run this.
        if thread is not threading.current_thread() and thread.ident is not None:
            thread.join(max(0.0, deadline_s - time.monotonic()))
            if thread.is_alive():
                logger.debug("%s: still inside a library; left behind", thread.name)
    inference = threads[-1]
    # A thread that comes back from an engine while the interpreter ends would abort the process.
    # Unlike a camera an engine does come back, so the end waits for it.
    if not threading.main_thread().is_alive() and inference.ident is not None:
        inference.join(EXIT_GRACE_S)


class _Teller:
    """Calls the user's function for events; what goes wrong in it does not end the stream."""

    def __init__(self, on_event: Callable[[StreamEvent], None] | None) -> None:
        self._on_event = on_event

    def __call__(self, event: StreamEvent) -> None:
        if self._on_event is None:
            # Where nobody listens, a camera that is missing must not be waited for in silence.
            level = logging.INFO if event.level == "info" else logging.WARNING
            logger.log(level, "%s: %s", event.code, event.message)
            return
        try:
            self._on_event(event)
        except Exception:
            logger.exception("the function for events failed on %s", event.code)


class _Inference:
    """Body of the thread that infers."""

    def __init__(
        self,
        model: FrameModel,
        settings: StreamSettings,
        exchange: StreamExchange,
        episodes: GateEpisodes,
    ) -> None:
        self._model = model
        self._limits = settings.limits
        self._digests = settings.digests
        self._exchange = exchange
        self._episodes = episodes

    def run(self) -> None:
        """Answer for frames until there are no more, or the engine fails."""
        try:
            # Beside inference: SHA-256 of a frame takes a small board as long as a small network.
            with ThreadPoolExecutor(1, "stream digest") as hashing:
                while (checked := self._exchange.take()) is not None:
                    self._exchange.give(self._answer_with_digest(checked, hashing))
                    del checked  # or else the frame lives on while the next is waited for
        except BaseException as error:  # noqa: BLE001 - the consumer is told, in its own thread
            self._exchange.fail(error)

    def _answer_with_digest(self, checked: CheckedFrame, hashing: Executor) -> StreamAnswer:
        if not self._digests:
            return self._answer(checked)
        found = hashing.submit(_find_digest, checked.frame)
        answer, digest = self._answer(checked), found.result()
        return replace(
            answer,
            frame=replace(answer.frame, digest=digest),
            result=replace(answer.result, digest=digest),
        )

    def _answer(self, checked: CheckedFrame) -> StreamAnswer:
        frame, refusal = checked.frame, checked.refusal
        if refusal is not None:
            # Told by the thread that found it.
            return self._refuse(frame, refusal)
        now_ns = time.monotonic_ns()
        stale = find_stale(frame, self._limits, now_ns) if checked.is_live else None
        answer = self._run(frame) if stale is None else self._refuse(frame, stale)
        if answer.result.status == "ok":
            self._episodes.passed(time.monotonic_ns())
        else:
            self._episodes.refused(answer.result.gate, str(answer.result.reason), now_ns)
        return answer

    def _refuse(self, frame: Frame, refusal: Refusal) -> StreamAnswer:
        why = NoAnswer("refused", refusal.gate, refusal.reason)
        return StreamAnswer(frame, self._model.no_result(frame, why))

    def _run(self, frame: Frame) -> StreamAnswer:
        try:
            return StreamAnswer(frame, self._model.run(frame))
        except InputError as error:
            why = NoAnswer("error", INPUT_GATE, str(error))
            return StreamAnswer(frame, self._model.no_result(frame, why), error)


def _find_digest(frame: Frame) -> str:
    if not is_well_formed(frame):
        return ""
    return hashlib.sha256(np.ascontiguousarray(frame.pixels).data.cast("B")).hexdigest()
