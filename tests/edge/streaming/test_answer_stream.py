"""A stream of answers: what overlaps, what is dropped, what is refused, how it ends."""

import gc
import hashlib
import threading
import time
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_stream import (
    PATIENCE_S,
    Opener,
    ScriptedModel,
    ScriptedSource,
    Shot,
    noise,
    wait_until,
)

import edge
from edge.errors import DeviceError, EngineError, InputError
from edge.frame import Frame
from edge.streaming.answer_stream import AnswerStream, StreamAnswer, StreamSettings
from edge.streaming.back_off import BackOff
from edge.streaming.events import StreamState
from edge.streaming.frame_gates import GateLimits
from edge.streaming.frame_policy import FramePolicy, parse_policy

SOON = BackOff(first_s=0.0001, cap_s=0.001)
EVERY = FramePolicy("every", queue=1000)


def count_all(state: StreamState) -> int:
    return state.answered + sum(state.refused.values()) + state.errors + state.dropped


def indices(answers: list[StreamAnswer]) -> list[int]:
    return [answer.result.index for answer in answers]


def test_capture_inference_and_output_overlap() -> None:
    """The three meet: the source before frame 3, the model in frame 1, the consumer after 0."""
    together = threading.Barrier(3, timeout=PATIENCE_S)
    model = ScriptedModel(lambda frame: together.wait() if frame.index == 1 else None)
    source = ScriptedSource([Shot()] * 4, wait=lambda at: together.wait() if at == 3 else None)
    with AnswerStream(model, Opener(source), StreamSettings(EVERY)) as stream:
        assert next(stream).result.index == 0
        together.wait()
        assert indices(list(stream)) == [1, 2, 3]


def test_with_the_newest_policy_no_overtaken_frame_is_inferred_on() -> None:
    begun = threading.Event()

    def infer(_: Frame) -> None:
        begun.set()
        assert source.all_given.wait(PATIENCE_S)

    model = ScriptedModel(infer)
    source = ScriptedSource([Shot()] * 10, wait=lambda at: at and begun.wait(PATIENCE_S))
    with AnswerStream(model, Opener(source)) as stream:
        assert indices(list(stream)) == [0, 9]
        assert model.ran == [0, 9]
        assert (stream.state.captured, stream.state.dropped) == (10, 8)


def test_a_slow_consumer_makes_the_newest_frame_wait_for_it_not_an_old_answer() -> None:
    model = ScriptedModel()
    source = ScriptedSource([Shot()] * 10, wait=lambda at: at > 2 and taken.wait(PATIENCE_S))
    taken = threading.Event()
    with AnswerStream(model, Opener(source)) as stream:
        wait_until(lambda: len(model.ran) == 1)
        wait_until(lambda: stream.state.captured == 3)
        # Its answer is not taken, so nothing else is inferred on until it is.
        assert len(model.ran) == 1
        taken.set()
        assert source.all_given.wait(PATIENCE_S)
        wait_until(lambda: stream.state.captured == 10)
        assert len(model.ran) == 1
        # The answer that waited, and one for the frame that was the newest when it was taken.
        assert indices(list(stream)) == [*model.ran[:1], 9]


def test_with_every_frame_a_full_queue_drops_its_oldest() -> None:
    begun = threading.Event()

    def infer(_: Frame) -> None:
        begun.set()
        assert source.all_given.wait(PATIENCE_S)

    source = ScriptedSource([Shot()] * 10, wait=lambda at: at and begun.wait(PATIENCE_S))
    settings = StreamSettings(parse_policy("every:3"))
    with AnswerStream(ScriptedModel(infer), Opener(source), settings) as stream:
        assert indices(list(stream)) == [0, 7, 8, 9]
        assert (stream.state.captured, stream.state.dropped) == (10, 6)


