"""Frames of a video, a camera or a stream as examples that can be walked again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from edge.decode import decode_image
from edge.errors import InputError, UnsupportedInputError
from edge.frame import Frame
from edge.source_name import show_source
from quantize.examples.model_examples import Example

__all__ = ["keep_frames"]


def keep_frames(address: str, *, most: int, scratch: Path) -> list[Example]:
    """Read a stream to its end, or a live one until enough frames came, and keep some.

    A stream is walked several times, so its frames are kept without loss in `scratch`, never
    more than twice `most`: when there are more, every second is dropped and from then on every
    second is taken, so that what is kept is spread evenly.

    Args:
        address: a video file, "camera:0", "rtsp://...".
        most: keep at most this many.
        scratch: an existing folder, which the caller removes.

    Raises:
        InputError: no whole frame came, or one cannot be kept.
        DeviceError: the camera or stream failed.
    """
    from edge.sources.base import open_source, without_credentials

    shown = without_credentials(address)
    kept: list[Path] = []
    stride, count = 1, 0
    with open_source(address, open_timeout_s=10.0, read_timeout_s=5.0) as source:
        for frame in source:
            if frame.fault:
                continue
            if count % stride == 0:
                kept.append(_write(frame, scratch / f"{count:08d}.png"))
            count += 1
            if len(kept) >= most and source.is_endless:
                break
            if len(kept) >= 2 * most:
                for path in kept[1::2]:
                    path.unlink()
                kept, stride = kept[::2], 2 * stride
    if not kept:
        raise InputError(f"{shown}: no frame came; check the source")
    return [
        Example(f"{shown} #{at}", partial(_read, path, shown), path) for at, path in enumerate(kept)
    ]


def _write(frame: Frame, path: Path) -> Path:
    from edge.opencv import import_opencv

    if frame.pixels.dtype.kind == "f":
        raise UnsupportedInputError(
            f"{show_source(frame.file_name)}: its values are floats, which are not kept without "
            "loss; name the folder instead of a sequence",
        )
    _, encoded = import_opencv().imencode(".png", frame.pixels)
    path.write_bytes(encoded.tobytes())
    return path


def _read(path: Path, shown: str) -> Frame:
    return decode_image(path.read_bytes(), source=shown)
