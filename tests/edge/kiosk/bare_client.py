"""What a client of a bare socket does."""

from __future__ import annotations

import socket

__all__ = ["read_head", "read_to_end"]


def read_to_end(client: socket.socket) -> bytes:
    """All that still comes, until the other side closes or resets."""
    received = b""
    while True:
        try:
            data = client.recv(65536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data


def read_head(client: socket.socket) -> bytes:
    """An answer at least to the end of its headers."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = client.recv(65536)
        if not data:
            break
        received += data
    return received