def test_every_nth_frame_is_answered_and_the_others_are_counted_as_dropped() -> None:
    shots = [Shot(lost_before=2 if at == 7 else 0) for at in range(12)]
    settings = StreamSettings(FramePolicy("nth", n=5, queue=100))
    with AnswerStream(ScriptedModel(), Opener(ScriptedSource(shots)), settings) as stream:
        # Frames 7 and 8 were lost by the source: the tenth captured is index 10 all the same.
        assert indices(list(stream)) == [0, 5, 10]
        assert (stream.state.captured, stream.state.dropped) == (14, 11)


@pytest.mark.parametrize("policy", ["newest", "every:1", "every:3"])
def test_of_a_file_every_frame_is_answered_in_order(policy: str) -> None:
    source = ScriptedSource([Shot()] * 30, is_live=False)
    settings = StreamSettings(parse_policy(policy))
    with AnswerStream(ScriptedModel(), Opener(source), settings) as stream:
        assert indices(list(stream)) == list(range(30))
        state = stream.state
    assert (state.source, state.captured, state.answered, state.dropped) == ("ended", 30, 30, 0)


PAUSES = st.sampled_from([0.0, 0.0, 0.0003, 0.002])
SHOTS = st.builds(
    Shot,
    pixels=st.none(),
    fault=st.sampled_from(["", "", "", "torn"]),
    lost_before=st.sampled_from([0, 0, 0, 2]),
)


@settings(max_examples=150, deadline=None)
@given(
    lives=st.lists(st.lists(SHOTS, max_size=12), min_size=1, max_size=3),
    policy=st.sampled_from(["newest", "every:1", "every:4", "nth:1", "nth:3"]),
    is_live=st.booleans(),
    pauses=st.tuples(PAUSES, PAUSES, PAUSES),
    bad=st.sets(st.integers(0, 30), max_size=5),
    most=st.none() | st.integers(0, 10),
)
def test_every_captured_frame_is_answered_refused_an_error_or_counted_as_dropped(
    lives, policy, is_live, pauses, bad, most
) -> None:
    """At any pace of the three, over losses of the source, and where it is closed before the end.

    Args:
        lives: what the source gives each time it is opened.
        policy: of the stream.
        is_live: of the source.
        pauses: seconds that capture, inference and output take.
        bad: indices that the model does not take.
        most: answers after which the stream is closed.
    """
    sources = [
        ScriptedSource(
            shots,
            DeviceError("unplugged") if shots is not lives[-1] else None,
            is_live=is_live,
            wait=lambda _: time.sleep(pauses[0]),
        )
        for shots in lives
    ]
    model = ScriptedModel(
        lambda _: time.sleep(pauses[1]), {index: InputError("another size") for index in bad}
    )
    answers = []
    with AnswerStream(
        model, Opener(*sources), StreamSettings(parse_policy(policy), backoff=SOON)
    ) as stream:
        for answer in stream:
            answers.append(answer)
            time.sleep(pauses[2])
            if most is not None and len(answers) > most:
                break
    state = stream.state
    assert state.captured == count_all(state)
    assert indices(answers) == sorted(set(indices(answers)))
    assert state.answered + sum(state.refused.values()) + state.errors == len(answers)
    assert set(model.ran) <= set(range(state.captured))
    for answer in answers:
        expected = (
            "refused" if answer.frame.fault else "error" if answer.result.index in bad else "ok"
        )
        assert answer.result.status == expected
        assert bool(answer.result.outputs) == (expected == "ok")
    if most is None:
        assert state.captured == sum(1 + shot.lost_before for shots in lives for shot in shots)
        if not is_live and not policy.startswith("nth"):
            assert state.dropped == sum(shot.lost_before for shots in lives for shot in shots)


def test_a_refused_frame_has_its_gate_and_reason_and_no_outputs_and_the_next_is_answered() -> None:
    shots = [Shot(), Shot(fault="torn"), Shot()]
    model = ScriptedModel()
    with AnswerStream(model, Opener(ScriptedSource(shots)), StreamSettings(EVERY)) as stream:
        good, torn, after = list(stream)
        assert (good.result.status, after.result.status) == ("ok", "ok")
        assert (torn.result.status, torn.result.gate) == ("refused", "torn")
        assert "only part of the frame" in str(torn.result.reason)
        assert torn.result.outputs == ()
        assert model.ran == [0, 2]
        assert stream.state.refused == {"torn": 1}


