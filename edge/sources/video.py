"""Video files, every frame in order; and network streams, the newest frame."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from edge.errors import DecodeError, InputNotFoundError, UnsupportedInputError
from edge.sources.base import without_credentials
from edge.sources.capture import CaptureSettings, Deadlines
from edge.sources.captured_frames import CapturedFrames
from edge.sources.jpeg_frames import JpegFrames
from edge.sources.opencv_capture import WholeFrames, load_opencv, open_with_ffmpeg

if TYPE_CHECKING:
    from edge.sources.capture import Capture

__all__ = ["open_network_stream", "open_video_file"]

_FILE_WAY_OUT = "it is damaged or of an unknown codec; convert it to MP4 (H.264) or AVI (MJPG)"
_NETWORK_WAY_OUT = "check the address, the user name and password, and the network"
_TLS_WAY_OUT = ", and that SSL_CERT_FILE names a certificate that vouches for it"
_HEADER_BYTES = 12
# First box of an ISO base media or QuickTime file (ISO/IEC 14496-12).
_ISO_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_LATER_ISO_BOXES = frozenset({b"moof", b"mfra", b"sidx", b"styp", b"udta", b"meta", b"uuid"})
_BOX_HEADER_BYTES = 16
_LEAST_BOX_BYTES = 8
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def open_video_file(path: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a video file, or a named pipe that a video comes through.

    Args:
        path: AVI, MP4, MOV, Matroska, WebM, or JPEG pictures one after another, as a camera's
            MJPEG stream saved to a file holds them.
        deadlines: how long it may be silent.

    Raises:
        InputNotFoundError: it is missing or unreadable.
        UnsupportedInputError: it is no video.
        DecodeError: it is empty or damaged.
        InputTooLargeError: its frames are over the size limit.
        DeviceTimeoutError: it did not open in time.
    """
    settings = CaptureSettings(
        source=path,
        is_live=False,
        way_out=_FILE_WAY_OUT,
        deadlines=deadlines,
    )
    _check_video_file(path, settings.shown)
    load_opencv()
    # Absolute: FFMPEG takes a relative name such as "http:x.avi" or "concat:a|b" for an address.
    target = os.path.abspath(path)  # noqa: PTH100 - a link stays a link

    def open_capture() -> Capture | None:
        return _open_whole_frames(target, settings)

    return CapturedFrames(open_capture, settings)


