"""Requests that nobody means well with: malformed, oversized, foreign, slow."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Attack", "flood", "foreign", "malformed", "oversized", "request", "slow"]

_METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"TRACE", b"CONNECT", b"get", b"G\x00T", b"")
_PATHS = (
    b"/v1/health",
    b"/v1/latest",
    b"/v1/snapshot",
    b"/v1/infer",
    b"/v1/events?follow=false",
    b"/metrics",
    b"/openapi.json",
    b"/page/../../../../etc/passwd",
    b"/page/%2e%2e/%2e%2e/api/app.py",
    b"/%00%ff%0d%0a",
    b"//evil.example/",
    b"http://evil.example/",
    b"*",
    b"/v1/health?" + b"a=b&" * 500,
)
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/9.9", b"http/1.1", b"")
_BAD_HEADERS = (
    b"Content-Length: -1",
    b"Content-Length: 0x10",
    b"Content-Length: 99999999999999999999999",
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: xchunked",
    b"Host: a\r\nHost: b",
    b"no colon",
    b" folded: yes",
    b"Name With Space: x",
    b"X: \x00\x01\x02",
    b"X: \xff\xfe",
    b"Expect: 100-continue",
    b"Expect: 200-perhaps",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
    b"Range: bytes=0-,0-,0-,0-",
    b"Cookie: " + b"edgedx_kiosk_session=x; " * 100,
    b"Authorization: Bearer " + b"x" * 4000,
    b"Last-Event-ID: " + b"9" * 4000,
    b"Content-Encoding: gzip",
    b"Content-Type: multipart/form-data; boundary=" + b"x" * 200,
)
_BAD_BODIES = (
    b"5\r\nhello\r\nZZ\r\n\r\n",
    b"FFFFFFFFFFFFFFFFFF\r\n",
    b"-1\r\nx\r\n0\r\n\r\n",
    b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    b"0\r\nTrailer: x\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"",
)
_FOREIGN_HOSTS = (
    b"evil.example",
    b"localhost.evil.example",
    b"127.0.0.1.nip.io",
    b"169.254.169.254",
    b"10.0.0.1:8321",
    b"[::2]",
    b"[::1",
    b"localhost:80:80",
    b"localhost@evil.example",
    b"",
    b"0.0.0.0",
    b"xn--lcalhost-9bb",
)
_FOREIGN_HEADERS = (
    b"Origin: https://evil.example",
    b"Origin: null",
    b"Origin: http://localhost:1",
    b"Origin: file://",
    b"Origin: http://localhost:8321.evil.example",
    b"Sec-Fetch-Site: cross-site",
    b"Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image",
    b"Origin: https://evil.example\r\nAccess-Control-Request-Method: POST",
)
_MIB = 1 << 20
_PIECE = b"x" * (1 << 16)


@dataclass(frozen=True, slots=True)
class Attack:
    """One connection: what is sent, and how long its answer is waited for.

    Attributes:
        name: what it tries.
        pieces: gives the bytes in the order in which they are sent.
        pause_s: after each piece.
        patience_s: how long an answer is waited for. Where the request may be unfinished, the
            kiosk rightly waits for the rest, and a short time will do.
        is_whole: the kiosk must answer: no answer within the patience is a fault.
        is_reading: whether the answer is taken; if not, the connection is held instead.
    """

    name: str
    pieces: Callable[[], Iterator[bytes]]
    pause_s: float = 0.0
    patience_s: float = 60.0
    is_whole: bool = True
    is_reading: bool = True


def request(
    method: bytes, path: bytes, *headers: bytes, body: bytes = b"", host: bytes = b"localhost"
) -> bytes:
    """A request in HTTP/1.1; `Content-Length` is added where there is a body."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: " + host, *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""]) + body


def malformed(chance: random.Random) -> Attack:
    """Bytes that are no request, or nearly one."""
    kinds = (_noise, _bad_line, _bad_header, _bad_chunks, _damaged, _pipelined)
    kind = chance.choice(kinds)
    return _whole(f"malformed {kind.__name__[1:]}", kind(chance), patience_s=0.4, is_whole=False)


