"""Frames out of a capture that may hang, read in a watched thread."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType

import numpy as np

from edge.errors import (
    DecodeError,
    DeviceError,
    DeviceTimeoutError,
    EdgeError,
    InputTooLargeError,
)
from edge.frame import CHANNELS, Frame
from edge.sources.capture import (
    MAX_FRAME_PIXELS,
    NOTHING_YET,
    Capture,
    CaptureSettings,
    Shot,
)
from edge.sources.frame_handover import Handover, Picture

__all__ = ["CapturedFrames", "count_abandoned_threads"]

logger = logging.getLogger(__name__)

CLOSE_GRACE_S = 1.0
MOST_ABANDONED = 16
"""So many threads of one source may hang in its library before it is opened once more: whoever
opens a lost camera anew for ever would collect them without end."""

_DIMENSIONS = 3
_CAMERA_DTYPES = ("uint8",)
_FILE_DTYPES = ("uint8", "uint16", "float32")

_abandoned: list[threading.Thread] = []
_abandoned_lock = threading.Lock()


def count_abandoned_threads() -> int:
    """How many capture threads are still inside a library that did not return in time.

    Each holds its capture, and the memory of a picture or two, until the library returns, which
    may be never: a process in which they pile up is to be replaced.
    """
    with _abandoned_lock:
        _abandoned[:] = [thread for thread in _abandoned if thread.is_alive()]
        return len(_abandoned)


def _check_not_hanging(settings: CaptureSettings) -> None:
    count_abandoned_threads()
    with _abandoned_lock:
        hanging = sum(thread.name == _thread_name(settings) for thread in _abandoned)
    if hanging >= MOST_ABANDONED:
        raise DeviceError(
            f"{settings.shown}: {hanging} attempts before still hang in its library or driver; "
            f"{settings.way_out}, or end this program and start it again",
        )


def _thread_name(settings: CaptureSettings) -> str:
    return f"capture {settings.shown}"


class CapturedFrames:
    """A `FrameSource` over a capture.

    Opening and reading happen in a daemon thread, because no library call is trusted to return.
    Where a deadline passes, the thread is told to stop and left behind after a short grace: it
    releases the capture itself when the library returns, and never keeps the process alive.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture | None],
        settings: CaptureSettings,
    ) -> None:
        """Open, and wait until it is open.

        Args:
            open_capture: called once, in the capture thread; None where it cannot be opened.
            settings: name, kind and deadlines.

        Raises:
            DeviceTimeoutError: it did not open in time.
            DeviceError: a live source could not be opened, or too many attempts before still
                hang.
            DecodeError: a file could not be opened.
        """
        _check_not_hanging(settings)
        self._settings = settings
        self._handover = Handover(is_live=settings.is_live)
        thread = threading.Thread(
            target=_capture,
            args=(open_capture, self._handover, settings),
            name=_thread_name(settings),
            daemon=True,
        )
        # Runs once: on close, or else when the source is collected or the interpreter ends. A
        # thread that came back from OpenCV while Python 3.10 to 3.13 finalises would abort the
        # process: it is ended there with pthread_exit, which C++ destructors do not survive.
        self._stop_once = weakref.finalize(self, _stop, self._handover, thread)
        thread.start()
        try:
            self._wait_until_open()
        except BaseException:
            self.close()
            raise

    def _wait_until_open(self) -> None:
        if not self._handover.wait_until_open(self._settings.deadlines.open_s):
            raise _open_timeout(self._settings)

    @property
    def is_live(self) -> bool:
        """Whether the newest frame wins; otherwise every one is given, in order."""
        return self._settings.is_live

    @property
    def is_endless(self) -> bool:
        """Whether it goes on for ever, so that its end is a fault."""
        return self._settings.is_endless

    @property
    def dropped(self) -> int:
        """Frames that were captured and replaced by a newer one before anybody took them."""
        return self._handover.dropped

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        started_ns = time.perf_counter_ns()
        try:
            if not self._handover.wait_for_picture(self._settings.deadlines.read_s):
                raise _read_timeout(self._settings)
            picture = self._handover.take()
        except EdgeError:
            self.close()
            raise
        if picture is None:
            self.close()
            raise StopIteration
        shot = picture.shot
        return Frame(
            pixels=shot.pixels,
            colour=shot.colour,
            source=self._settings.source,
            index=picture.index,
            capture_time_ns=picture.capture_time_ns,
            capture_ns=time.perf_counter_ns() - started_ns,
            capture_monotonic_ns=picture.capture_monotonic_ns,
            fault=shot.fault,
            fault_detail=shot.fault_detail,
            file_name=shot.file_name,
        )

    def close(self) -> None:
        """Let go of the capture; waits up to a second for a read in progress."""
        self._stop_once()

    def __enter__(self) -> CapturedFrames:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _stop(handover: Handover, thread: threading.Thread) -> None:
    handover.stop()
    # A garbage collection in the capture thread itself may run this.
    if thread is threading.current_thread() or thread.ident is None:
        return
    thread.join(CLOSE_GRACE_S)
    if thread.is_alive():
        logger.debug("%s: still inside the library; left behind", thread.name)
        with _abandoned_lock:
            _abandoned.append(thread)


