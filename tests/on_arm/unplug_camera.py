"""Runs inside the virtual machine: its camera is unplugged twice under a stream of answers.

Prints one JSON object for each time. The clock of an emulated machine says nothing about a board;
what it shows is the order of things.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable

from vivid_camera import DEVICE, disconnected, taken_away

import edge
from edge.streaming.answer_stream import AnswerStream, StreamAnswer
from edge.streaming.events import StreamEvent
from edge.streaming.open_stream import stream

AWAY_S = 3.0
# Against a hang only.
LIMIT_S = 120.0


class Watcher:
    """Takes a stream's answers and events, and waits for some of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.answers: list[StreamAnswer] = []
        self.events: list[StreamEvent] = []

    def note_event(self, event: StreamEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def take(self, answers: AnswerStream) -> None:
        for answer in answers:
            with self._changed:
                self.answers.append(answer)
                self._changed.notify_all()

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        with self._changed:
            if not self._changed.wait_for(is_there, timeout=LIMIT_S):
                seen = [event.message for event in self.events]
                sys.exit(f"{what} did not come within {LIMIT_S} s; events: {seen}")

    def answered_after(self, since_ns: int) -> list[StreamAnswer]:
        return [
            answer
            for answer in self.answers
            if answer.result.status == "ok" and answer.frame.capture_monotonic_ns > since_ns
        ]

    def event_after(self, code: str, since_ns: int) -> StreamEvent | None:
        found = (each for each in self.events if each.code == code)
        return next((each for each in found if each.monotonic_ns > since_ns), None)


def unplug(watcher: Watcher, how: str, answers: AnswerStream) -> dict[str, object]:
    """Unplug the camera, plug it in again, and say what happened."""
    start_ns = time.monotonic_ns()
    watcher.wait_for("an answer", lambda: len(watcher.answered_after(start_ns)) > 1)
    reconnects = answers.state.reconnects
    away_ns = time.monotonic_ns()
    with {"taken away": taken_away, "disconnected": disconnected}[how]():
        watcher.wait_for(
            "the loss", lambda: watcher.event_after("source_lost", away_ns) is not None
        )
        has_device = DEVICE.exists()
        time.sleep(AWAY_S)
        state_while_away = answers.state.source
        back_ns = time.monotonic_ns()
    watcher.wait_for("the return", lambda: watcher.event_after("source_back", back_ns) is not None)
    watcher.wait_for("an answer", lambda: len(watcher.answered_after(back_ns)) > 1)
    lost, back = (watcher.event_after(code, away_ns) for code in ("source_lost", "source_back"))
    assert lost is not None
    assert back is not None
    return {
        "how": how,
        "has_device_while_away": has_device,
        "state_while_away": state_while_away,
        "answers_while_away": sum(
            answer.frame.capture_monotonic_ns < back_ns
            for answer in watcher.answered_after(lost.monotonic_ns)
        ),
        "state_after": answers.state.source,
        "reconnects": answers.state.reconnects - reconnects,
        "lost": lost.message,
        "emulated_s_until_lost": round((lost.monotonic_ns - away_ns) / 1e9, 1),
        "emulated_s_until_back": round((back.monotonic_ns - back_ns) / 1e9, 1),
        "emulated_s_until_answer": round(
            (watcher.answered_after(back_ns)[0].frame.capture_monotonic_ns - back_ns) / 1e9, 1
        ),
    }


def main() -> None:
    watcher = Watcher()
    with (
        edge.load(engine="onnxruntime") as model,
        stream(model, "camera:0", on_event=watcher.note_event) as answers,
    ):
        taker = threading.Thread(target=watcher.take, args=(answers,), daemon=True)
        taker.start()
        for how in ("taken away", "disconnected"):
            sys.stdout.write(json.dumps(unplug(watcher, how, answers)) + "\n")
        sys.stdout.flush()
        # An emulated inference can last longer than closing a stream waits for it, and a thread
        # inside an engine must not see the interpreter end.
        os._exit(0)


if __name__ == "__main__":
    main()
