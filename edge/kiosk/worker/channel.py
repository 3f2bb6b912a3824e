"""The worker's end of the socket pair: several threads send, one receives."""

from __future__ import annotations

import socket
import threading

from edge.kiosk.worker.wire import (
    HEADER,
    MOST_UPLOAD_BYTES,
    FromWorker,
    Message,
    ToWorker,
    check_lengths,
    decode_to_worker,
    encode_head,
)

__all__ = ["Channel", "ServiceGoneError"]

_MOST_READ_BYTES = 1 << 20


class ServiceGoneError(Exception):
    """Nobody is left who could be told anything: the worker ends."""


class Channel:
    """Blocking messages over a connected socket, which becomes the channel's own.

    A service that does not read lets `send` wait: that is the back-pressure which makes the
    capture drop frames instead of piling up answers.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, body: FromWorker, blob: bytes = b"") -> None:
        """Send one message whole.

        Raises:
            ServiceGoneError: the service is gone.
        """
        head = encode_head(body, len(blob))
        try:
            with self._sending:
                self._connection.sendall(head)
                self._connection.sendall(blob)
        except OSError as error:
            raise ServiceGoneError from error

    def receive(self) -> Message[ToWorker] | None:
        """The next message; None where the service is gone.

        Raises:
            ValueError: what came is no message.
        """
        header = self._read(HEADER.size)
        if header is None:
            return None
        text_bytes, blob_bytes = check_lengths(header, MOST_UPLOAD_BYTES)
        text, blob = self._read(text_bytes), self._read(blob_bytes)
        if text is None or blob is None:
            return None
        return Message(decode_to_worker(text), blob)

    def _read(self, count: int) -> bytes | None:
        data = bytearray()
        while len(data) < count:
            try:
                part = self._connection.recv(min(count - len(data), _MOST_READ_BYTES))
            except OSError:
                return None
            if not part:
                return None
            data += part
        return bytes(data)
