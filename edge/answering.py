"""Many inputs, one answer or one error each; a bad one never stops the rest."""

from __future__ import annotations

import glob
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from edge.decode import decode_image
from edge.errors import EdgeError, InputNotFoundError, UsageError
from edge.record import RECORD_SUFFIXES
from edge.results import Result
from edge.sources.image_files import expand_inputs, read_stdin_bytes

if TYPE_CHECKING:
    from edge.frame import Frame
    from edge.pipeline import Model
    from edge.streaming.answer_stream import StreamSettings
    from edge.streaming.events import StreamEvent

__all__ = [
    "Failure",
    "StreamOptions",
    "answer_each",
    "count_expected",
    "expand_each",
    "read_settings",
]

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that gave no result, in its place among the others."""

    source: str
    index: int
    error: EdgeError


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How cameras and streams are read.

    Attributes:
        frames: stop after so many answers of each stream; None goes on until it ends.
        open_timeout_s: seconds that opening may take.
        read_timeout_s: seconds that each frame may take.
        policy: which frames are answered where inference is slower than the source; see
            `edge.streaming.frame_policy.parse_policy`.
        gates: limits of the gates that differ from the defaults, as "NAME=VALUE".
        reconnects: whether a source that is lost is opened anew, for ever.
        tell: called with one line when a source is lost or back, from another thread.
    """

    frames: int | None = None
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0
    policy: str = "newest"
    gates: tuple[str, ...] = ()
    reconnects: bool = False
    tell: Callable[[str], None] | None = None


def expand_each(arguments: Sequence[str], *, takes_pictures: bool = True) -> list[str | Failure]:
    """Turn what the user named into single inputs; what names nothing becomes a failure.

    Args:
        arguments: files, folders, glob patterns, stream addresses, "-".
        takes_pictures: whether the model takes one picture; else it takes records, which do not
            come from cameras or streams.
    """
    if list(arguments).count(STDIN) > 1:
        raise UsageError("'-' is given more than once; standard input can be read once")
    inputs: list[str | Failure] = []
    for argument in arguments:
        try:
            if argument == STDIN:
                inputs.append(argument)
            elif not takes_pictures:
                inputs += expand_inputs([argument], suffixes=RECORD_SUFFIXES)
            elif _is_stream(argument):
                inputs += _expand_stream(argument)
            else:
                inputs += expand_inputs([argument])
        except EdgeError as error:
            inputs.append(Failure(argument, 0, error))
    return inputs


def answer_each(
    model: Model,
    inputs: Sequence[str | Failure],
    *,
    stream: StreamOptions,
    stdin: BinaryIO | None,
) -> Iterator[Result | Failure]:
    """Answer for every input in order.

    Args:
        model: a loaded model.
        inputs: from `expand_each`.
        stream: how cameras and streams are read.
        stdin: where "-" is read from; None where the process has none.
    """
    for each in inputs:
        if isinstance(each, Failure):
            yield each
        elif not model.parts.takes_one_picture:
            yield from _answer_records(model, each, stdin)
        elif _is_stream(each):
            yield from _answer_stream(model, each, stream)
        else:
            yield _answer_file(model, each, stdin)


def _answer_file(model: Model, name: str, stdin: BinaryIO | None) -> Result | Failure:
    try:
        return model.run(_read_stdin(stdin) if name == STDIN else name)
    except EdgeError as error:
        return Failure(name, 0, error)


def _answer_records(model: Model, name: str, stdin: BinaryIO | None) -> Iterator[Result | Failure]:
    """Answer for each record in a file; a row that cannot be answered does not end it."""
    from edge.records.record_reader import decode_records, read_records

    inputs = model.parts.inputs
    try:
        if name == STDIN:
            data, reading_ns = _read_stdin_bytes(stdin)
            records = decode_records(data, inputs, source=STDIN)
            records[0] = replace(records[0], capture_ns=records[0].capture_ns + reading_ns)
        else:
            records = read_records(name, inputs)
    except EdgeError as error:
        yield Failure(name, 0, error)
        return
    for record in records:
        try:
            yield model.run(record)
        except EdgeError as error:
            yield Failure(name, record.index, error)


def _read_stdin(stdin: BinaryIO | None) -> Frame:
    data, reading_ns = _read_stdin_bytes(stdin)
    return replace(decode_image(data, source=STDIN), capture_ns=reading_ns)


def _read_stdin_bytes(stdin: BinaryIO | None) -> tuple[bytes, int]:
    """The bytes, and how many nanoseconds reading them took."""
    if stdin is None:
        raise InputNotFoundError("-: standard input is closed; pipe the bytes of a file in")
    start = time.perf_counter_ns()
    data = read_stdin_bytes(stdin)
    return data, time.perf_counter_ns() - start


def _answer_stream(
    model: Model,
    address: str,
    options: StreamOptions,
) -> Iterator[Result | Failure]:
    from edge.sources.base import open_source, without_credentials
    from edge.streaming.answer_stream import AnswerStream

    shown = without_credentials(address)
    opener = partial(
        open_source,
        address,
        open_timeout_s=options.open_timeout_s,
        read_timeout_s=options.read_timeout_s,
    )
    following = 0
    try:
        with AnswerStream(
            model, opener, read_settings(options), on_event=partial(_tell_of_source, options)
        ) as stream:
            for each in islice(stream, options.frames):
                following = each.frame.index + 1
                if each.error is None:
                    yield each.result
                else:
                    yield Failure(shown, each.frame.index, each.error)
    except EdgeError as error:
        yield Failure(shown, following, error)


def read_settings(options: StreamOptions) -> StreamSettings:
    """How a stream answers, from what the user wrote.

    Raises:
        UsageError: the policy or a gate's limit means nothing.
    """
    from edge.streaming.answer_stream import StreamSettings
    from edge.streaming.frame_gates import parse_limits
    from edge.streaming.frame_policy import parse_policy

    return StreamSettings(
        policy=parse_policy(options.policy),
        limits=parse_limits(options.gates),
        reconnects=options.reconnects,
    )


def _tell_of_source(options: StreamOptions, event: StreamEvent) -> None:
    # What a gate refuses is told frame by frame, and what ends the stream by its error.
    is_news = event.code in ("source_lost", "source_retry", "source_back")
    if options.tell is not None and is_news and event.level != "error":
        options.tell(event.message)


def _expand_stream(argument: str) -> list[str]:
    """A pattern for video files names each of them; all else is one stream."""
    from edge.sources.base import has_source_prefix

    # A "?" in an address begins its options.
    if has_source_prefix(argument) or not glob.has_magic(argument) or Path(argument).exists():
        return [argument]
    found = sorted(glob.glob(argument))  # noqa: PTH207 - a pattern may be absolute
    if not found:
        raise InputNotFoundError(f"no file matches {argument}; check the pattern")
    return found


def _is_stream(text: str) -> bool:
    from edge.sources.base import is_stream_address

    return is_stream_address(text)


def count_expected(model: Model, inputs: Sequence[str | Failure], *, frames: int | None) -> int:
    """How many answers will come; 0 where nobody knows.

    A stream goes on until it ends, and a file of a table's rows is not read beforehand.
    """
    count = 0
    takes_pictures = model.parts.takes_one_picture
    for each in inputs:
        if isinstance(each, str) and takes_pictures and _is_stream(each):
            if frames is None:
                return 0
            count += frames
        elif isinstance(each, str) and model.parts.takes_rows and each.lower().endswith(".csv"):
            return 0
        else:
            count += 1
    return count
