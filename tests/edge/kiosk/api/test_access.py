"""Host, origin, token, rates and sizes, over a real socket."""

import asyncio
import re
import socket
import threading

import pytest
from bare_client import read_head, read_to_end
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.kiosk.api.access_token import SESSION_COOKIE
from edge.kiosk.api.operations import OPERATIONS

KEY = "correct-horse-battery"
CHUNKED = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8321", "169.254.169.254"])
def test_a_request_for_another_host_is_refused(kiosk, host):
    reply = kiosk.get("/v1/latest", Host=host)
    assert (reply.status, reply.code) == (421, "host_unknown")


def test_a_name_that_was_allowed_is_ours(serve):
    served = serve(allowed_hosts=("kiosk.ward.example",))
    assert served.get("/v1/latest", Host="kiosk.ward.example:443").status == 200


def test_http_1_0_without_host_is_refused(kiosk):
    with kiosk.connect() as client:
        client.sendall(b"GET /v1/health HTTP/1.0\r\n\r\n")
        assert read_to_end(client).startswith(b"HTTP/1.1 400 ")


def test_a_page_of_another_origin_gets_nothing_and_no_permission(kiosk):
    for path in ("/v1/latest", "/v1/events", "/", "/metrics"):
        reply = kiosk.get(path, Origin="https://evil.example")
        assert (reply.status, reply.code) == (403, "origin_forbidden")
        assert not [name for name in reply.headers if name.startswith("access-control")]
    assert kiosk.get("/v1/latest", Sec_Fetch_Site="cross-site").status == 403


def test_our_own_page_may_ask_and_needs_no_permission(kiosk):
    origin = f"http://127.0.0.1:{kiosk.port}"
    reply = kiosk.request("POST", "/v1/infer", b"x", {"Origin": origin})
    assert reply.status == 200
    assert "access-control-allow-origin" not in reply.headers


def test_a_preflight_of_a_foreign_page_is_refused(kiosk):
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert kiosk.request("OPTIONS", "/v1/infer", headers=asks).status == 403


def test_an_origin_that_was_allowed_reads_answers_and_may_send_the_token(serve):
    origin = "https://ward.example"
    served = serve(allowed_origins=(origin,), token=KEY)
    asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    preflight = served.request("OPTIONS", "/v1/infer", headers=asks)
    assert preflight.status == 204
    assert "Authorization" in preflight.headers["access-control-allow-headers"]
    reply = served.request("GET", "/v1/latest", headers=BEARER | {"Origin": origin})
    assert reply.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-credentials" not in reply.headers
    assert served.request("GET", "/v1/latest", headers={"Origin": origin}).status == 401


def test_without_the_token_nothing_is_told_but_the_page(guarded):
    for operation in OPERATIONS:
        reply = guarded.request(operation.method, operation.path)
        assert (reply.status, reply.code) == (401, "token_missing")
        assert reply.headers["www-authenticate"].startswith("Bearer")
    assert guarded.get("/v1/secret").status == 401
    assert guarded.get("/page/nothing.js").status == 404


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        "Bearer",
        "Bearer ",
        f"Basic {KEY}",
        KEY,
        "Bearer \xff\xfe",
        "",
    ],
)
def test_a_wrong_token_is_no_token(guarded, value):
    assert guarded.request("GET", "/v1/latest", headers={"Authorization": value}).status == 401


def test_the_token_opens_everything(guarded):
    assert guarded.request("GET", "/v1/latest", headers=BEARER).status == 200
    assert guarded.request("GET", "/v1/latest", headers={"authorization": f"bearer {KEY}"})


def test_a_page_trades_the_token_for_a_cookie_that_outlives_a_restart(serve):
    first = serve(token=KEY)
    reply = first.request("POST", "/v1/session", headers=BEARER)
    assert reply.status == 204
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert KEY not in cookie
    shown = {"Cookie": f"other=1; {cookie.partition(';')[0]}"}
    assert first.request("GET", "/v1/latest", headers=shown).status == 200
    assert serve(token=KEY).request("GET", "/v1/latest", headers=shown).status == 200
    assert serve(token=KEY + "2").request("GET", "/v1/latest", headers=shown).status == 401


@pytest.mark.parametrize("value", ["", "x", "0" * 64, "é"])
def test_an_invented_cookie_opens_nothing(guarded, value):
    shown = {"Cookie": f"{SESSION_COOKIE}={value}".encode("latin-1").decode("latin-1")}
    assert guarded.request("GET", "/v1/latest", headers=shown).status == 401


