"""Counts over workers that come and go."""

from answer_samples import answered
from hypothesis import given
from hypothesis import strategies as st

from edge.kiosk.service.totals import Totals
from edge.kiosk.worker.wire import UPLOAD, Alive

words = st.integers(0, 1000)


@given(st.lists(st.lists(words, max_size=5), max_size=5))
def test_what_was_captured_never_grows_less_and_is_the_sum_over_workers(lives):
    totals, seen = Totals(), [0]
    for life in lives:
        for captured in sorted(life):
            totals.note_alive(Alive(captured=captured, dropped=captured, reconnects=captured))
            seen.append(totals.counts(0).captured)
        totals.note_gone()
        seen.append(totals.counts(0).captured)
    assert seen == sorted(seen)
    counts = totals.counts(0)
    expected = sum(max(life, default=0) for life in lives)
    assert (counts.captured, counts.dropped, counts.reconnects) == (expected,) * 3


def test_a_worker_that_is_gone_is_counted_once():
    totals = Totals()
    totals.note_alive(Alive(captured=7))
    totals.note_gone()
    totals.note_gone()
    assert totals.counts(1).captured == 7


def test_uploads_do_not_count_as_answers_of_the_camera():
    totals = Totals()
    totals.add_answer(answered(), "", 2_000_000_000)
    totals.add_answer(answered(source=UPLOAD), "", 9_000_000_000)
    totals.add_answer(answered(status="refused", gate="black"), "black", 1_000_000_000)
    counts = totals.counts(0)
    assert (counts.answered, counts.uploads, counts.refused) == (2, 1, (("black", 1),))
    assert counts.capture_to_answer_seconds_sum == 3.0