def _capture(
    open_capture: Callable[[], Capture | None],
    handover: Handover,
    settings: CaptureSettings,
) -> None:
    """Body of the capture thread: open, hand over every picture, release."""
    capture: Capture | None = None
    # What the consumer is told should an error that is not ours end this thread.
    error: EdgeError | None = DeviceError(
        f"{settings.shown}: capturing broke off unexpectedly; see the traceback",
    )
    try:
        started_s = time.monotonic()
        capture = open_capture()
        if capture is None:
            error = _cannot_open(settings, time.monotonic() - started_s)
        else:
            handover.announce_open()
            error = _hand_over_pictures(capture, handover, settings)
    except EdgeError as caught:
        error = caught
    finally:
        handover.end(error)
        if capture is not None:
            capture.release()


def _hand_over_pictures(
    capture: Capture,
    handover: Handover,
    settings: CaptureSettings,
) -> EdgeError | None:
    index = 0
    while not handover.is_stopped:
        started_s = time.monotonic()
        has_picture, taken = capture.read()
        if not has_picture:
            return _end_of_pictures(settings, index, time.monotonic() - started_s)
        if taken is NOTHING_YET:
            handover.renew_deadline()
            continue
        shot = taken if isinstance(taken, Shot) else Shot(taken)
        handover.count_missed(shot.missed)
        index += shot.missed
        _check_pixels(shot, settings, index)
        handover.put(_as_picture(shot, index))
        index += 1
    return None


def _as_picture(shot: Shot, index: int) -> Picture:
    now_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    captured_ns = shot.capture_monotonic_ns or monotonic_ns
    return Picture(
        replace(shot, pixels=np.ascontiguousarray(shot.pixels)),
        index,
        capture_time_ns=now_ns - (monotonic_ns - captured_ns),
        capture_monotonic_ns=captured_ns,
    )


def _check_pixels(shot: Shot, settings: CaptureSettings, index: int) -> None:
    pixels, channels = shot.pixels, CHANNELS[shot.colour]
    dtypes = _FILE_DTYPES if shot.file_name else _CAMERA_DTYPES
    is_array = isinstance(pixels, np.ndarray)
    seen = f"{pixels.shape} {pixels.dtype}" if is_array else type(pixels).__name__
    if (
        not is_array
        or pixels.dtype.name not in dtypes
        or pixels.ndim != _DIMENSIONS
        or pixels.shape[2] != channels
        or pixels.size == 0
    ):
        raise DeviceError(
            f"{settings.shown}: frame {index} is {seen}, not (height, width, {channels}) "
            f"{' or '.join(dtypes)}; {settings.way_out}",
        )
    if pixels.shape[0] * pixels.shape[1] > MAX_FRAME_PIXELS:
        raise InputTooLargeError(
            f"{settings.shown}: frame {index} is {pixels.shape[1]} x {pixels.shape[0]}, over the "
            f"limit of {MAX_FRAME_PIXELS} pixels; make it smaller",
        )


def _cannot_open(settings: CaptureSettings, waited_s: float) -> EdgeError:
    if waited_s >= settings.deadlines.open_s:
        return _open_timeout(settings)
    kind = DeviceError if settings.is_endless else DecodeError
    return kind(f"{settings.shown}: cannot be opened; {settings.way_out}")


def _end_of_pictures(
    settings: CaptureSettings,
    count: int,
    waited_s: float,
) -> EdgeError | None:
    if waited_s >= settings.deadlines.read_s:
        return _read_timeout(settings)
    if settings.is_endless:
        return DeviceError(
            f"{settings.shown}: stopped giving frames after {count}; {settings.way_out}",
        )
    if count == 0:
        return DecodeError(f"{settings.shown}: holds no frame to decode; {settings.way_out}")
    return None


def _open_timeout(settings: CaptureSettings) -> DeviceTimeoutError:
    return DeviceTimeoutError(
        f"{settings.shown}: did not open within {settings.deadlines.open_s:g} s; "
        f"{settings.way_out}, or allow a longer open timeout",
    )


def _read_timeout(settings: CaptureSettings) -> DeviceTimeoutError:
    return DeviceTimeoutError(
        f"{settings.shown}: gave no frame for {settings.deadlines.read_s:g} s; "
        f"{settings.way_out}, or allow a longer read timeout",
    )
