"""What the threads of a stream share: frames on their way to inference, answers on theirs out."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.frame import Frame
    from edge.results import Result
    from edge.streaming.answer_stream import StreamAnswer
    from edge.streaming.frame_gates import Refusal
    from edge.streaming.frame_policy import FramePolicy

__all__ = ["CheckedFrame", "StreamExchange", "Tally"]


@dataclass(frozen=True, slots=True)
class CheckedFrame:
    """A frame that was looked at.

    Attributes:
        frame: as it was captured.
        refusal: why it must not be answered; None where it may be.
        is_live: whether it came from a live source.
    """

    frame: Frame
    refusal: Refusal | None
    is_live: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts, as in `edge.streaming.events.StreamState`."""

    captured: int
    dropped: int
    answered: int
    errors: int
    refused: dict[str, int]


class StreamExchange:
    """Bounded hand-overs between the threads that take in, infer and consume.

    A frame is taken for inference only when there is room for its answer. So a slow consumer
    makes the newest frame wait for it, not an old answer.

    Args:
        policy: how many frames may wait.
    """

    def __init__(self, policy: FramePolicy) -> None:
        # Reentrant: a garbage collection inside may close an abandoned stream.
        self.changed = threading.Condition(threading.RLock())
        self._policy = policy
        self._most_answers = 1 if policy.kind == "newest" else 2
        self._waiting: deque[CheckedFrame] = deque()
        self._answers: deque[StreamAnswer] = deque()
        self._consumers = 0
        self._is_inferring = False
        self._is_ended = False
        self._is_stopped = False
        self._error: BaseException | None = None
        self._captured = self._dropped = self._answered = self._errors = 0
        self._refused: Counter[str] = Counter()

    @property
    def is_stopped(self) -> bool:
        """Whether no more frames are wanted."""
        return self._is_stopped

    @property
    def tally(self) -> Tally:
        """The counts, all of one moment."""
        with self.changed:
            return Tally(
                self._captured, self._dropped, self._answered, self._errors, dict(self._refused)
            )

    def wait_until_stopped(self, timeout_s: float) -> bool:
        """Wait; returns whether no more frames are wanted."""
        with self.changed:
            return self.changed.wait_for(lambda: self._is_stopped, timeout_s)

    def count_lost(self, count: int) -> None:
        """Count frames that the source captured and nobody has seen."""
        with self.changed:
            self._captured += count
            self._dropped += count

    def leave_out(self) -> None:
        """Count a frame that the policy leaves out."""
        self.count_lost(1)

    def put(self, checked: CheckedFrame) -> None:
        """Hand a frame over for inference.

        Where too many wait, the oldest is dropped for a frame of a live source; any other waits.
        """
        most = self._policy.most_waiting
        with self.changed:
            self._captured += 1
            if not checked.is_live:
                self.changed.wait_for(lambda: self._is_stopped or len(self._waiting) < most)
            if self._is_stopped:
                self._dropped += 1
                return
            if len(self._waiting) >= most:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(checked)
            self.changed.notify_all()

    def end(self, error: BaseException | None) -> None:
        """Say that no more frames come; those that wait are still answered.

        Args:
            error: what the consumer is told after the last answer; None for a plain end.
        """
        with self.changed:
            self._is_ended = True
            # After a stop nobody is told.
            self._error = self._error if self._is_stopped else error
            self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """Say that inference failed: the consumer is told after the answers there are."""
        with self.changed:
            self._error = error
            self._is_ended = True
            self._stop_taking_in()

    def stop(self) -> None:
        """Say that neither frames nor answers are wanted any more; what is under way is dropped."""
        with self.changed:
            self._dropped += len(self._answers)
            self._answers.clear()
            self._error = None
            self._is_ended = True
            self._stop_taking_in()

    def _stop_taking_in(self) -> None:
        self._dropped += len(self._waiting) + self._is_inferring
        self._waiting.clear()
        self._is_inferring = False
        self._is_stopped = True
        self.changed.notify_all()

    def take(self) -> CheckedFrame | None:
        """The next frame to infer on, once there is room for its answer; None at the end."""
        with self.changed:
            self.changed.wait_for(self._may_take)
            if self._is_stopped or not self._waiting:
                return None
            self._is_inferring = True
            checked = self._waiting.popleft()
            self.changed.notify_all()
            return checked

    def _may_take(self) -> bool:
        # Who waits for an answer is about to take it: inference need not see that happen.
        has_room = len(self._answers) < self._most_answers + self._consumers
        return self._is_stopped or (has_room and bool(self._waiting or self._is_ended))

    def give(self, answer: StreamAnswer) -> None:
        """Hand over the answer for what `take` gave."""
        with self.changed:
            if self._is_stopped:
                return
            self._is_inferring = False
            self._answers.append(answer)
            self.changed.notify_all()

    def next_answer(self) -> StreamAnswer | None:
        """Wait for an answer; None at the end.

        Raises:
            BaseException: what ended the stream, once.
        """
        with self.changed:
            self._consumers += 1
            try:
                self.changed.wait_for(self._has_news)
            finally:
                self._consumers -= 1
            if self._answers:
                answer = self._answers.popleft()
                self._count(answer.result)
                self.changed.notify_all()
                return answer
            error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    def _has_news(self) -> bool:
        is_over = self._is_ended and not self._waiting and not self._is_inferring
        return bool(self._answers) or is_over

    def _count(self, result: Result) -> None:
        if result.status == "ok":
            self._answered += 1
        elif result.status == "refused":
            self._refused[result.gate] += 1
        else:
            self._errors += 1
