"""A folder into which something else puts pictures: each new and whole one is a frame, once.

The folder is listed again and again. The kernel's notices of changes (inotify) would come
sooner, but never for a network share that another machine writes to, and they say when a writer
has closed a file, not that it will not open it again. Listing works everywhere, and is left out
while the folder's own time of change stands still.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from edge.errors import DeviceError, InputError, UsageError
from edge.source_name import show_source
from edge.sources.address import parse_address, parse_seconds
from edge.sources.capture import NOTHING_YET, CaptureSettings, Deadlines, Shot, torn_shot
from edge.sources.captured_frames import CapturedFrames
from edge.sources.file_bytes import say_why
from edge.sources.image_files import IMAGE_SUFFIXES
from edge.sources.jpeg_frames import say_what_is_wrong
from edge.sources.picture_files import read_picture

__all__ = ["FolderWatch", "open_watched_folder"]

SETTLE_S = 1.0
"""Seconds for which a file must stand still before it is taken for whole."""

GIVE_UP_S = 30.0
"""Seconds after which a file that stands still and is not whole is given as a bad frame."""

_WAY_OUT = "mount or make the folder again"
_POLL_S = 0.1
# A folder's time of change can be as coarse as two seconds, so that a listing may be followed by
# a change with the same time; and some network shares tell the time late, or never.
_RACY_S = 3.0
_LIST_ANYWAY_S = 5.0
_HIDDEN = (".", "~")


def open_watched_folder(address: str, *, deadlines: Deadlines) -> CapturedFrames:
    """Open a folder; pictures that come into it from now on are given, every one.

    Args:
        address: "watch:FOLDER", with any of settle=SECONDS (`SETTLE_S`) and give_up=SECONDS
            (`GIVE_UP_S`).
        deadlines: how long the file system may take to answer; that no file comes is no fault.

    Raises:
        UsageError: an option is wrong.
        DeviceError: there is no such folder.
        DeviceTimeoutError: its file system does not answer.
    """
    parsers = {"settle": parse_seconds, "give_up": parse_seconds}
    folder, options = parse_address(address, "watch", parsers)
    if not folder:
        raise UsageError(f"{show_source(address)}: names no folder; write watch:FOLDER")
    settings = CaptureSettings(
        source=address, is_live=False, way_out=_WAY_OUT, deadlines=deadlines, goes_on=True
    )

    def open_capture() -> FolderWatch:
        return FolderWatch(
            folder,
            shown=settings.shown,
            settle_s=options.get("settle", SETTLE_S),
            give_up_s=options.get("give_up", GIVE_UP_S),
        )

    return CapturedFrames(open_capture, settings)


@dataclass(slots=True)
class _Arrival:
    """A file that came and was not given yet.

    Attributes:
        size_bytes: when last looked at.
        mtime_ns: when last looked at.
        since_s: time.monotonic() since when both have stood still.
        is_tried: whether it was found not whole as it stands.
    """

    size_bytes: int
    mtime_ns: int
    since_s: float
    is_tried: bool = False


class FolderWatch:
    """A capture of the pictures that come into a folder.

    A file is new when its name was not there at the look before, or stands for another file now
    (another inode: one that was renamed onto it). It is given

    - at once, where something happened to it after its last write (its ctime is later than its
      mtime), as with a file that was renamed into place, and it decodes whole;
    - else once its size and mtime have stood still for `settle_s`, and it decodes whole;
    - as a torn frame without pixels, once, where both stood still for `give_up_s` and it does not.
    """

    def __init__(self, folder: str, *, shown: str, settle_s: float, give_up_s: float) -> None:
        """Note what is there already.

        Args:
            folder: the folder.
            shown: what messages call the source.
            settle_s: seconds.
            give_up_s: seconds.

        Raises:
            DeviceError: there is no such folder: as with a camera, it may come yet.
        """
        self._folder = folder
        self._shown = shown
        self._settle_s = settle_s
        self._give_up_s = max(give_up_s, settle_s)
        self._arrivals: dict[str, _Arrival] = {}
        self._due: deque[str] = deque()
        try:
            self._status = os.stat(folder)  # noqa: PTH116 - a Path would change its name
            self._known = self._list()
        except (OSError, ValueError) as error:
            raise DeviceError(f"{shown}: {say_why(error)}; check its name, or mount it") from error
        self._listed_s = self._changed_s = time.monotonic()

    def read(self) -> tuple[bool, Any]:
        """See `Capture.read`.

        Raises:
            DeviceError: the folder is gone, or no longer the one that was opened.
        """
        if not self._due:
            try:
                self._look()
            except OSError as error:
                raise DeviceError(
                    f"{self._shown}: the folder is gone ({say_why(error)}); {_WAY_OUT}",
                ) from error
        while self._due:
            shot = self._take(self._due.popleft())
            if shot is not None:
                return True, shot
        time.sleep(_POLL_S)
        return True, NOTHING_YET

    def release(self) -> None:
        """See `Capture.release`; nothing is open between looks."""

    def _look(self) -> None:
        """See what came, and what of it is due."""
        now_s = time.monotonic()
        before, status = self._status, os.stat(self._folder)  # noqa: PTH116 - as above
        if (status.st_dev, status.st_ino) != (before.st_dev, before.st_ino):
            raise DeviceError(
                f"{self._shown}: another folder is in its place, or it was unmounted; {_WAY_OUT}",
            )
        if status.st_mtime_ns != before.st_mtime_ns:
            self._changed_s = now_s
        self._status = status
        is_racy = now_s - self._changed_s < _RACY_S
        if is_racy or now_s - self._listed_s >= _LIST_ANYWAY_S:
            self._listed_s = now_s
            self._note_arrivals(self._list(), now_s)
        due = [name for name in list(self._arrivals) if self._is_due(name, now_s)]
        # The order in which they were written, as far as their times tell.
        self._due.extend(sorted(due, key=lambda name: (self._arrivals[name].mtime_ns, name)))

    def _list(self) -> dict[str, int]:
        """The inode numbers of the pictures, by name."""
        with os.scandir(self._folder) as entries:
            return {
                entry.name: entry.inode()
                for entry in entries
                if entry.name.lower().endswith(IMAGE_SUFFIXES)
                and not entry.name.startswith(_HIDDEN)
                and not entry.is_dir()
            }

    def _note_arrivals(self, listed: dict[str, int], now_s: float) -> None:
        for name in self._arrivals.keys() - listed.keys():
            del self._arrivals[name]
        for name, inode in listed.items():
            if self._known.get(name) != inode:
                self._arrivals[name] = _Arrival(-1, -1, now_s)
        self._known = listed

    def _is_due(self, name: str, now_s: float) -> bool:
        arrival = self._arrivals[name]
        try:
            status = os.stat(self._path(name))  # noqa: PTH116 - as above
        except OSError:
            # Gone again, or a link to nothing: the next listing tells.
            return False
        if (status.st_size, status.st_mtime_ns) != (arrival.size_bytes, arrival.mtime_ns):
            arrival = _Arrival(status.st_size, status.st_mtime_ns, now_s)
            self._arrivals[name] = arrival
        still_s = now_s - arrival.since_s
        if arrival.is_tried:
            return still_s >= self._give_up_s
        return still_s >= self._settle_s or status.st_ctime_ns > status.st_mtime_ns

    def _take(self, name: str) -> Shot | None:
        """The picture; a torn one where it is given up; None where it is to be waited for."""
        arrival = self._arrivals.get(name)
        if arrival is None:
            return None
        path = self._path(name)
        try:
            shot = read_picture(path)
            status = os.stat(path)  # noqa: PTH116 - as above
        except OSError:
            return None
        except InputError as error:
            if time.monotonic() - arrival.since_s < self._give_up_s:
                arrival.is_tried = True
                return None
            detail = say_what_is_wrong(error, show_source(path))
            shot = torn_shot(f"a file that is not whole: {detail}", file_name=name)
        else:
            if (status.st_size, status.st_mtime_ns) != (arrival.size_bytes, arrival.mtime_ns):
                return None
        del self._arrivals[name]
        return shot

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)  # noqa: PTH118 - as above
