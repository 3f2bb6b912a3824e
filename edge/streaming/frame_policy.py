"""Which frames are answered where inference is slower than the camera."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edge.errors import UsageError

__all__ = ["FramePolicy", "parse_policy"]

_EXPLANATION = (
    "write newest, every, every:QUEUE (frames that may wait) or nth:N, with whole numbers from 1 up"
)
_TEXT = re.compile(r"(?P<kind>newest|every|nth)(?::(?P<number>[0-9]{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FramePolicy:
    """Which of the frames that a live source gives are answered.

    Whatever the policy, a source that is not live (a file) waits instead of losing a frame: of
    one, "newest" and "every" answer every frame.

    Attributes:
        kind: "newest": when inference is free, the newest frame; whatever it has overtaken is
            dropped. "every": all in order, through a bounded queue; when it is full, the oldest
            in it is dropped, so that what is answered is never older than it must be. "nth": as
            "every", and only the first frame of each `n` that were captured.
        n: for "nth", how many frames make one.
        queue: for "every" and "nth", how many frames may wait. 1 keeps what waits fresh: it is
            always the newest.

    Raises:
        UsageError: the kind is unknown, or a number is below 1.
    """

    kind: Literal["newest", "every", "nth"] = "newest"
    n: int = 1
    queue: int = 8

    def __post_init__(self) -> None:
        is_known = self.kind in ("newest", "every", "nth")
        if not is_known or self.n < 1 or self.queue < 1:
            raise UsageError(f"{self} is no policy for frames; {_EXPLANATION}")

    @property
    def most_waiting(self) -> int:
        """How many frames may wait for inference."""
        return 1 if self.kind == "newest" else self.queue

    def takes(self, index: int, previous: int) -> bool:
        """Whether a frame is one that the policy answers.

        Frames that the source itself lost count too, so that "nth" keeps its pace.

        Args:
            index: 0-based position of the frame among all that were captured.
            previous: of the frame that came before it; -1 for the first.
        """
        return self.kind != "nth" or index // self.n > previous // self.n


def parse_policy(text: str) -> FramePolicy:
    """Read a policy.

    Args:
        text: "newest", "every", "every:16" (a queue of 16) or "nth:5" (the
            newest of them where inference is slower).

    Raises:
        UsageError: it is none of these.
    """
    match = _TEXT.fullmatch(text)
    number = int(match["number"]) if match and match["number"] else None
    if match is None or number == 0:
        raise UsageError(f"{text!r} is no policy for frames; {_EXPLANATION}")
    if match["kind"] == "newest" and number is None:
        return FramePolicy()
    if match["kind"] == "every":
        return FramePolicy("every") if number is None else FramePolicy("every", queue=number)
    if match["kind"] == "nth" and number is not None:
        return FramePolicy("nth", n=number, queue=1)
    raise UsageError(f"{text!r} is no policy for frames; {_EXPLANATION}")
