"""A real `edge-kiosk serve` in a process of its own, and the ways to ask it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.errors import DeviceError

__all__ = ["RunningKiosk", "free_port", "run_kiosk"]

_START_S = 120.0
_STOP_S = 20.0


class RunningKiosk:
    """The service and its address.

    Args:
        process: of the service.
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    @property
    def pid(self) -> int:
        """Process number of the service."""
        return self.process.pid

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> Any:
        """The JSON at a path.

        Raises:
            OSError: nobody answered, or with an error.
        """
        with urllib.request.urlopen(self.base + path, timeout=10) as reply:  # noqa: S310 - our own
            return json.load(reply)

    def infer(self, data: bytes) -> tuple[int, Any]:
        """Send a picture in.

        Returns:
            The status and the JSON of the reply.

        Raises:
            OSError: nobody answered.
        """
        request = urllib.request.Request(self.base + "/v1/infer", data=data)  # noqa: S310 - same
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - same
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def worker_pid(self) -> int:
        """Process number of the worker; 0 where there is none at the moment."""
        return int(self.get("/v1/health")["worker"]["pid"])

    def wait_until_ready(self) -> None:
        """Wait until a worker answers.

        Raises:
            DeviceError: the service ended, or no worker came in time.
        """
        deadline_s = time.monotonic() + _START_S
        while time.monotonic() < deadline_s:
            if self.process.poll() is not None:
                raise DeviceError(f"the service ended with exit code {self.process.returncode}")
            with contextlib.suppress(OSError):
                if self.get("/v1/health")["worker"]["state"] == "ready":
                    return
            time.sleep(0.1)
        raise DeviceError(f"no worker was ready within {_START_S:g} s")


@contextlib.contextmanager
def run_kiosk(arguments: Sequence[str], *, log: Path | None = None) -> Iterator[RunningKiosk]:
    """Run `edge-kiosk serve` with these arguments, on a free port, until the block is left.

    Raises:
        DeviceError: it did not start.
    """
    port = free_port()
    words = [sys.executable, "-m", "edge.kiosk", "serve", "--port", str(port), *arguments]
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("ab")) if log is not None else None
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=errors)
        try:
            kiosk = RunningKiosk(process, port)
            kiosk.wait_until_ready()
            yield kiosk
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    """A TCP port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
