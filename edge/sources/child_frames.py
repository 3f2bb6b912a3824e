"""Frames that a child process writes into a pipe, one after another, each of a known size."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import PurePath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import DeviceError, DeviceTimeoutError
from edge.sources.capture import Shot, torn_shot
from edge.sources.raw_layout import RawLayout

__all__ = ["ChildFrames"]

logger = logging.getLogger(__name__)

# Of a deadline, so that what the child said last reaches the user, and not only that time is up.
_SHARE = 0.9
_INTERRUPT_GRACE_S = 0.5
_KILL_GRACE_S = 1.0
_LOOK_S = 0.01
_TALK_BYTES = 4096
_LINE_CHARACTERS = 200


class ChildFrames:
    """A capture over a child process; it dies with this one.

    What the child says on its standard output and standard error is kept for error messages. A
    frame that ends early is given as a torn one.
    """

    def __init__(
        self,
        make_command: Callable[[int], list[str]],
        layout: RawLayout,
        *,
        read_s: float,
        shown: str,
        way_out: str,
    ) -> None:
        """Start the child, in a process group of its own.

        Args:
            make_command: its words, given the descriptor that it has to write frames to.
            layout: of its frames.
            read_s: seconds that each frame may take.
            shown: what messages call the source.
            way_out: what a person may do where it fails.

        Raises:
            DeviceError: the child cannot be started.
        """
        self._layout = layout
        self._read_s = read_s
        self._shown = shown
        self._way_out = way_out
        self._talk = b""
        self._frames, write_end = os.pipe()
        command = make_command(write_end)
        self._name = PurePath(command[0]).name
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603 - no shell
                [*_die_with_parent(), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(write_end,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._frames)
            raise DeviceError(
                f"{shown}: {self._name} cannot be started ({error.strerror}); {way_out}",
            ) from error
        finally:
            os.close(write_end)

    def wait_for_first(self, open_s: float) -> None:
        """Wait until the first frame begins.

        Args:
            open_s: seconds that it may take.

        Raises:
            DeviceTimeoutError: it did not come in time.
        """
        if not self._wait_for_data(time.monotonic() + open_s * _SHARE):
            raise DeviceTimeoutError(
                f"{self._shown}: did not open within {open_s:g} s{self._last_words()}; "
                f"{self._way_out}, or allow a longer open timeout",
            )

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`.

        Raises:
            DeviceTimeoutError: no whole frame came in time; the child is killed on release.
            DeviceError: the child ended.
        """
        data = np.empty(self._layout.bytes, np.uint8)
        filled, captured_ns = self._fill(data)
        if filled == data.size:
            return True, Shot(self._layout.to_pixels(data), capture_monotonic_ns=captured_ns)
        if filled == 0:
            raise self._ended()
        detail = f"{filled} of {data.size} bytes came"
        part = self._layout.to_part(data[:filled])
        return True, torn_shot(detail, pixels=part, capture_monotonic_ns=captured_ns)

    def release(self) -> None:
        """See `Capture.release`: ask the child to end, then kill its process group."""
        os.close(self._frames)
        # NVIDIA's camera service can be left in disorder by a client that is killed.
        self._signal(signal.SIGINT)
        end_s = time.monotonic() + _INTERRUPT_GRACE_S
        while not self._has_ended() and time.monotonic() < end_s:
            time.sleep(_LOOK_S)
        # Also where it has ended: it may have children, and is not reaped before the next line.
        self._signal(signal.SIGKILL)
        try:
            self._process.wait(_KILL_GRACE_S)
        except subprocess.TimeoutExpired:
            logger.warning("%s: %s does not die; it hangs in a driver", self._shown, self._name)
        self._talk_pipe().close()

    def _fill(self, data: NDArray[np.uint8]) -> tuple[int, int]:
        """Read a frame's bytes: how many came before the end, and when the first of them came."""
        view = data.data
        filled = captured_ns = 0
        end_s = time.monotonic() + self._read_s * _SHARE
        while filled < data.size:
            if not self._wait_for_data(end_s):
                raise DeviceTimeoutError(
                    f"{self._shown}: gave no frame for {self._read_s:g} s{self._last_words()}; "
                    f"{self._way_out}, or allow a longer read timeout",
                )
            count = os.readv(self._frames, [view[filled:]])
            if count == 0:
                break
            captured_ns = captured_ns or time.monotonic_ns()
            filled += count
        return filled, captured_ns

    def _wait_for_data(self, end_s: float) -> bool:
        """Whether the frames' pipe has bytes, or ended, before `end_s`; listens meanwhile."""
        poll = select.poll()
        poll.register(self._frames, select.POLLIN)
        talk = self._talk_pipe()
        if not talk.closed:
            poll.register(talk, select.POLLIN)
        while True:
            rest_s = end_s - time.monotonic()
            ready = dict(poll.poll(max(0.0, rest_s) * 1000))
            if talk.fileno() in ready and not self._listen():
                poll.unregister(talk)
            if self._frames in ready:
                return True
            if rest_s <= 0:
                return False

    def _listen(self) -> bool:
        """Keep the last of what the child says; False where it will say no more."""
        said = os.read(self._talk_pipe().fileno(), _TALK_BYTES)
        self._talk = (self._talk + said)[-_TALK_BYTES:]
        return bool(said)

    def _ended(self) -> DeviceError:
        end_s = time.monotonic() + _INTERRUPT_GRACE_S
        while not self._has_ended() and time.monotonic() < end_s:
            time.sleep(_LOOK_S)
        # Nothing waits any more for what it said last.
        talk = self._talk_pipe()
        while select.select([talk], [], [], 0)[0] and self._listen():
            pass
        return DeviceError(
            f"{self._shown}: {self._name} ended{self._last_words()}; {self._way_out}"
        )

    def _last_words(self) -> str:
        """The last line that names an error, else the last one; empty where nothing was said."""
        lines = [line.strip() for line in self._talk.decode("utf-8", "replace").splitlines()]
        said = [line for line in lines if line]
        errors = [line for line in said if "error" in line.lower()]
        last = (errors or said or [""])[-1][:_LINE_CHARACTERS]
        return f" ({last})" if last.isprintable() and last else ""

    def _talk_pipe(self) -> IO[bytes]:
        pipe = self._process.stdout
        if pipe is None:
            raise DeviceError(f"{self._shown}: {self._name} has no pipe; open it anew")
        return pipe

    def _has_ended(self) -> bool:
        """Whether the child has ended; it is left unreaped, so that its number stays its own."""
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self._process.pid, options) is not None
        except ChildProcessError:
            return True

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _die_with_parent() -> list[str]:
    """Words before a command that have the kernel kill it when the starting thread ends.

    Otherwise a child whose parent was killed, and that never writes again because its camera
    hangs, would hold the camera for ever.
    """
    program = shutil.which("setpriv")
    return [program, "--pdeathsig", "KILL"] if program else []
