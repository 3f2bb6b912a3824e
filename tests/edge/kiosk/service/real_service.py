"""A real `edge-kiosk serve` in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["RealService", "run_service", "serve_to_the_end", "wait_until"]

DEADLINE_S = 60.0
TOO_OFTEN = 429
_PAGE = re.compile(r"the page is at http://127\.0\.0\.1:(\d+)/")


def wait_until(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Wait until a condition holds, and give its value back."""
    end_s = time.monotonic() + deadline_s
    while time.monotonic() < end_s:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {deadline_s} s")


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "edge.kiosk", "serve", "--port", "0", *arguments]


def serve_to_the_end(*arguments: str) -> tuple[int, str]:
    """Exit code and messages of a service that ends by itself."""
    ended = subprocess.run(
        _command(list(arguments)), capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return ended.returncode, ended.stderr


class RealService:
    """A service that runs.

    Args:
        arguments: of `edge-kiosk serve`.
        log: where its standard error goes.
    """

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(self.command(arguments), stderr=file)
        self.port = int(wait_until(self._find_page, "a page")[1])

    def command(self, arguments: list[str]) -> list[str]:
        """What is run."""
        return _command(arguments)

    def _find_page(self) -> re.Match[str] | None:
        assert self.process.poll() is None, self.said()
        return _PAGE.search(self.said())

    def said(self) -> str:
        """What it has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def request(self, path: str, data: bytes | None = None) -> tuple[int, bytes]:
        """Status and body; asked again where this was too often."""
        while (found := self._request(path, data))[0] == TOO_OFTEN:
            time.sleep(0.05)
        return found

    def _request(self, path: str, data: bytes | None) -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data), timeout=60) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        status, body = self.request(path)
        assert status == 200, body
        return json.loads(body)

    def latest(self) -> dict[str, Any]:
        return self.get("/v1/latest")

    def health(self) -> dict[str, Any]:
        return self.get("/v1/health")

    def infer(self, data: bytes) -> tuple[int, dict[str, Any]]:
        """Send a picture in."""
        status, body = self.request("/v1/infer", data)
        return status, json.loads(body)

    def events(self) -> list[dict[str, Any]]:
        """All events kept."""
        _, body = self.request("/v1/events?follow=false")
        lines = [line for line in body.decode().splitlines() if line.startswith("data:")]
        found = [json.loads(line[len("data:") :]) for line in lines]
        return [each for each in found if "code" in each]

    def codes(self) -> list[str]:
        return [each["code"] for each in self.events()]

    def worker_pid(self) -> int:
        return int(self.health()["worker"]["pid"])

    def wait_ready(self) -> int:
        """Wait for a worker; its process number."""

        def ready() -> int:
            worker = self.health()["worker"]
            return worker["pid"] if worker["state"] == "ready" else 0

        return int(wait_until(ready, "a worker that is ready"))

    def wait_answered(self) -> dict[str, Any]:
        """Wait until an answer is shown."""

        def answered() -> dict[str, Any] | None:
            latest = self.latest()
            return latest if latest["state"] == "answered" else None

        return wait_until(answered, "an answer")

    def wait_event(self, code: str, count: int = 1) -> dict[str, Any]:
        """Wait for the so-manieth event of a code."""

        def told() -> dict[str, Any] | None:
            found = [each for each in self.events() if each["code"] == code]
            return found[count - 1] if len(found) >= count else None

        return wait_until(told, f"event {code}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


@contextlib.contextmanager
def run_service(log: Path, *arguments: str) -> Iterator[RealService]:
    """Run a service; it is killed where it has not ended by then."""
    service = RealService(list(arguments), log)
    try:
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()
