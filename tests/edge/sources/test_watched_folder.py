"""A watched folder: new files only, whole ones only, each exactly once."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import DeviceError, EdgeError
from edge.frame import Frame
from edge.sources.base import open_source
from edge.sources.capture import NOTHING_YET
from edge.sources.watched_folder import FolderWatch

WAIT_S = 60
# Longer than any test: what is given all the same did not wait for it.
NEVER_SETTLED = "settle=3600&give_up=3600"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    watched = tmp_path / "watched"
    watched.mkdir()
    return watched


class Taker:
    """Takes frames in a thread of its own."""

    def __init__(self, address: str, **deadlines: float) -> None:
        self.source = open_source(address, **({"open_timeout_s": WAIT_S} | deadlines))
        self.frames: queue.SimpleQueue[Frame | EdgeError] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._take)
        self.thread.start()

    def _take(self) -> None:
        try:
            for frame in self.source:
                self.frames.put(frame)
        except EdgeError as error:
            self.frames.put(error)

    def next(self) -> Frame:
        frame = self.frames.get(timeout=WAIT_S)
        assert isinstance(frame, Frame)
        return frame

    def __enter__(self) -> "Taker":
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self.thread.join(WAIT_S)
        assert not self.thread.is_alive()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("capture "):
            thread.join(WAIT_S)
            assert not thread.is_alive()


def encode(level: int, suffix: str = ".png") -> bytes:
    pixels = np.full((24, 32), level, np.uint8)
    pixels[::2] += 1
    return cv2.imencode(suffix, pixels)[1].tobytes()


def put_whole(path: Path, data: bytes) -> None:
    """As a careful writer does: under another name, then renamed."""
    hidden = path.with_name(f".{path.name}.part")
    hidden.write_bytes(data)
    past_ns = time.time_ns() - 1_000_000_000
    os.utime(hidden, ns=(past_ns, past_ns))
    hidden.rename(path)


def watch(folder: Path, *, settle_s: float = 0.0, give_up_s: float = 3600.0) -> FolderWatch:
    return FolderWatch(str(folder), shown="watch:x", settle_s=settle_s, give_up_s=give_up_s)


def read_until(capture: FolderWatch, is_it: Callable[[object], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_it(capture.read()[1]):
        assert time.monotonic() < end_s


def test_only_files_that_are_new_are_given_and_each_once(folder: Path) -> None:
    put_whole(folder / "old.png", encode(1))
    with Taker(f"watch:{folder}?{NEVER_SETTLED}") as taker:
        for number in range(3):
            put_whole(folder / f"new{number}.png", encode(10 * number))
            frame = taker.next()
            assert (frame.file_name, frame.index) == (f"new{number}.png", number)
            assert frame.source == f"watch:{folder}?{NEVER_SETTLED}"
            assert (frame.colour, frame.pixels[0, 0, 0]) == ("grey", 10 * number + 1)
        time.sleep(0.5)
        assert taker.frames.empty()
        assert not taker.source.is_live


def test_a_file_that_is_written_in_place_is_given_once_it_stands_still(folder: Path) -> None:
    data = encode(50)
    with Taker(f"watch:{folder}?settle=0.3") as taker:
        with (folder / "slow.png").open("wb") as file:
            for start in range(0, len(data), 40):
                file.write(data[start : start + 40])
                file.flush()
                time.sleep(0.05)
        frame = taker.next()
    assert (frame.file_name, frame.fault) == ("slow.png", "")


def test_a_whole_file_that_was_just_written_waits_until_it_stands_still(folder: Path) -> None:
    """Its writer may not be done: a JPEG that was overwritten half way can decode."""
    capture = watch(folder, settle_s=3600)
    (folder / "a.png").write_bytes(encode(1))
    for _ in range(3):
        assert capture.read() == (True, NOTHING_YET)


def test_a_file_that_never_becomes_whole_is_a_bad_frame_once(folder: Path) -> None:
    with Taker(f"watch:{folder}?settle=0.1&give_up=0.3") as taker:
        (folder / "Jane Doe.png").write_bytes(encode(1)[:-30])
        torn = taker.next()
        assert (torn.fault, torn.file_name, torn.pixels.shape) == (
            "torn",
            "Jane Doe.png",
            (1, 1, 3),
        )
        assert "cut short" in torn.fault_detail
        assert "Jane" not in torn.fault_detail, "it may be written to a journal"
        put_whole(folder / "good.png", encode(2))
        assert taker.next().file_name == "good.png"
        time.sleep(0.5)
        assert taker.frames.empty()


def test_a_file_that_becomes_whole_late_is_given(folder: Path) -> None:
    data = encode(3)
    capture = watch(folder, settle_s=0)
    (folder / "late.png").write_bytes(data[:-30])
    for _ in range(3):
        assert capture.read() == (True, NOTHING_YET)
    with (folder / "late.png").open("ab") as file:
        file.write(data[-30:])
    read_until(capture, lambda taken: getattr(taken, "file_name", "") == "late.png")


@pytest.mark.parametrize(
    "name", [".a.png", "~a.png", "a.png.part", "a.png~", "a.txt", "folder.png"]
)
def test_hidden_and_temporary_names_and_folders_are_ignored(folder: Path, name: str) -> None:
    capture = watch(folder)
    if name == "folder.png":
        (folder / name).mkdir()
    else:
        (folder / name).write_bytes(encode(1))
    for _ in range(3):
        assert capture.read() == (True, NOTHING_YET)


def test_a_file_that_replaces_another_under_its_name_is_new(folder: Path) -> None:
    put_whole(folder / "latest.png", encode(1))
    with Taker(f"watch:{folder}?{NEVER_SETTLED}") as taker:
        for level in (100, 150):
            put_whole(folder / "latest.png", encode(level))
            assert taker.next().pixels[0, 0, 0] == level + 1


def test_many_files_at_once_are_all_given_in_the_order_they_were_written(folder: Path) -> None:
    capture = watch(folder, settle_s=3600)
    for number in reversed(range(40)):
        hidden = folder / f".{number}"
        hidden.write_bytes(encode(number))
        at_ns = (1_000_000_000 + number) * 1_000_000_000
        os.utime(hidden, ns=(at_ns, at_ns))
        hidden.rename(folder / f"{number % 7}-{number}.png")
    assert drain(capture) == list(range(40))


def test_a_quiet_folder_is_no_fault(folder: Path) -> None:
    with Taker(f"watch:{folder}?{NEVER_SETTLED}", read_timeout_s=1.0) as taker:
        time.sleep(2.5)
        put_whole(folder / "a.png", encode(1))
        assert taker.next().file_name == "a.png"


def test_a_folder_that_is_removed_is_a_lost_source(folder: Path) -> None:
    with Taker(f"watch:{folder}") as taker:
        folder.rmdir()
        error = taker.frames.get(timeout=WAIT_S)
    assert isinstance(error, DeviceError)
    assert "the folder is gone (no such file or directory); mount or make" in str(error)
    with pytest.raises(DeviceError, match="no such file or directory; check its name, or mount it"):
        open_source(f"watch:{folder}")


def test_another_folder_in_its_place_is_a_lost_source(folder: Path) -> None:
    """As when a disk is unmounted: the folder that it was mounted on shows."""
    capture = watch(folder)
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    with pytest.raises(DeviceError, match="another folder is in its place, or it was unmounted"):
        capture.read()


def test_a_file_that_goes_away_again_is_forgotten(folder: Path) -> None:
    capture = watch(folder, settle_s=3600)
    (folder / "a.png").write_bytes(encode(1))
    assert capture.read() == (True, NOTHING_YET)
    (folder / "a.png").unlink()
    put_whole(folder / "b.png", encode(2))
    read_until(capture, lambda taken: getattr(taken, "file_name", "") == "b.png")
    assert capture._arrivals == {}


@settings(max_examples=8, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12))
def test_whatever_comes_and_goes_no_whole_file_is_given_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool]]
) -> None:
    folder = tmp_path_factory.mktemp("watched")
    capture = watch(folder, settle_s=3600)
    expected: list[int] = []
    given_levels: list[int] = []
    for count, (name, is_put) in enumerate(steps):
        path = folder / f"{name}.png"
        if is_put:
            put_whole(path, encode(count * 4))
            expected.append(count * 4)
        else:
            path.unlink(missing_ok=True)
        given_levels += drain(capture)
    assert given_levels == expected


def drain(capture: FolderWatch) -> list[int]:
    levels = []
    capture._listed_s = 0.0
    while (taken := capture.read()[1]) is not NOTHING_YET:
        levels.append(int(taken.pixels[0, 0, 0]) - 1)
    return levels