def test_without_a_token_set_a_session_is_neither_given_nor_needed(kiosk):
    reply = kiosk.request("POST", "/v1/session")
    assert reply.status == 204
    assert "set-cookie" not in reply.headers


def test_who_asks_too_often_is_told_when_to_come_back(serve):
    served = serve(requests_per_second=1.0)
    replies = [served.get("/v1/health") for _ in range(12)]
    assert replies[0].status == 200
    refused = [reply for reply in replies if reply.status == 429]
    assert refused
    assert refused[0].code == "rate"
    assert re.fullmatch("[1-9][0-9]*", refused[0].headers["retry-after"])


def test_requests_that_are_refused_at_the_door_do_not_use_up_the_rate(serve):
    served = serve(requests_per_second=0.01)
    for _ in range(20):
        assert served.get("/v1/health", Origin="https://evil.example").status == 403
    assert served.get("/v1/health").status == 200


def test_an_upload_over_the_limit_is_refused_before_it_is_read(serve):
    served = serve(max_upload_bytes=1000)
    with served.connect() as client:
        client.sendall(
            b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n"
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")
    assert served.request("POST", "/v1/infer", b"x" * 1000).status == 200


def test_a_client_that_sends_everything_first_still_reads_the_refusal(serve):
    served = serve(max_upload_bytes=1000)
    reply = served.request("POST", "/v1/infer", b"x" * 5_000_000)
    assert (reply.status, reply.code) == (413, "upload_too_large")


def test_an_upload_in_chunks_without_end_is_cut_off_at_the_limit(serve):
    served = serve(max_upload_bytes=100_000)
    head = b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with served.connect() as client:
        client.sendall(head + chunk * 2)
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        pytest.param({"uploads_waiting": 2}, "uploads_waiting", id="number"),
        pytest.param({"max_upload_bytes": 1000}, "uploads_memory", id="bytes"),
    ],
)
def test_no_more_uploads_than_allowed_are_in_memory_at_once(serve, eventually, limits, code):
    served = serve(**limits)
    served.kiosk.infer_gate = asyncio.Event()
    replies = []

    def send():
        replies.append(served.request("POST", "/v1/infer", b"x" * 900))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(replies) == 1)
    assert (replies[0].status, replies[0].code) == (429, code)
    assert replies[0].headers["retry-after"] == "1"
    served.do(served.kiosk.infer_gate.set)
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [429, 200, 200]
    assert served.request("POST", "/v1/infer", b"x" * 900).status == 200


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(b"X-Long: " + b"x" * 20_000 + b"\r\n", id="one long header"),
        pytest.param(b"".join(b"X-%d: y\r\n" % each for each in range(100)), id="many headers"),
    ],
)
def test_headers_over_the_limit_are_431(kiosk, extra):
    with kiosk.connect() as client:
        client.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n" + extra + b"\r\n")
        assert read_head(client).startswith(b"HTTP/1.1 431 ")


def test_headers_without_end_are_431(kiosk):
    with kiosk.connect() as client:
        client.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 17_000)
        assert read_head(client).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
        b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /%ff%00%0a HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_what_is_malformed_is_the_senders_fault(kiosk, data):
    with kiosk.connect() as client:
        client.sendall(data)
        reply = read_head(client)
    assert re.match(rb"HTTP/1\.1 4\d\d ", reply), reply
    assert b"application/problem+json" in reply
    assert kiosk.get("/v1/health").status == 200


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    start=st.sampled_from([b"", b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n", CHUNKED]),
    data=st.binary(max_size=300),
)
def test_no_bytes_harm_it(kiosk, start, data):
    with kiosk.connect() as client:
        client.sendall(start + data)
        client.shutdown(socket.SHUT_WR)
        for status in re.findall(rb"HTTP/1\.1 (\d+)", read_to_end(client)):
            assert int(status) < 500
    assert kiosk.get("/v1/health").status == 200


def test_an_upgrade_is_not_followed(kiosk):
    asks = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x"}
    assert kiosk.request("GET", "/v1/latest", headers=asks).status == 200


def test_requests_in_one_piece_are_answered_in_their_order(kiosk):
    asks = b"".join(
        b"GET /v1/%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (name, close)
        for name, close in (
            (b"health", b""),
            (b"nothing", b""),
            (b"model", b"Connection: close\r\n"),
        )
    )
    with kiosk.connect() as client:
        client.sendall(asks)
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", read_to_end(client))
    assert statuses == [b"200", b"404", b"200"]
