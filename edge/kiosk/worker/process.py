"""The worker process: capture, gates, inference and the preview, told what to do by the service.

Threads: this one receives, one streams from the source, one answers for uploads, one says that
the process is alive. None of them is waited for at the end: the process leaves as it stands,
because what it must not lose lies with the service.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from edge.errors import (
    BundleError,
    DeviceError,
    EdgeError,
    EngineError,
    EngineNotInstalledError,
    InputNotFoundError,
    UsageError,
)
from edge.frame import Frame
from edge.kiosk.messages import EventType
from edge.kiosk.worker.answers import answer_upload, stream_answered
from edge.kiosk.worker.channel import Channel, ServiceGoneError
from edge.kiosk.worker.loading import load_checked_model
from edge.kiosk.worker.preview import PreviewPace, encode_preview
from edge.kiosk.worker.watched_model import WatchedModel
from edge.kiosk.worker.wire import (
    Alive,
    Failed,
    Happened,
    Infer,
    Inferred,
    Preview,
    Ready,
    Start,
    Watch,
)
from edge.kiosk.worker.wording import Wording
from edge.sources.base import FrameSource, open_source
from edge.sources.captured_frames import count_abandoned_threads
from edge.streaming.answer_stream import AnswerStream, StreamSettings
from edge.streaming.events import StreamEvent
from edge.streaming.frame_gates import GateLimits
from edge.streaming.frame_policy import parse_policy

__all__ = ["main"]

ALIVE_INTERVAL_S = 0.5
_MIB = 1 << 20
_NS_PER_MS = 1_000_000
_PR_SET_PDEATHSIG = 1  # prctl(2)
_OUT_OF_MEMORY_SCORE = "500"  # proc_pid_oom_score_adj(5): of -1000 to 1000


def main() -> None:
    """Serve over the inherited socket whose number is the only argument; never returns."""
    number = int(sys.argv[1])
    _settle_in(number)
    channel = Channel(socket.socket(fileno=number))
    code = 1
    try:
        message = channel.receive()
        if message is not None and isinstance(message.body, Start):
            code = _run(channel, message.body)
    finally:
        os._exit(code)


def _settle_in(number: int) -> None:
    """A worker must not outlive its service: it would hold the camera."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when to stop
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.set_inheritable(number, False)  # a child that kept it open would hide this one's end
    # Where the memory runs out, the worker is the one that can be replaced.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY_SCORE, encoding="ascii")


def _run(channel: Channel, start: Start) -> int:
    wording = Wording(start.source)
    worker: _Worker | None = None
    try:
        worker = _Worker(channel, start, wording)
        return worker.run()
    except ServiceGoneError:
        return 0
    except BaseException as error:  # noqa: BLE001 - whatever it was, the service is told
        # Until it is ready, the source has not been asked for anything.
        return _tell_failure(channel, error, wording, is_model=worker is None)


def _tell_failure(
    channel: Channel, error: BaseException, wording: Wording, *, is_model: bool
) -> int:
    if isinstance(error, EdgeError):
        is_hopeless = isinstance(error, UsageError | BundleError | EngineNotInstalledError)
        failed = Failed(
            error.code, wording.clean(str(error)), error.exit_code, is_model, is_hopeless
        )
    else:
        # Its own words may hold anything, the name of a picture's file included.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        failed = Failed("crash", f"{type(error).__name__} at {where}")
        traceback.print_tb(error.__traceback__)
    with suppress(ServiceGoneError):
        channel.send(failed)
    return 1


