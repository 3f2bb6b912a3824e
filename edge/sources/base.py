"""The seam between a pipeline and whatever gives it frames, and the addresses it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.frame import Frame
    from edge.sources.capture import Deadlines

__all__ = [
    "FrameSource",
    "has_source_prefix",
    "is_stream_address",
    "open_source",
    "without_credentials",
]

KINDS = ("camera", "picamera", "csi", "sequence", "watch", "fake")
NETWORK_SCHEMES = frozenset({"http", "https", "rtsp", "rtsps"})
VIDEO_SUFFIXES = frozenset({".avi", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".webm"})

# Query keys that tell one camera of a recorder from another; everything else in a query is taken
# for a secret, because vendors have many names for a password.
_OPEN_QUERY_KEYS = frozenset(
    {"action", "camera", "ch", "channel", "fps", "profile", "resolution", "stream", "subtype"},
)
_HIDDEN = "..."


class FrameSource(Protocol):
    """Frames one after another, from one place, until it ends or is closed.

    Iterating yields each `Frame` once: colour "bgr", uint8, its pixels its own (picture files keep
    their grey and their 16 bits). `Frame.index` counts what was captured, so a live source that
    skipped frames leaves gaps. A live source gives a picture of which only part came as a frame
    with a `fault`, and goes on; a file that is not whole ends the iteration with an error.
    An error ends the iteration; open the source anew to try again.
    A source that is not closed keeps its camera or file: use it in a `with` statement.
    """

    @property
    def is_live(self) -> bool:
        """Whether its frames come when they come (camera, network stream) and its end is a fault.

        A source that is not live waits for whoever takes its frames, and may end.
        """
        ...

    @property
    def is_endless(self) -> bool:
        """Whether it goes on for ever, so that its end is a fault (also a watched folder)."""
        ...

    @property
    def dropped(self) -> int:
        """Frames that were captured and replaced by a newer one before anybody took them."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames.

        Raises:
            DeviceTimeoutError: no frame came within the deadline.
            DeviceError: a camera or stream stopped, or gave what is no picture.
            DecodeError: no frame of a file could be decoded, one is not whole, or the file ends
                before its last frame.
            InputTooLargeError: a frame is over the size limit.
        """
        ...

    def close(self) -> None:
        """Let go of the camera, stream or file. Calling it twice is harmless."""
        ...

    def __enter__(self) -> FrameSource: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def is_stream_address(text: str) -> bool:
    """Whether `text` names a camera, a video, a network stream or another source of frames.

    Only the text is looked at: a file need not exist, and a wrong address of a known kind
    ("camera:first") is one too, so that `open_source` can say what is wrong with it.

    Args:
        text: what the user named.
    """
    if has_source_prefix(text) or PurePath(text).suffix.lower() in VIDEO_SUFFIXES:
        return True
    return _is_number_pattern(text)


def has_source_prefix(text: str) -> bool:
    """Whether `text` begins with a kind of source ("camera:", "rtsp://"), and so is no file's name.

    Args:
        text: what the user named.
    """
    kind, colon, _ = text.partition(":")
    return bool(colon and kind in KINDS) or bool(_network_scheme(text))


def open_source(
    text: str,
    *,
    open_timeout_s: float = 10.0,
    read_timeout_s: float = 5.0,
) -> FrameSource:
    """Open a source of frames; nothing but what `text` names is opened.

    docs/sources.md has every address with its options.

    Args:
        text: "camera:0", "picamera:", "csi:0", an rtsp://, rtsps://, http:// or https:// address
            (HTTP: MJPEG), the path of a video file, numbered pictures ("frames/%05d.png"),
            "sequence:FOLDER", "watch:FOLDER" or "fake:pattern".
        open_timeout_s: seconds that opening may take.
        read_timeout_s: seconds that each frame may take.

    Raises:
        UsageError: `text` is no such address, an option is wrong, or a deadline is not a
            positive number.
        UnsupportedInputError: a file that is no video.
        InputNotFoundError: a file or folder is missing or unreadable.
        DecodeError: a video file is empty or damaged.
        InputTooLargeError: its frames are over the size limit.
        DeviceError: a camera is missing or refused, an address could not be opened, or a program
            that the source needs is not installed.
        DeviceTimeoutError: it did not open in time.
    """
    from edge.sources.capture import Deadlines

    deadlines = Deadlines(open_s=open_timeout_s, read_s=read_timeout_s)
    kind, colon, _ = text.partition(":")
    if colon and kind in KINDS:
        return _open_kind(kind, text, deadlines)
    if _network_scheme(text):
        from edge.sources.video import open_network_stream

        _check_network_address(text)
        return open_network_stream(text, deadlines=deadlines)
    if _is_number_pattern(text):
        from edge.sources.image_sequence import open_sequence

        return open_sequence(text, deadlines=deadlines)
    if not is_stream_address(text):
        raise UsageError(
            f"{text!r} names no camera, video or stream; use camera:N, an rtsp:// or http:// "
            f"address, a file ending in {', '.join(sorted(VIDEO_SUFFIXES))}, or one of "
            f"{', '.join(f'{each}:' for each in KINDS)} (docs/sources.md)",
        )
    from edge.sources.video import open_video_file

    return open_video_file(text, deadlines=deadlines)


def _open_kind(kind: str, text: str, deadlines: Deadlines) -> FrameSource:
    if kind == "camera":
        from edge.sources.camera import open_camera

        return open_camera(text, deadlines=deadlines)
    if kind == "picamera":
        from edge.sources.pi_camera import open_pi_camera

        return open_pi_camera(text, deadlines=deadlines)
    if kind == "csi":
        from edge.sources.csi_camera import open_csi_camera

        return open_csi_camera(text, deadlines=deadlines)
    if kind == "sequence":
        from edge.sources.image_sequence import open_sequence

        return open_sequence(text, deadlines=deadlines)
    if kind == "watch":
        from edge.sources.watched_folder import open_watched_folder

        return open_watched_folder(text, deadlines=deadlines)
    from edge.sources.fake_camera import open_fake_camera

    return open_fake_camera(text, deadlines=deadlines)


def _is_number_pattern(text: str) -> bool:
    if "%" not in text:
        return False
    from edge.sources.image_sequence import is_number_pattern

    return is_number_pattern(text)


def without_credentials(address: str) -> str:
    """The address as it may be shown, logged and stored.

    User and password go, as do the fragment, whatever follows a "=" in the path, and all of the
    query but what numbers a camera or a stream. Where an "@" stands so that it cannot be told
    whether a password precedes it, only the scheme is left.

    Args:
        address: any text; what is no network address is returned as it is.
    """
    scheme = _network_scheme(address)
    if not scheme:
        return address
    _, _, rest = address.partition("://")
    user, at, place = rest.rpartition("@")
    if at and any(mark in user for mark in "/?#"):
        return f"{scheme}://{_HIDDEN}"
    path, question, query = place.partition("#")[0].partition("?")
    shown = re.sub(r"=[^/]*", f"={_HIDDEN}", path)
    return f"{scheme}://{shown}{question}{_without_secrets(query)}"


def _without_secrets(query: str) -> str:
    return "&".join(_open_part(part) for part in re.split("[&;]", query))


def _open_part(part: str) -> str:
    key, equals, _ = part.partition("=")
    is_open = not part or (equals and key.lower() in _OPEN_QUERY_KEYS)
    return part if is_open else _HIDDEN


def _network_scheme(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    return scheme.lower() if separator and scheme.lower() in NETWORK_SCHEMES else ""


def _check_network_address(address: str) -> None:
    """Refuse what OpenCV and this project could read differently."""
    shown = f"{_network_scheme(address)}://"
    if not address.isprintable() or " " in address:
        raise UsageError(
            f"the {shown} address holds spaces or control characters; percent-encode them",
        )
    try:
        parts = urlsplit(address)
        is_good = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise UsageError(
            f"the {shown} address has no valid host and port; write {shown}HOST[:PORT]/PATH, with "
            "/ ? # [ ] @ in a user name or password percent-encoded",
        )
