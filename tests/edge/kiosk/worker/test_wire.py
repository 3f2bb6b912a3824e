"""What service and worker say to each other, over a socket on which anything may come."""

import asyncio
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.kiosk.service.worker_process import WorkerProcess
from edge.kiosk.worker.channel import Channel, ServiceGoneError
from edge.kiosk.worker.wire import (
    HEADER,
    MOST_JSON_BYTES,
    MOST_PREVIEW_BYTES,
    Alive,
    Failed,
    Happened,
    Infer,
    Message,
    Preview,
    Start,
    Stop,
    Watch,
    check_lengths,
    decode_from_worker,
    decode_to_worker,
    encode_head,
)

TO_WORKER = [
    Start("b.edge", "camera:0", gates={"frozen_s": 5.0}, threads=2, trusted_keys=("00" * 32,)),
    Infer(7),
    Watch(5.0),
    Stop(),
]
FROM_WORKER = [
    Alive(busy_ms=3, source="open", captured=9, rss_mib=12.5),
    Happened("source", "warning", "source_lost", "unplugged", 123),
    Preview(4, 5),
    Failed("golden", "wrong", 4, is_hopeless=True),
]


class SilentProcess:
    """Stands in for a process that writes nothing."""

    stderr = None


async def heard(data: bytes) -> list[Message]:
    """What the service hears in bytes that a worker sent before it went."""
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    worker = WorkerProcess(SilentProcess(), reader, None)  # type: ignore[arg-type]
    found: list[Message] = []

    async def take(message: Message) -> None:
        found.append(message)

    await worker.listen(take)
    return found


def encoded(body, blob: bytes = b"") -> bytes:
    return encode_head(body, len(blob)) + blob


@pytest.mark.parametrize("body", TO_WORKER, ids=lambda body: type(body).__name__)
def test_what_a_worker_is_sent_arrives(body):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(encoded(body, b"picture"))
        assert Channel(theirs).receive() == Message(body, b"picture")


@pytest.mark.parametrize("body", FROM_WORKER, ids=lambda body: type(body).__name__)
def test_what_a_worker_says_is_heard(body):
    assert asyncio.run(heard(encoded(body, b"jpeg"))) == [Message(body, b"jpeg")]


def test_messages_of_several_threads_do_not_mix():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(theirs)

        def say(number: int) -> None:
            for _ in range(50):
                channel.send(Preview(number, 0), bytes([number]) * 5000)

        threads = [threading.Thread(target=say, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        data = bytearray()
        size = 4 * 50 * len(encoded(Preview(0, 0), bytes(5000)))
        while len(data) < size:
            data += ours.recv(1 << 16)
        for thread in threads:
            thread.join()
    messages = asyncio.run(heard(bytes(data)))
    assert len(messages) == 200
    assert all(set(each.blob) == {each.body.index} for each in messages)


@given(st.integers(0, 400))
def test_half_a_message_is_the_workers_end_and_no_error(count):
    data = encoded(FROM_WORKER[0]) + encoded(Preview(1, 2), bytes(300))
    whole = sum(count >= each for each in (len(encoded(FROM_WORKER[0])), len(data)))
    assert len(asyncio.run(heard(data[:count]))) == whole


@given(st.binary(max_size=200))
def test_whatever_a_worker_says_ends_in_messages_or_a_value_error(data):
    try:
        found = asyncio.run(heard(data))
    except ValueError:
        return
    assert all(isinstance(each, Message) for each in found)


@given(st.binary(max_size=200))
def test_what_is_no_message_of_a_worker_is_a_value_error(text):
    with pytest.raises(ValueError, match="no message"):
        decode_from_worker(b"{" + text)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_no_more_is_read_than_a_message_may_hold(text_bytes, blob_bytes):
    header = HEADER.pack(text_bytes, blob_bytes)
    if text_bytes <= MOST_JSON_BYTES and blob_bytes <= MOST_PREVIEW_BYTES:
        assert check_lengths(header, MOST_PREVIEW_BYTES) == (text_bytes, blob_bytes)
    else:
        with pytest.raises(ValueError, match="none of ours"):
            check_lengths(header, MOST_PREVIEW_BYTES)


def test_a_service_that_is_gone_ends_what_a_worker_hears():
    ours, theirs = socket.socketpair()
    with theirs:
        ours.sendall(struct.pack(">II", 100, 0) + b"half")
        ours.close()
        assert Channel(theirs).receive() is None


def test_nobody_is_left_to_be_told_when_the_service_is_gone():
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        with pytest.raises(ServiceGoneError):
            Channel(theirs).send(Alive())


def test_a_worker_takes_nothing_that_only_workers_say():
    with pytest.raises(ValueError, match="Invalid value"):
        decode_to_worker(encode_head(Alive())[HEADER.size :])
