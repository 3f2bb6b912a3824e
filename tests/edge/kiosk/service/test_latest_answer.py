"""What may be shown: whatever is not certain is no result."""

import math

import pytest
from answer_samples import answer
from hypothesis import given
from hypothesis import strategies as st

from edge.kiosk.service.latest_answer import Situation, decide_latest

NOW_NS = 10**15
S = 10**9

answers = st.one_of(
    st.none(),
    st.builds(
        lambda status, infer_ns: answer(
            status=status, gate="" if status == "ok" else "black", infer_ns=infer_ns
        ),
        st.sampled_from(["ok", "refused", "error"]),
        st.integers(0, 60 * S),
    ),
)
times = st.integers(NOW_NS - 400 * S, NOW_NS + 5 * S)
situations = st.builds(
    Situation,
    is_worker_ready=st.booleans(),
    worker_reason=st.just("it is being started"),
    is_updating=st.booleans(),
    source=st.sampled_from(["opening", "open", "lost", "ended", "none"]),
    source_reason=st.just("unplugged"),
    journal_reason=st.sampled_from(["", "the disk is full"]),
    answer=answers,
    captured_ns=times,
    published_ns=times,
    limit_s=st.one_of(st.none(), st.just(math.inf), st.floats(0.1, 100)),
)


@given(situations)
def test_an_answer_is_shown_only_where_everything_is_in_order(now):
    latest = decide_latest(now, NOW_NS)
    limit_s = now.limit_s
    if limit_s is None and now.answer is not None:
        limit_s = 2 + 3 * now.answer.latency_ns.infer / S
    is_in_order = (
        now.is_worker_ready
        and now.source == "open"
        and not now.journal_reason
        and now.answer is not None
        and now.answer.status == "ok"
        and (NOW_NS - now.captured_ns) / S <= limit_s
    )
    assert (latest.state == "answered") == is_in_order


@given(situations)
def test_an_answer_with_a_result_is_never_beside_another_state(now):
    latest = decide_latest(now, NOW_NS)
    if latest.state != "answered":
        assert latest.answer is None or latest.answer.status != "ok"
    else:
        assert (latest.gate, latest.reason) == ("", None)


@given(situations)
def test_where_there_is_no_result_there_is_a_gate_and_a_reason(now):
    latest = decide_latest(now, NOW_NS)
    assert (latest.state == "no_result") == bool(latest.gate)
    assert latest.state != "no_result" or latest.reason
    assert latest.age_ms is None or latest.age_ms >= 0


def situation(**changes: object) -> Situation:
    """All is well but for the changes."""
    well = {
        "is_worker_ready": True,
        "worker_reason": "",
        "is_updating": False,
        "source": "open",
        "source_reason": "",
        "journal_reason": "",
        "answer": answer(),
        "captured_ns": NOW_NS - S,
        "published_ns": NOW_NS - S,
        "limit_s": None,
    }
    return Situation(**{**well, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, ("answered", ""), id="all is well"),
        pytest.param({"is_worker_ready": False}, ("no_result", "worker"), id="no worker"),
        pytest.param(
            {"is_worker_ready": False, "is_updating": True}, ("no_result", "update"), id="update"
        ),
        pytest.param({"source": "lost"}, ("no_result", "source"), id="camera lost"),
        pytest.param({"source": "ended"}, ("no_result", "source"), id="video at its end"),
        pytest.param({"source": "opening"}, ("waiting", ""), id="camera being opened"),
        pytest.param({"source": "none", "answer": None}, ("waiting", ""), id="uploads alone"),
        pytest.param({"journal_reason": "full"}, ("no_result", "journal"), id="disk full"),
        pytest.param({"captured_ns": NOW_NS - 3 * S}, ("no_result", "old"), id="old"),
        pytest.param(
            {"captured_ns": NOW_NS - 3 * S, "answer": answer(infer_ns=S)},
            ("answered", ""),
            id="a slow board",
        ),
        pytest.param(
            {"captured_ns": NOW_NS - 999 * S, "limit_s": math.inf}, ("answered", ""), id="a file"
        ),
        pytest.param(
            {"captured_ns": NOW_NS - 60 * S, "answer": answer(status="refused", gate="stale")},
            ("no_result", "stale"),
            id="a stale frame that was refused just now",
        ),
        pytest.param({"limit_s": 1.0}, ("answered", ""), id="just as old as it may be"),
        pytest.param(
            {"published_ns": NOW_NS - 60 * S, "answer": answer(status="refused", gate="black")},
            ("no_result", "old"),
            id="refused long ago",
        ),
    ],
)
def test_what_is_shown(changes, expected):
    latest = decide_latest(situation(**changes), NOW_NS)
    assert (latest.state, latest.gate) == expected


@pytest.mark.parametrize(("captured_ns", "age_ms"), [(NOW_NS - S, 1000), (NOW_NS + S, 0)])
def test_the_age_is_counted_from_the_capture(captured_ns, age_ms):
    assert decide_latest(situation(captured_ns=captured_ns), NOW_NS).age_ms == age_ms
