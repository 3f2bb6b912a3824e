"""The thread that opens a source, takes its frames in, checks them, and opens it anew."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import (
    DeviceError,
    EdgeError,
    InputError,
    InputTooLargeError,
    UnsupportedInputError,
)
from edge.frame import is_well_formed
from edge.streaming.frame_gates import FrameGates
from edge.streaming.stream_exchange import CheckedFrame

if TYPE_CHECKING:
    from edge.frame import Frame
    from edge.sources.base import FrameSource
    from edge.streaming.answer_stream import StreamSettings
    from edge.streaming.gate_episodes import GateEpisodes
    from edge.streaming.source_watch import SourceWatch
    from edge.streaming.stream_exchange import StreamExchange

__all__ = ["FrameIntake"]

_NS_PER_S = 1e9


class FrameIntake:
    """Body of the thread that takes frames in.

    Args:
        open_source: opens the source; may take as long as its deadline.
        settings: of the stream.
        exchange: where frames go.
        watch: told how the source fares.
        episodes: told what the gates refuse.
        gates: look at every frame that the source gives.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        settings: StreamSettings,
        exchange: StreamExchange,
        watch: SourceWatch,
        episodes: GateEpisodes,
        gates: FrameGates,
    ) -> None:
        self._open_source = open_source
        self._settings = settings
        self._exchange = exchange
        self._watch = watch
        self._episodes = episodes
        self._gates = gates
        self._fault_gate = FrameGates(None)
        self._is_endless = False
        self._source: FrameSource | None = None
        self._base = 0  # what is added to the indices of the source that is open
        self._previous = -1  # index of the last frame, over all reconnects
        self._counted_lost = 0
        self._failures = 0
        self._has_given_frames = False
        # Jitter is no secret: it only has to differ from device to device.
        self._random = random.Random()  # noqa: S311

    def run(self) -> None:
        """Take frames in until the source ends, fails for good, or the stream is stopped."""
        error: BaseException | None = None
        try:
            self._take_in_all()
        except BaseException as caught:  # noqa: BLE001 - the consumer is told, in its own thread
            error = caught
        self._tell_end(error)
        self._exchange.end(error)

    def close_source(self) -> None:
        """Close the source that is open, from any thread; what waits for a frame returns."""
        source = self._source
        if source is not None:
            source.close()

    def _take_in_all(self) -> None:
        while not self._exchange.is_stopped:
            started_s = time.monotonic()
            try:
                self._watch.attempt()
                self._take_in_one_source()
            except EdgeError as error:
                if not self._is_worth_retrying(error):
                    raise
                self._wait_for_next_attempt(error, started_s)
            else:
                return

    def _take_in_one_source(self) -> None:
        source = self._open_source()
        self._source, self._is_endless = source, source.is_endless
        self._gates.restart()
        if source.is_endless and not source.is_live:
            self._watch.opened_in_silence()
        try:
            # Whoever stopped the stream may have done so before there was a source to close.
            if not self._exchange.is_stopped:
                for frame in source:
                    self._take_in(frame, source)
        finally:
            self._count_lost(source)
            self._base = max(self._previous + 1, self._exchange.tally.captured)
            self._counted_lost = 0
            self._source = None
            source.close()

    def _take_in(self, frame: Frame, source: FrameSource) -> None:
        self._has_given_frames = True
        self._watch.frame_came()
        self._forget_failures()
        self._count_lost(source)
        index = self._base + frame.index
        previous, self._previous = self._previous, max(index, self._previous)
        frame = replace(frame, index=index)
        now_ns = time.monotonic_ns()
        # A frame that the policy leaves out is looked at too: a picture is frozen or not whatever
        # the pace of inference. A file that has an end was looked at by whoever made it; what a
        # user's own source calls a picture and is none is the model's to tell.
        has_limits = self._is_endless and is_well_formed(frame)
        gates = self._gates if has_limits else self._fault_gate
        refusal = gates.check(frame, now_ns, is_live=source.is_live)
        if refusal is None:
            self._episodes.passed(now_ns)
        else:
            self._episodes.refused(refusal.gate, refusal.reason, now_ns)
        if self._settings.policy.takes(index, previous):
            self._exchange.put(CheckedFrame(frame, refusal, source.is_live))
        else:
            self._exchange.leave_out()

    def _forget_failures(self) -> None:
        # Not with the first frame: a source that gives one and fails, again and again, would be
        # opened without a pause.
        status = self._watch.status
        open_ns = time.monotonic_ns() - status.since_monotonic_ns
        if self._failures and open_ns > self._settings.backoff.cap_s * _NS_PER_S:
            self._failures = 0

    def _count_lost(self, source: FrameSource) -> None:
        lost = source.dropped
        self._exchange.count_lost(lost - self._counted_lost)
        self._counted_lost = lost

    def _is_worth_retrying(self, error: EdgeError) -> bool:
        settings = self._settings
        if not settings.reconnects or self._exchange.is_stopped:
            return False
        if not self._has_given_frames and not settings.waits_for_source:
            return False
        # What is wrong with an address, or with the size of frames, no attempt makes right; nor
        # with a file, unless it is one of a folder that was watched and is not there for now.
        if isinstance(error, UnsupportedInputError | InputTooLargeError):
            return False
        return isinstance(error, DeviceError) or (
            self._is_endless and isinstance(error, InputError)
        )

    def _wait_for_next_attempt(self, error: EdgeError, started_s: float) -> None:
        self._failures += 1
        wait_s = self._settings.backoff.wait_s(self._failures, self._random)
        wait_s = max(0.0, wait_s - (time.monotonic() - started_s))
        self._watch.failed(str(error), wait_s=wait_s)
        self._exchange.wait_until_stopped(wait_s)

    def _tell_end(self, error: BaseException | None) -> None:
        if self._exchange.is_stopped:
            self._watch.closed()
        elif error is None:
            self._watch.ended()
        else:
            self._watch.gave_up(str(error))
