"""Starting and stopping beside what else runs in the event loop."""

import asyncio
import signal
import socket
import threading
import time

import pytest
from bare_client import read_head
from fake_kiosk import FakeKiosk

from edge.errors import DeviceError, UsageError
from edge.kiosk.api.app import create_app
from edge.kiosk.api.http_server import HttpServer
from edge.kiosk.api.settings import ApiSettings

KEY = "0123456789abcdef"


async def start(**options):
    settings = ApiSettings(**{"port": 0} | options)
    server = HttpServer(create_app(FakeKiosk(), settings), settings)
    await server.start()
    return server


def test_a_port_that_is_taken_is_one_line(serve):
    served = serve()
    with pytest.raises(DeviceError, match="take another port") as error:
        asyncio.run(start(port=served.port))
    assert f"127.0.0.1 port {served.port}" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_address_of_another_machine_is_one_line():
    with pytest.raises(UsageError, match="this machine has no such address"):
        asyncio.run(start(host="192.0.2.1", token=KEY))


def test_a_name_that_nobody_knows_is_one_line():
    with pytest.raises(UsageError, match=r"cannot listen on nobody\.invalid"):
        asyncio.run(start(host="nobody.invalid", token=KEY))


def test_signals_are_left_to_the_service():
    async def run():
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        server = await start()
        during = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        await server.stop(1.0)
        return before, during

    before, during = asyncio.run(run())
    assert before == during


def test_it_is_served_on_ipv6():
    async def run():
        server = await start(host="::1")
        assert server.address == f"http://[::1]:{server.port}"
        reader, writer = await asyncio.open_connection("::1", server.port)
        writer.write(b"GET /v1/health HTTP/1.1\r\nHost: [::1]:1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await server.stop(1.0)
        return head

    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 ")


def test_stopping_ends_event_streams_at_once_and_frees_the_port(serve):
    served = serve()
    with served.connect() as client:
        client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_head(client)
        started = time.monotonic()
        served.run(served.server.stop(60.0))
        assert time.monotonic() - started < 30
    again = HttpServer(create_app(served.kiosk, served.settings), ApiSettings(port=served.port))
    served.run(again.start())
    served.run(again.stop(1.0))


def test_an_answer_under_way_is_still_given(serve, eventually):
    served = serve()
    served.kiosk.infer_gate = asyncio.Event()
    replies = []
    asking = threading.Thread(
        target=lambda: replies.append(served.request("POST", "/v1/infer", b"x"))
    )
    asking.start()
    table = served.server._table
    eventually(lambda: served.do(lambda: any(not each.is_idle for each in table._open)))
    stopping = asyncio.run_coroutine_threadsafe(served.server.stop(30.0), served.loop)
    served.do(served.kiosk.infer_gate.set)
    asking.join()
    assert replies[0].status == 200
    stopping.result(30)


def test_what_does_not_end_within_the_grace_is_dropped(serve, eventually):
    served = serve()
    served.kiosk.infer_gate = asyncio.Event()
    with served.connect() as client:
        client.sendall(b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx")
        table = served.server._table
        eventually(lambda: served.do(lambda: any(not each.is_idle for each in table._open)))
        served.run(served.server.stop(0.1))
    served.do(served.kiosk.infer_gate.set)


def test_it_may_be_stopped_twice_and_before_it_starts(serve):
    served = serve()
    served.run(served.server.stop(1.0))
    served.run(served.server.stop(1.0))
    served.run(HttpServer(create_app(served.kiosk, served.settings), served.settings).stop(1.0))


def test_nothing_of_uvicorn_is_logged(serve, caplog):
    caplog.set_level("DEBUG")
    served = serve()
    with served.connect() as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert read_head(client)
    served.get("/v1/health")
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
