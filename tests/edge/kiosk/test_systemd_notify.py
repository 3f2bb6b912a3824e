"""What systemd hears from the service, over real sockets."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.kiosk import systemd_notify


@pytest.fixture(params=["path", "abstract"])
def supervisor(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A socket as systemd offers it, under a path and under an abstract name."""
    path = str(tmp_path / "notify")
    name = path if request.param == "path" else f"@edgedx-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(name.replace("@", "\0", 1))
        channel.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield channel


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(systemd_notify.ready, b"READY=1", id="ready"),
        pytest.param(systemd_notify.stopping, b"STOPPING=1", id="stopping"),
        pytest.param(systemd_notify.watchdog, b"WATCHDOG=1", id="watchdog"),
        pytest.param(
            lambda: systemd_notify.status("camera:0 lost\nREADY=1"),
            b"STATUS=camera:0 lost READY=1",
            id="a status cannot carry other messages",
        ),
    ],
)
def test_systemd_hears_each_message_as_one_datagram(supervisor, call, expected) -> None:
    assert call() is True
    assert supervisor.recv(4096) == expected


def test_a_long_status_is_cut_and_not_refused(supervisor) -> None:
    assert systemd_notify.status("镜" * 200_000)
    assert supervisor.recv(4096).decode() == "STATUS=" + "镜" * 170


def test_a_supervisor_that_does_not_listen_holds_nobody_up(supervisor) -> None:
    sent = [systemd_notify.watchdog() for _ in range(2000)]
    assert sent[0] is True
    assert sent[-1] is False
    supervisor.recv(4096)
    assert systemd_notify.watchdog() is True


def test_without_systemd_nothing_is_said(monkeypatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert systemd_notify.ready() is False


@pytest.mark.parametrize(
    "address",
    ["", "@", "/", "relative", "vsock:2:1234", "/nobody/listens/here", "/" + "x" * 300],
)
def test_an_address_that_cannot_be_reached_is_no_error(monkeypatch, address) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert systemd_notify.ready() is False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_no_status_ever_raises(supervisor, text) -> None:
    systemd_notify.status(text)
    assert supervisor.recv(4096).count(b"\n") == 0


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [
        pytest.param("30000000", 15.0, id="half of what systemd allows"),
        pytest.param("0", None, id="zero means off"),
        pytest.param("", None, id="empty"),
        pytest.param("-5", None, id="negative"),
        pytest.param("soon", None, id="no number"),
        pytest.param("٣", None, id="digits of another script"),
        pytest.param("9" * 5000, None, id="absurdly long"),
    ],
)
def test_the_interval_is_half_of_the_limit(monkeypatch, microseconds, expected) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert systemd_notify.watchdog_interval_s() == expected


def test_a_watchdog_for_another_process_is_not_ours(monkeypatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    assert systemd_notify.watchdog_interval_s() is None
    monkeypatch.delenv("WATCHDOG_PID")
    assert systemd_notify.watchdog_interval_s() == 0.5
    monkeypatch.delenv("WATCHDOG_USEC")
    assert systemd_notify.watchdog_interval_s() is None


def test_it_loads_nothing_heavier_than_sockets() -> None:
    """A service process of a few MiB imports it."""
    code = "import sys, edge.kiosk.systemd_notify; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
