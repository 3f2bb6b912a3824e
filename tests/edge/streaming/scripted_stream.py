"""A source and a model that do what a test says, at its pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.frame import Fault, Frame
from edge.results import LatencyNs, ModelIdentity, NoAnswer, OutputResult, Result, Score

PATIENCE_S = 60.0


def noise(seed: int = 0, *, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A picture that no gate has anything against, another for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Shot:
    """One captured frame; `lost_before` frames were captured before it and lost by the source."""

    pixels: NDArray[np.uint8] | None = None
    fault: Fault = ""
    lost_before: int = 0
    monotonic_ns: int | None = None


@dataclass
class ScriptedSource:
    """Gives the shots, then raises `error`, waits to be closed, or ends.

    Attributes:
        goes_on: has no end, as a watched folder.
        wait: called before each frame, with its place among the shots.
        stays: waits after the last frame until it is closed.
        lost_at_end: frames captured after the last one, and lost by the source.
    """

    shots: Sequence[Shot]
    error: EdgeError | None = None
    is_live: bool = True
    goes_on: bool = False
    stays: bool = False
    lost_at_end: int = 0
    wait: Callable[[int], None] = lambda _: None
    dropped: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    all_given: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for number, shot in enumerate(self.shots):
            self.wait(number)
            if self.closed.is_set():
                return
            index += shot.lost_before
            self.dropped += shot.lost_before
            at_ns = time.monotonic_ns() if shot.monotonic_ns is None else shot.monotonic_ns
            yield Frame(
                noise(index) if shot.pixels is None else shot.pixels,
                "bgr",
                "camera:9",
                index,
                time.time_ns(),
                capture_monotonic_ns=at_ns,
                fault=shot.fault,
            )
            index += 1
        self.dropped += self.lost_at_end
        self.all_given.set()
        if self.stays:
            assert self.closed.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error

    @property
    def is_endless(self) -> bool:
        return self.is_live or self.goes_on

    def close(self) -> None:
        self.closed.set()

    def __enter__(self) -> ScriptedSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass
class ScriptedModel:
    """Answers for every frame, but for those whose index `errors` knows.

    Attributes:
        work: called with each frame, for as long as inference takes.
        ran: indices of the frames that were inferred on.
    """

    work: Callable[[Frame], None] = lambda _: None
    errors: dict[int, EdgeError] = field(default_factory=dict)
    ran: list[int] = field(default_factory=list)

    def run(self, source: Frame) -> Result:
        self.ran.append(source.index)
        self.work(source)
        if source.index in self.errors:
            raise self.errors[source.index]
        score = (Score("good", 1.0),)
        return self._result(source, (OutputResult("out", "classification", score, ("good",)),))

    def no_result(self, frame: Frame, why: NoAnswer) -> Result:
        return self._result(frame, (), why)

    def _result(
        self, frame: Frame, outputs: tuple[OutputResult, ...], why: NoAnswer | None = None
    ) -> Result:
        return Result(
            frame.source,
            frame.index,
            why.status if why else "ok",
            why.reason if why else None,
            outputs,
            ModelIdentity("scripted", "1", "0"),
            "replay",
            "int8",
            LatencyNs(),
            gate=why.gate if why else "",
        )


class Opener:
    """Gives the sources one after another; an error in their place is raised."""

    def __init__(self, *steps: ScriptedSource | EdgeError) -> None:
        self.steps = list(steps)
        self.calls = 0

    def __call__(self) -> ScriptedSource:
        step = self.steps[min(self.calls, len(self.steps) - 1)]
        self.calls += 1
        if isinstance(step, EdgeError):
            raise step
        return step


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come; fail where it does not."""
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.002)
