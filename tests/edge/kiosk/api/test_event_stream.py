"""Server-sent events: everything that happened once, the latest whenever it changes."""

import json
from dataclasses import dataclass

import pytest
from bare_client import read_head

from edge.kiosk.api.watch import Cursor
from edge.kiosk.messages import Event


@dataclass
class Message:
    name: str
    cursor: str
    data: dict


class Stream:
    """Reads one stream of events as WHATWG's HTML says."""

    def __init__(self, served, after=""):
        head = f"Last-Event-ID: {after}\r\n" if after else ""
        self._client = served.connect()
        self._client.sendall(f"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
        self._raw = b""
        received = read_head(self._client)
        self.head, _, rest = received.partition(b"\r\n\r\n")
        self._raw = rest
        self._text = b""
        self.comments = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()

    def blocks(self):
        while True:
            while b"\n\n" not in self._text:
                self._text += self._chunk()
            block, _, self._text = self._text.partition(b"\n\n")
            yield block.decode()

    def messages(self):
        for block in self.blocks():
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            if "" in fields:
                self.comments += 1
            if "data" in fields:
                data = json.loads(fields["data"])
                yield Message(fields["event"], fields.get("id", ""), data)

    def _chunk(self):
        while b"\r\n" not in self._raw:
            self._more()
        size, _, self._raw = self._raw.partition(b"\r\n")
        length = int(size, 16)
        while len(self._raw) < length + 2:
            self._more()
        chunk, self._raw = self._raw[:length], self._raw[length + 2 :]
        return chunk

    def _more(self):
        data = self._client.recv(65536)
        assert data, "the stream ended"
        self._raw += data


def until(messages, wanted):
    seen = []
    for message in messages:
        seen.append(message)
        if wanted(message):
            return seen
    raise AssertionError


def is_latest(message):
    return message.name == "latest"


def codes(messages):
    return [each.data["code"] for each in messages if each.name == "kiosk"]


def test_first_come_the_events_kept_and_then_the_latest(serve):
    served = serve()
    served.show("frozen")
    with Stream(served) as stream:
        seen = until(stream.messages(), is_latest)
    assert b"content-type: text/event-stream" in stream.head
    assert codes(seen) == ["gate_open", "gate_frozen"]
    assert seen[-1].data["gate"] == "frozen"
    assert not seen[-1].cursor


def test_whenever_the_latest_changes_it_is_sent(serve):
    served = serve()
    with Stream(served) as stream:
        messages = stream.messages()
        until(messages, is_latest)
        for scene in ("black", "source_lost", "answered"):
            served.show(scene)
            until(messages, lambda each: is_latest(each) and each.data["state"] != "waiting")
        served.do(served.kiosk.next_frame)
        until(messages, lambda each: is_latest(each) and each.data["answer"]["index"] == 1)


def test_an_answer_that_grows_too_old_is_taken_back_though_nothing_happens(serve):
    served = serve(heartbeat_s=600.0)
    served.show("answered")
    with Stream(served) as stream:
        messages = stream.messages()
        until(messages, lambda each: is_latest(each) and each.data["state"] == "answered")
        served.do(setattr, served.kiosk, "scene_name", "old")  # nobody announces it
        seen = until(messages, is_latest)
    assert (seen[-1].data["state"], seen[-1].data["gate"]) == ("no_result", "old")


def test_an_event_alone_does_not_repeat_the_latest(serve):
    served = serve()
    with Stream(served) as stream:
        messages = stream.messages()
        until(messages, is_latest)
        for number in range(3):
            served.do(served.kiosk.announce, "service", "info", f"code_{number}", "words")
        seen = until(messages, lambda each: each.data.get("code") == "code_2")
    assert [each.name for each in seen] == ["kiosk"] * 3


def test_after_a_broken_connection_nothing_is_missed_or_repeated(serve):
    served = serve()
    with Stream(served) as stream:
        seen = until(stream.messages(), is_latest)
    last = next(each.cursor for each in reversed(seen) if each.cursor)
    served.show("black")
    served.show("answered")
    with Stream(served, after=last) as stream:
        seen = until(stream.messages(), is_latest)
    assert codes(seen) == ["gate_black", "gate_open"]


def test_after_a_restart_of_the_service_all_its_events_come(serve):
    first = serve()
    for _ in range(5):
        first.show("black")
    with Stream(first) as stream:
        last = [each.cursor for each in until(stream.messages(), is_latest)][-2]
    second = serve()
    with Stream(second, after=last) as stream:
        assert codes(until(stream.messages(), is_latest)) == ["gate_open"]
    with Stream(second, after="4000") as stream:
        assert codes(until(stream.messages(), is_latest)) == ["gate_open"]


@pytest.mark.parametrize("after", ["x", "-1", "1-1-1", "9" * 40, "zzzzzzzz-1"])
def test_what_is_no_cursor_gets_everything(serve, after):
    with Stream(serve(), after=after) as stream:
        assert codes(until(stream.messages(), is_latest)) == ["gate_open"]


def test_a_silent_kiosk_shows_that_it_lives(serve):
    served = serve(heartbeat_s=0.1)
    with Stream(served) as stream:
        blocks = stream.blocks()
        alive = 0
        while alive < 3:
            alive += next(blocks) == ": alive"


def test_a_kiosk_that_only_says_what_is_not_sent_still_shows_that_it_lives(serve):
    served = serve(heartbeat_s=0.2)
    with Stream(served) as stream:
        blocks = stream.blocks()
        while next(blocks) != ": alive":
            served.do(served.kiosk._bump)


def test_without_following_the_stream_ends(serve):
    served = serve()
    reply = served.get("/v1/events?follow=false")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.body.count(b"event: ") == 2
    bad = served.get("/v1/events?follow=perhaps")
    assert (bad.status, bad.code) == (400, "follow")


def test_a_cursor_of_this_run_names_its_event():
    cursor = Cursor()
    event = Event(7, 0, "service", "info", "code", "words")
    assert cursor.id_after(cursor.of(event)) == 7
    assert Cursor().id_after(cursor.of(event)) == 0
