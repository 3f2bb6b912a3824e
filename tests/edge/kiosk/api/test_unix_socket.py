"""The kiosk on a Unix socket, with real sockets."""

import asyncio
import json
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from bare_client import read_to_end
from fake_kiosk import FakeKiosk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import DeviceError, EngineError, UsageError
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.api.unix_socket import UnixSocketServer


@pytest.fixture
def path():
    # pytest's own folders may be longer than a socket's path can be.
    with tempfile.TemporaryDirectory(prefix="edgedx-") as folder:
        yield Path(folder) / "kiosk.sock"


@pytest.fixture
def served(serve, path):
    return serve(unix_socket=path)


class Client:
    """One connection."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def ask(self, data=b"", **request):
        self.send(json.dumps(request).encode() + b"\n" + data)
        return self.read()

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        line = self.lines.readline()
        assert line.endswith(b"\n"), "it was closed"
        return json.loads(line)


@pytest.mark.parametrize("name", ["health", "model", "latest"])
def test_the_result_is_what_http_gives(served, path, name):
    with Client(path) as client:
        reply = client.ask(request=name, id=[1, {"a": None}])
    assert (reply["id"], reply["ok"]) == ([1, {"a": None}], True)
    assert reply["result"].keys() == served.get(f"/v1/{name}").json().keys()
    assert list(reply) == ["id", "ok", "result"]


def test_counts_are_totals_with_refusals_by_gate(served, path):
    served.show("frozen")
    with Client(path) as client:
        result = client.ask(request="counts")["result"]
    assert result["refused"] == {"frozen": 1}
    assert result["answered"] == 2


def test_a_snapshot_follows_its_line(served, path):
    with Client(path) as client:
        reply = client.ask(request="snapshot", id="a")
        picture = client.lines.read(reply["bytes"])
        assert picture == served.get("/v1/snapshot").body
        assert reply["result"]["media_type"] == "image/jpeg"
        assert client.ask(request="health")["ok"]


def test_an_upload_follows_its_line(served, path):
    picture = served.get("/v1/snapshot").body
    with Client(path) as client:
        for number in range(3):
            reply = client.ask(picture, request="infer", bytes=len(picture), id=number)
            assert (reply["id"], reply["result"]["status"]) == (number, "ok")
        assert client.ask(b"junk", request="infer", bytes=4)["result"]["status"] == "error"


@pytest.mark.usefixtures("served")
def test_requests_in_one_piece_are_answered_in_their_order(path):
    with Client(path) as client:
        client.send(b"".join(b'{"request":"health","id":%d}\n' % each for each in range(10)))
        assert [client.read()["id"] for _ in range(10)] == list(range(10))


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense", "request_malformed"),
        (b"", "request_malformed"),
        (b"{}", "request_malformed"),
        (b'{"request":"reboot"}', "request_malformed"),
        (b'{"request":"infer","bytes":"4"}', "request_malformed"),
        (b'{"request":"infer"}', "upload_empty"),
        (b'{"request":"infer","bytes":-1}', "upload_empty"),
        (b"\xff\xfe", "request_malformed"),
        (b"[" * 50_000, "request_malformed"),
    ],
)
def test_a_malformed_request_is_answered_and_the_next_one_too(path, line, code):
    with Client(path) as client:
        client.send(line + b"\n")
        reply = client.read()
        assert (reply["ok"], reply["error"]["code"]) == (False, code)
        assert client.ask(request="health")["ok"]


def test_what_the_kiosk_does_not_have_is_an_error_with_its_code(served, path):
    served.show("waiting")
    with Client(path) as client:
        assert client.ask(request="model", id=1)["error"]["code"] == "model_not_loaded"
        assert client.ask(request="snapshot")["error"]["code"] == "no_snapshot"
        served.kiosk.infer_error = EngineError("it died")
        served.show("answered")
        reply = client.ask(b"x", request="infer", bytes=1)
        assert reply["error"] == {"code": "engine", "message": "it died"}
        served.kiosk.infer_error = ZeroDivisionError("secret")
        assert client.ask(b"x", request="infer", bytes=1)["error"]["code"] == "internal"
        assert client.ask(request="health")["ok"]


def test_events_come_until_the_client_closes(served, path):
    with Client(path) as client:
        first = client.ask(request="events", id=5)
        assert (first["id"], first["event"], first["result"]["code"]) == (5, "kiosk", "gate_open")
        assert client.read()["event"] == "latest"
        served.show("black")
        event = client.read()
        assert event["result"]["code"] == "gate_black"
        assert client.read()["result"]["gate"] == "black"
    served.show("answered")
    with Client(path) as client:
        after = client.ask(request="events", after=event["cursor"])
        assert after["result"]["code"] == "gate_open"


def test_a_client_that_closes_leaves_nothing_behind(served, path, eventually):
    for request in (b'{"request":"events"}\n', b'{"request":"infer","bytes":10}\nx', b'{"req'):
        with Client(path) as client:
            client.send(request)
    eventually(lambda: not served.do(lambda: len(served.unix_socket._tasks)))


@pytest.mark.usefixtures("served")
def test_a_line_without_end_is_refused(path):
    with Client(path) as client:
        client.send(b"x" * 200_000)
        assert client.read()["error"]["code"] == "line_too_long"


def test_an_upload_over_the_limit_is_refused_before_it_is_read(serve, path):
    serve(unix_socket=path, max_upload_bytes=100)
    with Client(path) as client:
        reply = client.ask(request="infer", bytes=101, id=1)
        assert (reply["id"], reply["error"]["code"]) == (1, "upload_too_large")
        assert read_to_end(client.socket) == b""


def test_an_upload_that_drips_is_refused(serve, path):
    serve(unix_socket=path, body_timeout_s=0.3)
    with Client(path) as client:
        assert client.ask(b"x", request="infer", bytes=100)["error"]["code"] == "upload_slow"
        assert read_to_end(client.socket) == b""


def test_who_asks_nothing_is_let_go(serve, path):
    serve(unix_socket=path, idle_timeout_s=0.3)
    with Client(path) as client:
        assert read_to_end(client.socket) == b""


@pytest.mark.parametrize("request_", [b'{"request":"events"}\n', b'{"request":"snapshot"}\n' * 500])
def test_who_reads_nothing_is_dropped(serve, path, eventually, request_):
    served = serve(unix_socket=path, write_timeout_s=0.3)
    with Client(path) as client:
        client.send(request_)

        def is_dropped():
            for _ in range(50):
                served.do(served.kiosk.next_frame)
            return not served.do(lambda: len(served.unix_socket._tasks))

        eventually(is_dropped)
    assert "client_slow" in served.do(lambda: [e.code for e in served.kiosk.events_after(0)])


def test_no_more_clients_than_allowed(serve, path):
    serve(unix_socket=path, max_connections=1)
    with Client(path) as first:
        assert first.ask(request="health")["ok"]
        with Client(path) as second:
            assert second.read()["error"]["code"] == "connections"
            assert read_to_end(second.socket) == b""
        assert first.ask(request="health")["ok"]


def test_uploads_wait_for_their_turn(serve, path, eventually):
    served = serve(unix_socket=path, uploads_waiting=1)
    served.kiosk.infer_gate = asyncio.Event()
    with Client(path) as first, Client(path) as second:
        for client in (first, second):
            client.send(b'{"request":"infer","bytes":1}\nx')
        eventually(lambda: served.do(served.unix_socket._uploads._places.locked))
        served.do(served.kiosk.infer_gate.set)
        assert first.read()["ok"]
        assert second.read()["ok"]


@pytest.mark.usefixtures("served")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300))
def test_no_bytes_harm_it(path, data):
    with Client(path) as client:
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
        for line in read_to_end(client.socket).splitlines():
            assert json.loads(line)["ok"] is False
    with Client(path) as client:
        assert client.ask(request="health")["ok"]


def test_the_file_has_the_permissions_that_were_asked_for(serve, path):
    serve(unix_socket=path, unix_socket_mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("served")
def test_by_default_the_group_may_ask_and_others_may_not(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_file_that_was_left_behind_is_replaced(serve, path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    serve(unix_socket=path)
    with Client(path) as client:
        assert client.ask(request="health")["ok"]


@pytest.mark.usefixtures("served")
def test_a_socket_on_which_somebody_listens_is_not_taken(path):
    with pytest.raises(DeviceError, match="another service listens"):
        asyncio.run(_start(path))
    with Client(path) as client:
        assert client.ask(request="health")["ok"]


def test_a_file_that_is_no_socket_is_not_removed(path):
    path.write_text("mine")
    with pytest.raises(UsageError, match="is no socket"):
        asyncio.run(_start(path))
    assert path.read_text() == "mine"


def test_a_missing_folder_is_one_line(path):
    with pytest.raises(UsageError, match=r"the folder .* does not exist"):
        asyncio.run(_start(path.parent / "missing" / "kiosk.sock"))


def test_a_path_must_be_set():
    with pytest.raises(UsageError, match="no path is set"):
        UnixSocketServer(FakeKiosk(), ApiSettings())


def test_stopping_takes_the_file_away_but_not_anothers(serve, path):
    served = serve(unix_socket=path)
    served.run(served.unix_socket.stop())
    assert not path.exists()
    served.run(served.unix_socket.start())
    path.unlink()
    path.write_text("another's")
    served.run(served.unix_socket.stop())
    assert path.exists()


async def _start(path):
    await UnixSocketServer(FakeKiosk(), ApiSettings(unix_socket=path)).start()
