"""A source that is lost is opened anew, for ever, and everybody can see it."""

import random
import time
from typing import ClassVar

import pytest
from scripted_stream import (
    Opener,
    ScriptedModel,
    ScriptedSource,
    Shot,
    noise,
    wait_until,
)

from edge.errors import (
    DecodeError,
    DeviceError,
    DeviceTimeoutError,
    EdgeError,
    InputNotFoundError,
    InputTooLargeError,
    UsageError,
)
from edge.streaming.answer_stream import AnswerStream, StreamSettings
from edge.streaming.back_off import BackOff
from edge.streaming.events import StreamEvent
from edge.streaming.frame_gates import GateLimits
from edge.streaming.frame_policy import FramePolicy

EVERY = FramePolicy("every", queue=1000)
SETTINGS = StreamSettings(EVERY, backoff=BackOff(first_s=0.0001, cap_s=0.001))
GONE = DeviceError("camera:9: there is no /dev/video9")


def lost(*shots: Shot) -> ScriptedSource:
    return ScriptedSource(shots, DeviceTimeoutError("camera:9: gave no frame for 5 s"))


def answer_all(
    *steps: ScriptedSource | EdgeError, settings: StreamSettings = SETTINGS
) -> tuple[list[int], list[StreamEvent], AnswerStream]:
    events: list[StreamEvent] = []
    opener = Opener(*steps)
    with AnswerStream(ScriptedModel(), opener, settings, on_event=events.append) as stream:
        found = [answer.result.index for answer in stream]
    assert opener.calls == len(steps)
    return found, events, stream


def test_a_lost_source_is_opened_anew_and_its_indices_go_on() -> None:
    found, events, stream = answer_all(
        lost(Shot(), Shot(lost_before=3)),
        GONE,
        GONE,
        lost(Shot()),
        ScriptedSource([Shot(), Shot()]),
    )
    assert found == [0, 4, 5, 6, 7]
    assert [event.code for event in events] == [
        "source_opening",
        "source_open",
        "source_lost",
        "source_retry",
        "source_retry",
        "source_back",
        "source_lost",
        "source_back",
        "source_ended",
    ]
    assert "gave no frame for 5 s" in events[2].message
    assert (events[2].level, events[5].level) == ("warning", "info")
    assert stream.state.reconnects == 2
    assert (stream.state.captured, stream.state.dropped) == (8, 3)


def test_frames_that_the_source_lost_after_the_last_one_leave_a_gap_too() -> None:
    first = lost(Shot())
    first.lost_at_end = 7
    found, _, stream = answer_all(first, ScriptedSource([Shot()]))
    assert found == [0, 8]
    assert (stream.state.captured, stream.state.dropped) == (9, 7)


def test_a_source_that_opens_and_gives_no_frame_is_not_back() -> None:
    found, events, stream = answer_all(lost(Shot()), lost(), lost(), ScriptedSource([Shot()]))
    assert found == [0, 1]
    codes = [event.code for event in events]
    assert codes.count("source_back") == 1
    assert stream.state.reconnects == 1


class WatchedBackOff(BackOff):
    """Does not wait, and remembers what it was asked."""

    asked: ClassVar[list[int]] = []

    def wait_s(self, failures: int, source: random.Random) -> float:
        del source
        self.asked.append(failures)
        return 0.0


def test_a_source_that_gives_a_frame_and_fails_again_and_again_is_given_ever_more_time() -> None:
    WatchedBackOff.asked.clear()
    settings = StreamSettings(EVERY, backoff=WatchedBackOff(first_s=1e3, cap_s=1e6))
    answer_all(*(lost(Shot()) for _ in range(5)), ScriptedSource([]), settings=settings)
    assert WatchedBackOff.asked == [1, 2, 3, 4, 5]


def test_a_source_that_gave_frames_for_long_is_opened_anew_as_if_it_had_never_failed() -> None:
    WatchedBackOff.asked.clear()
    settings = StreamSettings(EVERY, backoff=WatchedBackOff(first_s=1e-9, cap_s=1e-9))
    answer_all(*(lost(Shot(), Shot()) for _ in range(3)), ScriptedSource([]), settings=settings)
    assert WatchedBackOff.asked == [1, 1, 1]


def test_attempts_are_told_ever_more_seldom_and_counted_in_the_state() -> None:
    events: list[StreamEvent] = []
    opener = Opener(GONE)
    with AnswerStream(ScriptedModel(), opener, SETTINGS, on_event=events.append) as stream:
        wait_until(lambda: stream.state.attempts > 40)
        state = stream.state
    assert state.source == "lost"
    assert state.since_monotonic_ns <= time.monotonic_ns()
    assert sum(event.code == "source_retry" for event in events) < 8
    assert [event.code for event in events[:2]] == ["source_opening", "source_lost"]


def test_the_time_of_the_next_attempt_can_be_seen_and_closing_does_not_wait_for_it() -> None:
    settings = StreamSettings(backoff=BackOff(first_s=1e6, cap_s=1e6))
    with AnswerStream(ScriptedModel(), Opener(GONE), settings) as stream:
        wait_until(lambda: stream.state.next_attempt_monotonic_ns > 0)
        assert stream.state.next_attempt_monotonic_ns > time.monotonic_ns()
    assert stream.state.source == "ended"


