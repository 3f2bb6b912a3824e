"""Whoever waits too long, at whatever, is let go; nobody else notices."""

import asyncio
import http.client
import re
import socket
import time

import pytest
from bare_client import read_head, read_to_end

QUICKLY_S = 0.6
GET = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n"


def drip(client, piece, pause_s=0.1):
    """Send a piece again and again until the other side has closed; what it said meanwhile."""
    client.settimeout(pause_s)
    said = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            client.sendall(piece)
            data = client.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            return said
        if not data:
            return said
        said += data
    pytest.fail("it was never closed")


def test_a_connection_that_asks_nothing_is_closed(serve):
    served = serve(header_timeout_s=QUICKLY_S)
    with served.connect() as client:
        assert read_to_end(client) == b""


def test_headers_that_drip_are_answered_408(serve):
    served = serve(header_timeout_s=QUICKLY_S)
    with served.connect() as client:
        client.sendall(GET)
        said = drip(client, b"X: y\r\n")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"headers_slow"' in said


def test_headers_of_a_second_request_that_drip_are_answered_408(serve):
    served = serve(header_timeout_s=QUICKLY_S)
    with served.connect() as client:
        client.sendall(GET + b"\r\n")
        assert read_head(client).startswith(b"HTTP/1.1 200 ")
        client.sendall(GET)
        assert b"HTTP/1.1 408 " in drip(client, b"X: y\r\n")


@pytest.mark.parametrize("length", [b"Content-Length: 100000", b"Transfer-Encoding: chunked"])
def test_a_body_that_drips_is_answered_408(serve, length):
    served = serve(body_timeout_s=QUICKLY_S)
    with served.connect() as client:
        client.sendall(b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")
        said = drip(client, b"1\r\nx\r\n")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"upload_slow"' in said


def test_a_place_for_an_upload_is_free_again_when_its_sender_was_slow_or_left(serve, eventually):
    served = serve(body_timeout_s=QUICKLY_S, uploads_waiting=1)
    head = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
    with served.connect() as client:
        client.sendall(head + b"x")
        assert read_head(client).startswith(b"HTTP/1.1 408 ")
    with served.connect() as client:
        client.sendall(head + b"x")
    eventually(lambda: served.request("POST", "/v1/infer", b"x").status == 200)


def test_a_body_that_nobody_asked_for_does_not_keep_the_connection(serve):
    served = serve(idle_timeout_s=60.0)
    with served.connect() as client:
        client.sendall(GET + b"Content-Length: 1000000000\r\n\r\n")
        assert read_head(client).startswith(b"HTTP/1.1 200 ")
        drip(client, b"x")


def test_an_idle_connection_is_closed(serve):
    served = serve(idle_timeout_s=QUICKLY_S)
    with served.connect() as client:
        client.sendall(GET + b"\r\n")
        assert read_to_end(client).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_is_used_stays(serve):
    served = serve(idle_timeout_s=30.0, header_timeout_s=QUICKLY_S)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.connect()
    own_port = connection.sock.getsockname()[1]
    deadline = time.monotonic() + 4 * QUICKLY_S
    while time.monotonic() < deadline:
        connection.request("GET", "/v1/health")
        assert len(connection.getresponse().read()) > 100
        assert connection.sock.getsockname()[1] == own_port
        time.sleep(0.1)
    connection.close()


def test_who_follows_the_events_and_reads_nothing_is_dropped(serve, eventually):
    served = serve(write_timeout_s=QUICKLY_S)
    client = served.connect(receive_bytes=4096)
    client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert read_head(client)
    table = served.server._table

    def is_dropped():
        for _ in range(50):
            served.do(served.kiosk.next_frame)
        return not served.do(lambda: [each for each in table._open if each.is_streaming])

    eventually(is_dropped)
    assert "client_slow" in served.do(lambda: [e.code for e in served.kiosk.events_after(0)])
    client.close()


def test_a_slow_reader_delays_nobody_and_gets_the_newest(serve):
    served = serve(write_timeout_s=60.0)
    client = served.connect(receive_bytes=4096)
    client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for _ in range(3000):
        served.do(served.kiosk.next_frame)
    newest = served.get("/v1/latest").json()["answer"]["index"]
    assert newest == 3000
    client.settimeout(30)
    seen: list[int] = []
    rest = b""
    while newest not in seen:
        rest += client.recv(65536)
        seen = [int(each) for each in re.findall(rb'"source":"camera:0","index":(\d+)', rest)]
    assert seen == sorted(seen)
    assert len(seen) < 3000
    client.close()


def test_a_snapshot_that_nobody_reads_is_dropped(serve, eventually):
    served = serve(write_timeout_s=QUICKLY_S)
    client = served.connect(receive_bytes=2048)
    ask = b"GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"
    client.settimeout(0.2)
    with pytest.raises(OSError, match=r".*"):  # noqa: PT012 - sends until nobody takes it
        while True:
            client.sendall(ask * 20)
    eventually(lambda: not served.do(lambda: len(served.server._table._open)))
    client.close()


def test_a_client_that_vanishes_from_an_event_stream_is_noticed(serve, eventually):
    served = serve(heartbeat_s=0.2)
    client = served.connect()
    client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert read_head(client)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    eventually(lambda: not served.do(lambda: len(served.server._table._open)))


def test_when_all_connections_are_taken_an_idle_one_makes_room(serve):
    served = serve(max_connections=3)
    idle = [served.connect() for _ in range(3)]
    assert served.get("/v1/health").status == 200
    for client in idle:
        client.close()


def test_when_all_connections_are_busy_the_next_is_told_to_come_back(serve, eventually):
    served = serve(max_connections=2)
    served.kiosk.infer_gate = asyncio.Event()
    ask = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"
    busy = [served.connect() for _ in range(2)]
    for client in busy:
        client.sendall(ask)
    table = served.server._table
    eventually(lambda: served.do(lambda: sum(not each.is_idle for each in table._open)) == 2)
    with served.connect() as client:
        said = read_to_end(client)
    assert said.startswith(b"HTTP/1.1 429 ")
    assert b"Retry-After: 1\r\n" in said
    served.do(served.kiosk.infer_gate.set)
    for client in busy:
        assert read_head(client).startswith(b"HTTP/1.1 200 ")
        client.close()


def test_no_more_event_streams_than_allowed(serve, eventually):
    served = serve(event_streams=1)
    with served.connect() as client:
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_head(client)
        reply = served.get("/v1/events")
        assert (reply.status, reply.code) == (429, "event_streams")
        assert served.get("/v1/events?follow=false").status == 200
    eventually(lambda: _opens(served))


def _opens(served):
    with served.connect() as client:
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return read_head(client).startswith(b"HTTP/1.1 200 ")