def oversized(chance: random.Random) -> Attack:
    """More than anybody needs: headers, addresses, uploads."""
    length = chance.randrange(20_000, 200_000)
    many = [b"X-%d: y" % number for number in range(length // 100)]
    announced = b"Content-Length: %d" % (length << chance.randrange(12, 40))
    makers: tuple[Callable[[], Attack], ...] = (
        lambda: _whole("large header", request(b"GET", b"/", b"X: " + b"x" * length)),
        lambda: _whole("many headers", request(b"GET", b"/", *many)),
        lambda: _whole("long address", request(b"GET", b"/v1/health?" + b"a" * length)),
        lambda: _whole("upload announced", request(b"POST", b"/v1/infer", announced)),
        lambda: Attack("upload without end", _endless_chunks),
    )
    return chance.choice(makers)()


def foreign(chance: random.Random) -> Attack:
    """Well formed, but from a page or for a host that is not the kiosk's."""
    path = chance.choice(_PATHS[:7])
    method = b"POST" if path == b"/v1/infer" else b"GET"
    if chance.random() < 0.5:  # noqa: PLR2004 - half of them
        host = chance.choice(_FOREIGN_HOSTS)
        return _whole("foreign host", request(method, path, host=host))
    header = chance.choice(_FOREIGN_HEADERS)
    if b"Access-Control" in header:
        method = b"OPTIONS"
    return _whole("foreign origin", request(method, path, header))


def slow(chance: random.Random) -> Attack:
    """Sends, or takes, as little as it can for as long as it may."""
    head = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n"
    long = b"Content-Length: 1000000"
    makers: tuple[Callable[[], Attack], ...] = (
        lambda: Attack("silence", lambda: iter(()), patience_s=40.0),
        lambda: _dripping("headers", head, b"X: y\r\n"),
        lambda: _dripping("upload", request(b"POST", b"/v1/infer", long), b"x"),
        lambda: _dripping("body of a GET", request(b"GET", b"/v1/health", long), b"x"),
        lambda: _unread("snapshots", request(b"GET", b"/v1/snapshot") * 50),
        lambda: _unread("events", request(b"GET", b"/v1/events")),
    )
    return chance.choice(makers)()


def flood(chance: random.Random) -> Attack:
    """Well formed, but far too many."""
    return _whole("flood", request(b"GET", chance.choice(_PATHS[:3]), b"Connection: close"))


def _whole(name: str, data: bytes, *, patience_s: float = 60.0, is_whole: bool = True) -> Attack:
    return Attack(name, lambda: iter([data]), 0.0, patience_s, is_whole)


def _noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1, 2000)) + chance.choice((b"", b"\r\n\r\n"))


def _bad_line(chance: random.Random) -> bytes:
    parts = (chance.choice(_METHODS), chance.choice(_PATHS), chance.choice(_VERSIONS))
    separator = chance.choice((b" ", b"\t", b"  ", b""))
    return separator.join(parts) + b"\r\nHost: localhost\r\n\r\n"


def _bad_header(chance: random.Random) -> bytes:
    headers = chance.sample(_BAD_HEADERS, chance.randrange(1, 4))
    return request(b"POST", chance.choice(_PATHS[:7]), *headers) + b"hello"


def _bad_chunks(chance: random.Random) -> bytes:
    head = request(b"POST", b"/v1/infer", b"Transfer-Encoding: chunked")
    return head + chance.choice(_BAD_BODIES)


def _damaged(chance: random.Random) -> bytes:
    data = bytearray(request(b"POST", chance.choice(_PATHS[:7]), body=b"x" * 20))
    for _ in range(chance.randrange(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(1, len(data) + 1)])


def _pipelined(chance: random.Random) -> bytes:
    asks = [request(b"GET", chance.choice(_PATHS[:7])) for _ in range(chance.randrange(2, 6))]
    return b"".join(asks) + chance.randbytes(chance.randrange(0, 50))


def _endless_chunks() -> Iterator[bytes]:
    yield request(b"POST", b"/v1/infer", b"Transfer-Encoding: chunked")
    for _ in range(40 * _MIB // len(_PIECE)):
        yield b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE)


def _dripping(name: str, start: bytes, piece: bytes) -> Attack:
    def pieces() -> Iterator[bytes]:
        yield start
        for _ in range(200):
            yield piece

    return Attack(f"slow {name}", pieces, pause_s=0.5)


def _unread(name: str, asks: bytes) -> Attack:
    return Attack(f"unread {name}", lambda: iter([asks]), patience_s=15.0, is_reading=False)