def test_a_frame_that_the_model_does_not_take_is_an_error_in_its_place() -> None:
    model = ScriptedModel(errors={1: InputError("another size")})
    with AnswerStream(model, Opener(ScriptedSource([Shot()] * 3)), StreamSettings(EVERY)) as stream:
        answers = list(stream)
    assert [answer.result.status for answer in answers] == ["ok", "error", "ok"]
    assert (answers[1].result.gate, answers[1].result.reason) == ("input", "another size")
    assert isinstance(answers[1].error, InputError)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((48, 64), np.uint8),
        np.zeros((48, 64, 4), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((48, 64, 3), np.int64),
        np.full((48, 64, 3), 0.5),
        [[1, 2], [3, 4]],
    ],
    ids=["no channels", "alpha", "empty", "int64", "float64", "a list"],
)
def test_what_a_source_of_the_user_s_own_calls_a_picture_is_an_error_and_no_traceback(
    pixels,
) -> None:
    source = ScriptedSource([Shot(), Shot(pixels), Shot(pixels, fault="torn"), Shot()])
    settings = StreamSettings(EVERY, digests=True)
    with edge.load() as model, AnswerStream(model, Opener(source), settings) as stream:
        answers = list(stream)
    assert [answer.result.status for answer in answers] == ["ok", "error", "refused", "ok"]
    assert "is none; give (height, width, 1)" in str(answers[1].result.reason)


def test_pixels_that_are_a_view_have_the_digest_of_what_they_show() -> None:
    pixels = noise(5)
    source = ScriptedSource([Shot(pixels[:, ::-1])])
    settings = StreamSettings(EVERY, digests=True)
    with AnswerStream(ScriptedModel(), Opener(source), settings) as stream:
        expected = hashlib.sha256(pixels[:, ::-1].tobytes()).hexdigest()
        assert next(stream).result.digest == expected


def test_an_engine_that_fails_ends_the_stream_after_the_answers_there_are() -> None:
    model = ScriptedModel(errors={2: EngineError("out of memory")})
    source = ScriptedSource([Shot()] * 6, stays=True)
    with AnswerStream(model, Opener(source), StreamSettings(EVERY)) as stream:
        assert indices([next(stream), next(stream)]) == [0, 1]
        with pytest.raises(EngineError, match="out of memory"):
            next(stream)
        with pytest.raises(StopIteration):
            next(stream)
    assert stream.state.captured == count_all(stream.state)


def test_an_unexpected_error_in_a_thread_of_the_stream_reaches_the_consumer() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a bug")

    for model, source in (
        (ScriptedModel(fail), ScriptedSource([Shot()])),
        (ScriptedModel(), ScriptedSource([Shot()], wait=fail)),
    ):
        with AnswerStream(model, Opener(source)) as stream, pytest.raises(RuntimeError):
            list(stream)


def test_a_frame_that_waited_too_long_is_stale_when_inference_would_start() -> None:
    old_ns = time.monotonic_ns() - 60 * 10**9
    shots = [Shot(monotonic_ns=old_ns), Shot()]
    model = ScriptedModel()
    with AnswerStream(model, Opener(ScriptedSource(shots)), StreamSettings(EVERY)) as stream:
        stale, fresh = list(stream)
    assert (stale.result.gate, fresh.result.status) == ("stale", "ok")
    assert model.ran == [1]


def test_age_is_looked_at_again_when_inference_would_start() -> None:
    """The second frame is young when it comes, and waits in the queue until it is old."""

    def infer(frame: Frame) -> None:
        if frame.index == 0:
            assert source.all_given.wait(PATIENCE_S)
            time.sleep(0.1)

    source = ScriptedSource([Shot()] * 2)
    # A limit long enough for any machine to take the first frame in time is set by its own time.
    source.shots = [Shot(monotonic_ns=0), Shot()]
    limits = GateLimits(stale_s=0.05)
    settings = StreamSettings(EVERY, limits)
    with AnswerStream(ScriptedModel(infer), Opener(source), settings) as stream:
        undated, waited = list(stream)
    assert undated.result.status == "ok"
    assert waited.result.gate == "stale"


