"""Which files the user means, and their bytes."""

import io
import os
import re
import socket
from pathlib import Path

import pytest

from edge.errors import DecodeError, InputError, InputNotFoundError, InputTooLargeError
from edge.image_header import MAX_ENCODED_BYTES
from edge.sources.image_files import (
    IMAGE_SUFFIXES,
    expand_inputs,
    read_image_bytes,
    read_stdin_bytes,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures among other things."""
    for name in ("film10.png", "film9.png", "Film2.PNG", "scan.JPeG", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "film1.png").write_bytes(b"x")
    (tmp_path / "named.png").mkdir()
    return tmp_path


def test_a_folder_is_its_pictures_with_numbers_in_order(folder: Path) -> None:
    names = [os.path.basename(path) for path in expand_inputs([str(folder)])]  # noqa: PTH119
    assert names == ["Film2.PNG", "film9.png", "film10.png", "scan.JPeG"]


def test_names_that_differ_only_in_case_or_zeros_have_a_fixed_order(tmp_path: Path) -> None:
    names = ["a1.png", "A1.png", "a01.png", "b.png", "1.png", "12.png", "2.png"]
    for name in reversed(names):
        (tmp_path / name).write_bytes(b"x")
    listed = [Path(path).name for path in expand_inputs([str(tmp_path)])]
    assert listed == ["1.png", "2.png", "12.png", "a01.png", "A1.png", "a1.png", "b.png"]


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_every_known_suffix_is_looked_for(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"film{suffix.upper()}").write_bytes(b"x")
    assert expand_inputs([str(tmp_path)]) == [str(tmp_path / f"film{suffix.upper()}")]


def test_a_pattern_that_the_shell_left_alone_is_matched(folder: Path) -> None:
    def names(pattern: str) -> list[str]:
        found = expand_inputs([str(folder / pattern)])
        return [str(Path(path).relative_to(folder)) for path in found]

    assert names("film*.png") == ["film9.png", "film10.png"]
    assert names("*") == ["Film2.PNG", "film9.png", "film10.png", "notes.txt", "scan.JPeG"]
    assert names("**/film1.png") == ["older/film1.png"]
    assert names("film[19].png") == ["film9.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path: Path) -> None:
    odd = tmp_path / "film[1].png"
    odd.write_bytes(b"x")
    assert expand_inputs([str(odd)]) == [str(odd)]


def test_inputs_keep_their_order_and_their_spelling(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    arguments = ["./notes.txt", "-", "missing.png", "film9.png", "older", "camera:0"]
    assert expand_inputs(arguments) == [
        "./notes.txt", "-", "missing.png", "film9.png", "older/film1.png", "camera:0",
    ]  # fmt: skip


def test_a_folder_without_pictures_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x")
    with pytest.raises(InputNotFoundError, match=r"holds no images \(looked for \.png \.jpg"):
        expand_inputs([str(tmp_path)])


def test_a_pattern_without_matches_is_one_line(folder: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no file matches"):
        expand_inputs([str(folder / "*.dcm")])


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    data = os.urandom(3 << 20)
    path = tmp_path / "film.png"
    path.write_bytes(data)
    assert read_image_bytes(path) == data
    assert read_image_bytes(str(path)) == data


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(b"pixels")
    (tmp_path / "link.png").symlink_to("film.png")
    assert read_image_bytes(tmp_path / "link.png") == b"pixels"


@pytest.mark.parametrize("name", ["missing.png", "missing/film.png", "film\0.png", "a\nb.png"])
def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputNotFoundError) as caught:
        read_image_bytes(f"{tmp_path}/{name}")
    assert str(caught.value).isprintable()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(InputNotFoundError, match="permission denied"):
        read_image_bytes(path)


def test_an_empty_file_is_undecodable(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.touch()
    with pytest.raises(DecodeError, match="is empty"):
        read_image_bytes(path)


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(MAX_ENCODED_BYTES + 1)
    with pytest.raises(InputTooLargeError, match="268,435,457 bytes, and the most is 268,435,456"):
        read_image_bytes(path)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe without a writer would hang, and a device would never end."""
    pipe, door = tmp_path / "pipe.png", tmp_path / "socket.png"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        for path in (pipe, door, Path("/dev/zero"), tmp_path):
            with pytest.raises(InputError, match=re.escape(f"{path}: it is no regular file")):
                read_image_bytes(path)


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "film.png").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no links to resolve
    for name in ("empty.png", "film.png", ".", "missing.png"):
        for _ in range(20):
            try:
                read_image_bytes(tmp_path / name)
            except InputError:
                continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


class Trickle(io.RawIOBase):
    """A stream that gives few bytes at once, as a pipe does, and counts them."""

    def __init__(self, total: int, step: int) -> None:
        self.left, self.step, self.given = total, step, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        count = min(self.left, self.step, size if size >= 0 else self.left)
        self.left -= count
        self.given += count
        return b"\x07" * count


def test_standard_input_is_read_to_its_end() -> None:
    assert read_stdin_bytes(io.BytesIO(b"pixels")) == b"pixels"
    assert read_stdin_bytes(Trickle(100_000, 999)) == b"\x07" * 100_000  # type: ignore[arg-type]


def test_empty_standard_input_is_undecodable() -> None:
    with pytest.raises(DecodeError, match=r"^-: it is empty"):
        read_stdin_bytes(io.BytesIO(b""))


def test_endless_standard_input_is_left_one_byte_after_the_limit() -> None:
    endless = Trickle(1 << 60, 999)
    with pytest.raises(InputTooLargeError, match="-: it is over 20,000 bytes"):
        read_stdin_bytes(endless, limit=20_000)  # type: ignore[arg-type]
    assert endless.given == 20_001


def test_standard_input_that_fails_is_one_line() -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match=r"^-: standard input: input/output error"):
        read_stdin_bytes(Broken())
