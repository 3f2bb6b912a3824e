"""Looks at a running kiosk the whole time: what it shows, what it tells, what it takes."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.kiosk.footprint import anonymous_mib, proportional_mib
from benchmarks.kiosk.running_kiosk import RunningKiosk

__all__ = ["Footprint", "Shown", "SoakWatch"]

_LOOK_S = 0.2
_WEIGH_S = 5.0
_STREAM_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What `/v1/latest` said at a moment, monotonic seconds after the start."""

    at_s: float
    state: str
    gate: str
    age_ms: int | None
    digest: str
    outputs: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory at a moment: proportional and anonymous, of the service and of the worker."""

    at_s: float
    service_mib: float
    worker_mib: float
    service_anonymous_mib: float
    worker_anonymous_mib: float
    worker_pid: int


@dataclass(slots=True)
class SoakWatch:
    """Three threads that look until they are stopped.

    Attributes:
        kiosk: which one.
        origin_s: monotonic seconds of the start.
        shown: what was shown, five times a second.
        events: what was told, each with "at_s".
        footprints: what it took, every five seconds.
        failures: requests that got no answer.
    """

    kiosk: RunningKiosk
    origin_s: float
    shown: list[Shown] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    footprints: list[Footprint] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin to look."""
        for body in (self._look, self._weigh, self._listen):
            thread = threading.Thread(target=body, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Look no longer."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(_STREAM_TIMEOUT_S)

    def _now_s(self) -> float:
        return time.monotonic() - self.origin_s

    def _again_and_again(self, interval_s: float, body: Callable[[], None]) -> None:
        while not self._stopped.wait(interval_s):
            try:
                body()
            except OSError as error:
                self.failures.append(f"{self._now_s():.1f} s: {error}")

    def _look(self) -> None:
        def look() -> None:
            latest = self.kiosk.get("/v1/latest")
            answer = latest["answer"] or {}
            self.shown.append(
                Shown(
                    at_s=self._now_s(),
                    state=latest["state"],
                    gate=latest["gate"],
                    age_ms=latest["age_ms"],
                    digest=answer.get("input_digest", ""),
                    outputs=answer.get("outputs", []),
                ),
            )

        self._again_and_again(_LOOK_S, look)

    def _weigh(self) -> None:
        def weigh() -> None:
            worker = self.kiosk.worker_pid()
            self.footprints.append(
                Footprint(
                    at_s=self._now_s(),
                    service_mib=proportional_mib(self.kiosk.pid),
                    worker_mib=proportional_mib(worker) if worker else 0.0,
                    service_anonymous_mib=anonymous_mib(self.kiosk.pid),
                    worker_anonymous_mib=anonymous_mib(worker) if worker else 0.0,
                    worker_pid=worker,
                ),
            )

        self._again_and_again(_WEIGH_S, weigh)

    def _listen(self) -> None:
        """Follow the event stream, and take it up again where it broke."""
        last_id = 0
        while not self._stopped.is_set():
            with contextlib.suppress(OSError):
                last_id = self._follow(last_id)
            self._stopped.wait(0.5)

    def _follow(self, last_id: int) -> int:
        request = urllib.request.Request(  # noqa: S310 - our own service
            self.kiosk.base + "/v1/events", headers={"Last-Event-ID": str(last_id)}
        )
        with urllib.request.urlopen(request, timeout=_STREAM_TIMEOUT_S) as stream:  # noqa: S310
            for line in stream:
                if self._stopped.is_set():
                    break
                if line.startswith(b"data:") and b'"code"' in line:
                    event = json.loads(line[len(b"data:") :])
                    if "code" in event and event["id"] > last_id:
                        last_id = event["id"]
                        self.events.append({**event, "at_s": self._now_s()})
        return last_id
