"""A fake camera with every fault in turn: only the lab's answers, and every fault is told."""

import json
import time
from pathlib import Path

import pytest

import edge
from edge.sources.capture import Deadlines
from edge.streaming.answer_stream import StreamSettings
from edge.streaming.back_off import BackOff
from edge.streaming.events import StreamEvent
from edge.streaming.frame_gates import GateLimits

FAULTS = ["torn", "black", "lost", "saturated", "frozen", "stale", "hang"]
GATES = {"torn", "black", "saturated", "frozen", "stale"}


@pytest.mark.slow
def test_only_the_labs_answers_come_and_every_fault_is_told(
    tmp_path: Path, sample_films: list[Path]
) -> None:
    """Each fault lasts 0.8 s, with 0.4 s of good frames after it."""
    faults = [
        {"at_s": 0.4 + 1.2 * place, "for_s": 0.8, "fault": fault}
        for place, fault in enumerate(FAULTS)
    ]
    script = tmp_path / "faults.json"
    script.write_text(json.dumps({"faults": faults}), encoding="utf-8")
    events: list[StreamEvent] = []
    settings = StreamSettings(
        limits=GateLimits(frozen_s=0.3, stale_s=30), backoff=BackOff(0.05, 0.1), digests=True
    )
    with edge.load() as model:
        lab = {model.run(film).outputs for film in sample_films}
        answered = set()
        end_s = time.monotonic() + 100
        with edge.stream(
            model,
            f"fake:{sample_films[0].parent}?faults={script}",
            settings=settings,
            deadlines=Deadlines(open_s=5, read_s=0.3),
            on_event=events.append,
        ) as answers:
            for answer in answers:
                result = answer.result
                assert result.status == ("refused" if result.gate else "ok")
                if result.status == "ok":
                    assert result.outputs in lab
                    answered.add(result.outputs)
                state = answers.state
                is_complete = set(state.refused) >= GATES and state.reconnects >= 2
                if is_complete or time.monotonic() > end_s:
                    break
        state = answers.state
    assert answered == lab
    closed = {event.detail for event in events if event.code == "gate_closed"}
    assert closed >= GATES
    codes = [event.code for event in events]
    assert codes.count("source_lost") >= codes.count("source_back") >= 2
    assert state.captured == state.answered + sum(state.refused.values()) + state.dropped