def test_without_limits_only_what_the_source_calls_torn_is_refused() -> None:
    black = noise() * 0
    shots = [Shot(black), Shot(black, fault="torn")]
    settings = StreamSettings(EVERY, limits=None)
    with AnswerStream(ScriptedModel(), Opener(ScriptedSource(shots)), settings) as stream:
        assert [answer.result.status for answer in stream] == ["ok", "refused"]


def test_the_limits_are_for_sources_without_an_end() -> None:
    """A film that is black is black in a file too, and was put there on purpose."""
    for goes_on, gates in ((False, ["", ""]), (True, ["black", "black"])):
        source = ScriptedSource([Shot(noise() * 0)] * 2, is_live=False, goes_on=goes_on)
        with AnswerStream(ScriptedModel(), Opener(source)) as stream:
            assert [answer.result.gate for answer in stream] == gates


def test_digests_are_of_the_pixels_and_made_only_when_asked_for() -> None:
    for digests in (False, True):
        settings = StreamSettings(digests=digests)
        source = ScriptedSource([Shot(noise(5))])
        with AnswerStream(ScriptedModel(), Opener(source), settings) as stream:
            (answer,) = stream
        expected = hashlib.sha256(noise(5).tobytes()).hexdigest() if digests else ""
        assert answer.result.digest == answer.frame.digest == expected


def test_closing_ends_a_consumer_that_waits() -> None:
    source = ScriptedSource([], stays=True)
    stream = AnswerStream(ScriptedModel(), Opener(source))
    came: list[StreamAnswer] = []
    consumer = threading.Thread(target=lambda: came.extend(stream))
    consumer.start()
    stream.close()
    stream.close()
    consumer.join(PATIENCE_S)
    assert not consumer.is_alive()
    assert came == []
    assert stream.state.source == "ended"


def test_closing_returns_while_opening_reading_and_inference_hang() -> None:
    """The threads are left behind, and end when the library lets them go."""
    let_go = threading.Event()

    def hang(_: object = None) -> None:
        let_go.wait(PATIENCE_S)

    def open_never() -> ScriptedSource:
        hang()
        return late

    late = ScriptedSource([Shot()])
    streams = [
        AnswerStream(ScriptedModel(), open_never),
        AnswerStream(ScriptedModel(), Opener(ScriptedSource([Shot()], wait=hang))),
        AnswerStream(ScriptedModel(hang), Opener(ScriptedSource([Shot()]))),
    ]
    wait_until(lambda: streams[2].state.captured == 1)
    closing = [threading.Thread(target=stream.close) for stream in streams]
    for thread in closing:
        thread.start()
    for thread, stream in zip(closing, streams, strict=True):
        thread.join(PATIENCE_S / 2)
        assert not thread.is_alive()
        assert list(stream) == []
    let_go.set()
    assert late.closed.wait(PATIENCE_S)


def test_an_answer_that_comes_after_closing_is_given_to_nobody() -> None:
    let_go = threading.Event()
    model = ScriptedModel(lambda _: let_go.wait(PATIENCE_S) and None)
    stream = AnswerStream(model, Opener(ScriptedSource([Shot()])))
    wait_until(lambda: model.ran == [0])
    closing = threading.Thread(target=stream.close)
    closing.start()
    wait_until(lambda: stream.state.dropped == 1)
    let_go.set()
    closing.join(PATIENCE_S)
    assert list(stream) == []
    assert stream.state.captured == count_all(stream.state) == 1


def test_a_stream_that_is_forgotten_closes_its_source() -> None:
    source = ScriptedSource([], stays=True)
    stream = AnswerStream(ScriptedModel(), Opener(source))
    gone = weakref.ref(stream)
    del stream
    gc.collect()
    assert gone() is None
    assert source.closed.wait(PATIENCE_S)
