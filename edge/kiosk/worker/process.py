"""The worker process: capture, gates, inference and the preview, told what to do by the service.

Threads: this one receives, one streams from the source, one answers for uploads, one says that
the process is alive. None of them is waited for at the end: the process leaves as it stands,
because what it must not lose lies with the service.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from edge.errors import EdgeError
from edge.kiosk.worker.answers import answer_upload, answered
from edge.kiosk.worker.channel import Channel
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
from edge.sources.base import open_source
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


def main() -> None:
    """Serve over the inherited socket whose number is the only argument; never returns."""
    _die_with_the_service()
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    code = 1
    try:
        message = channel.receive()
        if message is not None and isinstance(message.body, Start):
            code = _Worker(channel, message.body).run()
    except EdgeError as error:
        code = _say_failed(channel, error.code, str(error))
    except OSError:
        code = 0  # the service is gone: nobody is left to be told
    finally:
        os._exit(code)


def _die_with_the_service() -> None:
    """A worker must not outlive its service: it would hold the camera."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when to stop
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _say_failed(channel: Channel, code: str, message: str) -> int:
    try:
        channel.send(Failed(code=code, message=" ".join(message.split())))
    except OSError:
        return 1
    return 1


class _Worker:
    """What the threads share.

    Args:
        channel: to the service.
        start: what to do.

    Raises:
        EdgeError: the model cannot be loaded or does not give the lab's answers.
    """

    def __init__(self, channel: Channel, start: Start) -> None:
        self._channel = channel
        self._start = start
        started_ns = time.monotonic_ns()
        model, card = load_checked_model(start)
        self._model = WatchedModel(model)
        self._pace = PreviewPace()
        self._uploads: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._stream = self._make_stream() if start.source else None
        channel.send(Ready(card, time.monotonic_ns() - started_ns))

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
        try:
            body()
        except EdgeError as error:
            os._exit(_say_failed(self._channel, error.code, str(error)))
        except OSError:
            os._exit(0)  # the service is gone
        except BaseException:  # noqa: BLE001 - whatever it was, the service is told and goes on
            os._exit(_say_failed(self._channel, "crash", traceback.format_exc(limit=-1)))

    def _make_stream(self) -> AnswerStream:
        start = self._start
        settings = StreamSettings(
            policy=parse_policy(start.policy),
            limits=GateLimits().changed(start.gates),
            digests=True,
        )
        opener = partial(
            open_source,
            start.source,
            open_timeout_s=start.open_timeout_s,
            read_timeout_s=start.read_timeout_s,
        )
        return AnswerStream(self._model, opener, settings, on_event=self._tell_event)

    def _tell_event(self, event: StreamEvent) -> None:
        if event.detail:
            happened = Happened("gate", event.level, f"{event.code}_{event.detail}", event.message)
        else:
            happened = Happened("source", event.level, event.code, event.message)
        self._channel.send(happened)

    def _answer_source(self) -> None:
        if self._stream is None:
            return
        for each in self._stream:
            self._channel.send(answered(each.result))
            if self._pace.is_due():
                jpeg = encode_preview(each.frame)
                if jpeg:
                    frame = each.frame
                    self._channel.send(Preview(frame.index, frame.capture_monotonic_ns), jpeg)

    def _answer_uploads(self) -> None:
        while True:
            request, data = self._uploads.get()
            self._channel.send(Inferred(request, answer_upload(self._model, data)))

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


def _resident_mib() -> float:
    """Resident memory of this process (proc_pid_statm(5)); 0 where it cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
