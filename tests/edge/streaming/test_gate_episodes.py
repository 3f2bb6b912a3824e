"""Refusals that follow one another are told as one fault."""

from edge.streaming.events import StreamEvent
from edge.streaming.gate_episodes import QUIET_NS, GateEpisodes


def test_a_flickering_fault_is_told_once_and_its_end_once_when_it_is_over() -> None:
    events: list[StreamEvent] = []
    episodes = GateEpisodes(events.append)
    frame_ns = QUIET_NS // 30
    for at in range(0, 60, 2):
        episodes.refused("torn", "only part of the frame came", at * frame_ns)
        episodes.passed((at + 1) * frame_ns)
    assert [event.code for event in events] == ["gate_closed"]
    episodes.passed(58 * frame_ns + QUIET_NS)
    assert len(events) == 1
    episodes.passed(59 * frame_ns + QUIET_NS)
    assert [(event.code, event.level, event.detail) for event in events] == [
        ("gate_closed", "warning", "torn"),
        ("gate_opened", "info", "torn"),
    ]
    assert events[0].message == "no result: only part of the frame came"
    assert "it refused 30 in 1.9 s" in events[1].message


def test_gates_are_told_apart() -> None:
    events: list[StreamEvent] = []
    episodes = GateEpisodes(events.append)
    episodes.refused("black", "the picture is black", 0)
    episodes.refused("frozen", "the same picture", QUIET_NS)
    episodes.passed(QUIET_NS + 1)
    episodes.passed(3 * QUIET_NS)
    assert [(event.code, event.detail) for event in events] == [
        ("gate_closed", "black"),
        ("gate_closed", "frozen"),
        ("gate_opened", "black"),
        ("gate_opened", "frozen"),
    ]
