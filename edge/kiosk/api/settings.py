"""Who may ask the kiosk, how much, and for how long."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import UsageError

__all__ = ["LEAST_TOKEN_CHARACTERS", "ApiSettings", "is_loopback"]

LEAST_TOKEN_CHARACTERS = 16

_MIB = 1024 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_MOST_PORT = 65535
_MOST_SOCKET_MODE = 0o777
_LONGEST_SOCKET_PATH = 107  # sockaddr_un.sun_path of Linux, less its final NUL


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the HTTP API and the Unix socket listen on, and their limits.

    Attributes:
        host: address to listen on; anything but loopback needs `token`.
        port: TCP port; 0 takes a free one.
        token: what a client must show; None where nobody needs one. The Unix socket never asks
            for it: who may open its file may ask.
        allowed_hosts: further names that a `Host` header may carry, without port.
        allowed_origins: pages of other origins (`https://ward.example`) that may ask.
        max_upload_bytes: of one picture sent in.
        requests_per_second: of one client's address, twice as many at once; four times as much
            in all.
        uploads_waiting: pictures sent in that may be in memory at once.
        event_streams: clients that may follow the events at once.
        header_timeout_s: for all headers of a request.
        body_timeout_s: for the whole body of a request.
        idle_timeout_s: between two requests on one connection, and for a client of the Unix
            socket that asks nothing.
        write_timeout_s: without the client having taken all that was sent to it.
        heartbeat_s: between two signs of life on a silent event stream.
        max_connections: open at once, of HTTP; of the Unix socket as many again.
        unix_socket: path of the Unix socket; None for none.
        unix_socket_mode: permissions of its file.

    Raises:
        UsageError: one of them is out of its range, or a token is missing.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_upload_bytes: int = 32 * _MIB
    requests_per_second: float = 50.0
    uploads_waiting: int = 4
    event_streams: int = 16
    header_timeout_s: float = 5.0
    body_timeout_s: float = 30.0
    idle_timeout_s: float = 30.0
    write_timeout_s: float = 10.0
    heartbeat_s: float = 5.0
    max_connections: int = 64
    unix_socket: Path | None = None
    unix_socket_mode: int = 0o660

    def __post_init__(self) -> None:
        for fault in (*self._address_faults(), *self._limit_faults(), *self._socket_faults()):
            raise UsageError(fault)

    def _address_faults(self) -> Iterator[str]:
        if not (_is_address(self.host) or _HOST_NAME.fullmatch(self.host)):
            yield f"host {self.host!r} is neither an address nor a name; such as 127.0.0.1"
        if not 0 <= self.port <= _MOST_PORT:
            yield f"port {self.port} is not from 0 to {_MOST_PORT}; the usual one is 8321"
        if self.token is None and not is_loopback(self.host):
            yield (
                f"host {self.host} can be reached from other machines and no token is set; set "
                f"one of at least {LEAST_TOKEN_CHARACTERS} characters, or listen on 127.0.0.1"
            )
        if self.token is not None and len(self.token) < LEAST_TOKEN_CHARACTERS:
            yield (
                f"the token has {len(self.token)} characters, the least is "
                f"{LEAST_TOKEN_CHARACTERS}; take 32 random ones"
            )
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            yield "the token may hold printable ASCII without spaces only; take 32 letters, digits"
        for name in self.allowed_hosts:
            if not (_is_address(name) or _HOST_NAME.fullmatch(name)):
                yield f"allowed host {name!r} is no name; give it without scheme and port"
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                yield f"allowed origin {origin!r} is no origin; such as https://ward.example:8443"

    def _limit_faults(self) -> Iterator[str]:
        for name in _POSITIVE:
            value = getattr(self, name)
            if not value > 0:
                yield f"{name} is {value}; it must be above 0"

    def _socket_faults(self) -> Iterator[str]:
        if not 0 <= self.unix_socket_mode <= _MOST_SOCKET_MODE:
            yield f"mode {self.unix_socket_mode:#o} of the Unix socket is not from 0 to 0o777"
        if self.unix_socket is not None:
            length = len(bytes(self.unix_socket))
            if length > _LONGEST_SOCKET_PATH:
                yield (
                    f"the path of the Unix socket has {length} bytes, the most is "
                    f"{_LONGEST_SOCKET_PATH}; choose a shorter one, such as /run/edgedx/kiosk.sock"
                )


_POSITIVE = (
    "max_upload_bytes",
    "requests_per_second",
    "uploads_waiting",
    "event_streams",
    "header_timeout_s",
    "body_timeout_s",
    "idle_timeout_s",
    "write_timeout_s",
    "heartbeat_s",
    "max_connections",
)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there: a loopback address or localhost."""
    if host.lower() == "localhost":
        return True
    if not _is_address(host):
        return False
    address = ipaddress.ip_address(host)
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (inner or address).is_loopback


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