def open_network_stream(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open an RTSP or HTTP-MJPEG address; the newest frame wins.

    The first frames can be as old as opening took: FFMPEG keeps what it read to learn the format.
    A cut picture of a motion JPEG is given as a torn one; what H.264 lacks is not told by FFMPEG.

    Args:
        address: as the user gave it, credentials included.
        deadlines: how long it may be silent.

    Raises:
        DeviceError: it cannot be opened.
        DeviceTimeoutError: it did not open in time.
    """
    scheme, _, rest = address.partition("://")
    # FFMPEG knows its protocols in lower case only.
    scheme = scheme.lower()
    target = f"{scheme}://{rest}"
    is_secure = scheme in ("https", "rtsps")
    settings = CaptureSettings(
        source=without_credentials(address),
        is_live=True,
        way_out=_NETWORK_WAY_OUT + (_TLS_WAY_OUT if is_secure else ""),
        deadlines=deadlines,
    )
    load_opencv()

    def open_capture() -> Capture | None:
        capture = open_with_ffmpeg(target, deadlines, shown=settings.shown)
        if capture is not None and capture.ask_for_jpegs():
            return JpegFrames(capture, shown=settings.shown)
        return capture

    return CapturedFrames(open_capture, settings)


def _open_whole_frames(target: str, settings: CaptureSettings) -> Capture | None:
    deadlines, shown = settings.deadlines, settings.shown
    is_avi, fault = _examine(target)
    capture = open_with_ffmpeg(target, deadlines, shown=shown)
    if capture is None:
        return None
    # Only AVI counts what will be given: elsewhere OpenCV estimates the number from the duration,
    # or FFMPEG leaves out what an edit list hides.
    stated = capture.stated_frames if is_avi else 0
    return WholeFrames(
        capture,
        stated_frames=stated,
        fault=fault,
        read_s=deadlines.read_s,
        shown=shown,
    )


def _examine(target: str) -> tuple[bool, str]:
    """Whether it is AVI, and which of its parts reaches beyond its end; a pipe is not touched."""
    try:
        with open(target, "rb", opener=_open_regular) as file:
            size_bytes = os.fstat(file.fileno()).st_size
            header = file.read(_HEADER_BYTES)
            is_avi = _is_avi(header)
            end = 0 if is_avi else _stated_end(file, header, size_bytes)
    except OSError:
        return False, ""
    fault = f"it has {size_bytes} bytes and says it has {end}" if end > size_bytes else ""
    return is_avi, fault


def _open_regular(path: str, flags: int) -> int:
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - as below
        raise OSError(errno.EINVAL, "is no regular file")
    return os.open(path, flags)


def _stated_end(file: BinaryIO, header: bytes, size_bytes: int) -> int:
    """Where the last known part of a container says it ends, in bytes; 0 where none does."""
    if header[:4] == _EBML:
        return _matroska_end(file)
    end = 0
    while end < size_bytes:
        file.seek(end)
        box = file.read(_BOX_HEADER_BYTES)
        size = int.from_bytes(box[:4], "big")
        if size == 1:
            size = int.from_bytes(box[8:], "big")
        # A box of size 0 reaches to the end, and what is no box may follow the last one.
        if box[4:8] not in _ISO_BOXES | _LATER_ISO_BOXES or size < _LEAST_BOX_BYTES:
            break
        end += size
    return end


def _matroska_end(file: BinaryIO) -> int:
    """Where the segment ends that follows the EBML header (RFC 8794 and RFC 9559); else 0."""
    file.seek(len(_EBML))
    header_bytes = _ebml_size(file)
    file.seek(max(header_bytes, 0), os.SEEK_CUR)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return 0
    size = _ebml_size(file)
    return file.tell() + size if size >= 0 else 0


def _ebml_size(file: BinaryIO) -> int:
    """The variable-length number at the file's position; -1 where it is unknown or none."""
    first = (file.read(1) or b"\0")[0]
    if first == 0:
        return -1
    more = 8 - first.bit_length()
    limit = 1 << (7 * (more + 1))
    value = int.from_bytes(bytes([first]) + file.read(more), "big") & (limit - 1)
    return value if value != limit - 1 else -1


def _check_video_file(path: str, shown: str) -> None:
    """Refuse what needs no decoder to be refused; a named pipe is not touched."""
    try:
        # OpenCV crashes on a name that is not UTF-8.
        path.encode()
        mode = os.stat(path).st_mode  # noqa: PTH116 - Path drops a trailing slash
    except UnicodeEncodeError as error:
        raise UnsupportedInputError(f"{shown}: its name is not UTF-8; rename it") from error
    except (OSError, ValueError) as error:
        raise InputNotFoundError(f"{shown}: {_reason(error)}; check the path") from error
    if stat.S_ISFIFO(mode):
        return
    if not stat.S_ISREG(mode):
        raise InputNotFoundError(f"{shown}: is not a file; name a video file")
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise InputNotFoundError(
            f"{shown}: cannot be read ({_reason(error)}); check its permissions",
        ) from error
    if not header:
        raise DecodeError(f"{shown}: is empty (0 bytes); record or copy it again")
    if not _is_video_header(header):
        raise UnsupportedInputError(
            f"{shown}: begins with {header[:4]!r}, which no AVI, MP4, MOV, Matroska, WebM or MJPEG "
            "video does; name a video file",
        )


def _is_video_header(header: bytes) -> bool:
    """Keep playlists and scripts away from FFMPEG, which would follow them to other files."""
    is_matroska = header[:4] == _EBML
    is_jpeg = header[:3] == b"\xff\xd8\xff"
    is_multipart = header.lstrip(b"\r\n")[:2] == b"--"
    return _is_avi(header) or is_matroska or is_jpeg or is_multipart or header[4:8] in _ISO_BOXES


def _is_avi(header: bytes) -> bool:
    return header[:4] == b"RIFF" and header[8:12] == b"AVI "


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "not a file name"
