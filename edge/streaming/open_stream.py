"""The short way to answers from a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.sources.capture import Deadlines
    from edge.streaming.answer_stream import AnswerStream, FrameModel, StreamSettings
    from edge.streaming.events import StreamEvent

__all__ = ["stream"]


def stream(
    model: FrameModel,
    address: str,
    *,
    policy: str | None = None,
    settings: StreamSettings | None = None,
    deadlines: Deadlines | None = None,
    on_event: Callable[[StreamEvent], None] | None = None,
) -> AnswerStream:
    """Answer for the frames of a camera, a network stream or a video file, as they come.

    A camera that is lost is opened anew, for ever; a frame that is black, frozen, torn, ...
    gives a result with status "refused". Everything is imported when this is called.

    Args:
        model: from `edge.load`, for one picture; it stays the caller's to close.
        address: as `edge.sources.base.open_source` takes it, such as "camera:0".
        policy: which frames are answered where the camera is faster than the model, in place of
            the one in `settings`: "newest", "every", "every:QUEUE" or "nth:N".
        settings: everything that can be chosen; the default is the newest frame, all gates, and
            reconnecting for ever.
        deadlines: how long opening and reading may take; the default is 4 s to open and 5 s to
            read, so that a source that comes back is picked up within 5 s.
        on_event: told when the source is lost or back and when a gate closes or opens; called
            from the stream's threads. Without one, events are logged.

    Returns:
        An iterator over `StreamAnswer`; close it, or use it in a `with` statement.

    Raises:
        UsageError: the policy means nothing. What is wrong with the address, the first answer
            raises.
    """
    from dataclasses import replace

    from edge.sources.base import open_source
    from edge.sources.capture import Deadlines
    from edge.streaming.answer_stream import AnswerStream, StreamSettings
    from edge.streaming.frame_policy import parse_policy

    limits = deadlines or Deadlines(open_s=4.0, read_s=5.0)
    chosen = settings or StreamSettings()
    if policy is not None:
        chosen = replace(chosen, policy=parse_policy(policy))
    return AnswerStream(
        model,
        lambda: open_source(address, open_timeout_s=limits.open_s, read_timeout_s=limits.read_s),
        chosen,
        on_event=on_event,
    )