class _Worker:
    """What the threads share.

    Args:
        channel: to the service.
        start: what to do.
        wording: makes messages fit to be told.

    Raises:
        EdgeError: the model cannot be loaded or does not give the lab's answers.
    """

    def __init__(self, channel: Channel, start: Start, wording: Wording) -> None:
        self._channel = channel
        self._start = start
        self._wording = wording
        started_ns = time.monotonic_ns()
        model, card = load_checked_model(start)
        self._model = WatchedModel(model)
        self._pace = PreviewPace()
        self._uploads: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        channel.send(Ready(card, time.monotonic_ns() - started_ns))
        self._stream = self._make_stream() if start.source else None

    def run(self) -> int:
        """Do what the service says until it says stop or is gone.

        Returns:
            The exit code.
        """
        for body in (self._keep_saying_alive, self._answer_uploads, self._answer_source):
            name = body.__name__.strip("_").replace("_", " ")
            threading.Thread(target=self._guarded, args=(body,), name=name, daemon=True).start()
        while (message := self._channel.receive()) is not None:
            if isinstance(message.body, Infer):
                self._uploads.put((message.body.request, message.blob))
            elif isinstance(message.body, Watch):
                self._pace.watch(message.body.for_s)
            else:
                break
        if self._stream is not None:
            self._stream.close()
        return 0

    def _guarded(self, body: Callable[[], None]) -> None:
        """A thread that fails takes the process with it: the service starts another."""
        code = 1
        try:
            body()
        except ServiceGoneError:
            code = 0
        except BaseException as error:  # noqa: BLE001 - whatever it was, the service is told
            is_model = isinstance(error, EngineError | BundleError)
            code = _tell_failure(self._channel, error, self._wording, is_model=is_model)
        else:
            return
        os._exit(code)

    def _make_stream(self) -> AnswerStream:
        start = self._start
        settings = StreamSettings(
            policy=parse_policy(start.policy),
            limits=GateLimits().changed(start.gates),
            digests=True,
        )
        opener = partial(_open_source, start)
        return AnswerStream(self._model, opener, settings, on_event=self._tell_event)

    def _tell_event(self, event: StreamEvent) -> None:
        kind: EventType = "gate" if event.detail else "source"
        code = f"{event.code}_{event.detail}" if event.detail else event.code
        message = self._wording.clean(event.message)
        self._channel.send(Happened(kind, event.level, code, message, event.monotonic_ns))

    def _answer_source(self) -> None:
        if self._stream is None:
            return
        for each in self._stream:
            self._channel.send(stream_answered(each, self._wording))
            if self._pace.is_due():
                self._send_preview(each.frame)

    def _send_preview(self, frame: Frame) -> None:
        jpeg = encode_preview(frame)
        if jpeg:
            self._channel.send(Preview(frame.index, frame.capture_monotonic_ns), jpeg)

    def _answer_uploads(self) -> None:
        while True:
            request, data = self._uploads.get()
            answer = answer_upload(self._model, data, self._wording)
            self._channel.send(Inferred(request, answer))
            del data  # or else it is kept while the next is waited for

    def _keep_saying_alive(self) -> None:
        while True:
            self._channel.send(self._alive())
            time.sleep(ALIVE_INTERVAL_S)

    def _alive(self) -> Alive:
        state = None if self._stream is None else self._stream.state
        alive = Alive(
            busy_ms=self._model.busy_ns // _NS_PER_MS,
            abandoned=count_abandoned_threads(),
            rss_mib=_resident_mib(),
        )
        if state is None:
            return alive
        return msgspec.structs.replace(
            alive,
            source=state.source,
            source_since_ms=(time.monotonic_ns() - state.since_monotonic_ns) // _NS_PER_MS,
            attempts=state.attempts,
            captured=state.captured,
            dropped=state.dropped,
            reconnects=state.reconnects,
        )


def _open_source(start: Start) -> FrameSource:
    """Open the source; a folder that is not there is waited for as a camera is.

    Raises:
        UsageError: the address can mean nothing.
        EdgeError: it cannot be opened now.
    """
    try:
        return open_source(
            start.source,
            open_timeout_s=start.open_timeout_s,
            read_timeout_s=start.read_timeout_s,
        )
    except InputNotFoundError as error:
        raise DeviceError(str(error)) from error


def _resident_mib() -> float:
    """Resident memory of this process (proc_pid_statm(5)); 0 where it cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