@pytest.mark.parametrize(
    "error",
    [
        UsageError("'camera:first' is no camera"),
        InputTooLargeError("frames are too large"),
        DecodeError("holds no frame"),
        InputNotFoundError("no such file"),
    ],
    ids=lambda error: error.code,
)
def test_what_no_attempt_makes_right_ends_the_stream(error: EdgeError) -> None:
    opener = Opener(error)
    events: list[StreamEvent] = []
    with AnswerStream(ScriptedModel(), opener, SETTINGS, on_event=events.append) as stream:
        with pytest.raises(type(error), match=str(error)):
            next(stream)
        assert stream.state.source == "ended"
    assert opener.calls == 1
    assert (events[-1].code, events[-1].level) == ("source_lost", "error")


def test_a_camera_whose_frames_have_become_too_large_is_not_opened_again_and_again() -> None:
    opener = Opener(ScriptedSource([Shot()], InputTooLargeError("frames are too large")))
    with AnswerStream(ScriptedModel(), opener, SETTINGS) as stream:
        assert next(stream).result.status == "ok"
        with pytest.raises(InputTooLargeError):
            next(stream)
    assert opener.calls == 1


def test_a_watched_folder_that_goes_away_is_waited_for() -> None:
    away = InputNotFoundError("watch:films: no such folder")
    found, _, _ = answer_all(
        ScriptedSource([Shot()], away, is_live=False, goes_on=True),
        away,
        ScriptedSource([Shot()], is_live=False, goes_on=True),
    )
    assert found == [0, 1]


def test_a_watched_folder_is_open_and_back_before_a_file_comes() -> None:
    """No file for hours is no fault: the state must not say all the while that it is lost."""
    away = DeviceError("watch:films: the folder is gone")
    first = ScriptedSource([], away, is_live=False, goes_on=True)
    second = ScriptedSource([], is_live=False, goes_on=True, stays=True)
    events: list[StreamEvent] = []
    opener = Opener(first, away, second)
    with AnswerStream(ScriptedModel(), opener, SETTINGS, on_event=events.append) as stream:
        wait_until(lambda: stream.state.reconnects == 1)
        assert (stream.state.source, stream.state.captured) == ("open", 0)
    assert [event.code for event in events] == [
        "source_opening",
        "source_open",
        "source_lost",
        "source_retry",
        "source_back",
    ]
    assert events[-1].message.startswith("the source is open again, after ")


def test_without_reconnecting_an_error_ends_the_stream_after_the_answers_there_are() -> None:
    settings = StreamSettings(EVERY, reconnects=False)
    with AnswerStream(ScriptedModel(), Opener(lost(Shot(), Shot())), settings) as stream:
        assert [next(stream).result.index, next(stream).result.index] == [0, 1]
        with pytest.raises(DeviceTimeoutError):
            next(stream)
        with pytest.raises(StopIteration):
            next(stream)


def test_a_camera_that_is_missing_at_the_start_is_waited_for_unless_told_not_to() -> None:
    found, _, _ = answer_all(GONE, GONE, ScriptedSource([Shot()]))
    assert found == [0]
    settings = StreamSettings(EVERY, backoff=SETTINGS.backoff, waits_for_source=False)
    with (
        AnswerStream(ScriptedModel(), Opener(GONE), settings) as stream,
        pytest.raises(DeviceError),
    ):
        next(stream)
    # One that has given frames is waited for all the same.
    steps = Opener(lost(Shot()), GONE, ScriptedSource([Shot()]))
    with AnswerStream(ScriptedModel(), steps, settings) as stream:
        assert len(list(stream)) == 2


def test_a_picture_that_was_frozen_before_the_loss_is_frozen_after_it() -> None:
    """A camera that gives its old buffer first is not taken for one that is back."""
    now_ns, same = time.monotonic_ns(), noise(99)
    before = lost(Shot(same, monotonic_ns=now_ns))
    after = ScriptedSource([Shot(same, monotonic_ns=now_ns + 4 * 10**9), Shot(noise(100))])
    limits = GateLimits(stale_s=0)
    settings = StreamSettings(EVERY, limits, SETTINGS.backoff)
    with AnswerStream(ScriptedModel(), Opener(before, after), settings) as stream:
        assert [answer.result.gate for answer in stream] == ["", "frozen", ""]


def test_a_function_for_events_that_fails_does_not_end_the_stream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: StreamEvent) -> None:
        raise RuntimeError("the user's own bug")

    source = ScriptedSource([Shot(), Shot(fault="torn")])
    with AnswerStream(ScriptedModel(), Opener(source), SETTINGS, on_event=fail) as stream:
        assert len(list(stream)) == 2
    assert "the function for events failed on source_open" in caplog.text


def test_where_nobody_listens_a_lost_source_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with AnswerStream(ScriptedModel(), Opener(GONE, ScriptedSource([Shot()])), SETTINGS) as stream:
        assert len(list(stream)) == 1
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "source_lost: camera:9: there is no /dev/video9"
    ]


def test_a_fault_over_many_frames_is_one_event() -> None:
    shots = [Shot()] + [Shot(fault="torn")] * 5
    events: list[StreamEvent] = []
    source = ScriptedSource(shots, stays=True)
    with AnswerStream(ScriptedModel(), Opener(source), SETTINGS, on_event=events.append) as stream:
        wait_until(source.all_given.is_set)
        assert stream.state.captured == len(shots)
    gates = [event for event in events if event.code.startswith("gate")]
    assert [(event.code, event.detail, event.level) for event in gates] == [
        ("gate_closed", "torn", "warning")
    ]
