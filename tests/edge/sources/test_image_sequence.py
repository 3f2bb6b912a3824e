"""Numbered pictures and folders of pictures, given like a video's frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.decode import decode_image
from edge.errors import DecodeError, InputNotFoundError
from edge.sources.base import open_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Numbers 8 to 11, grey, and colour in the last."""
    for number in range(8, 11):
        write(tmp_path / f"film{number:03d}.png", np.full((4, 6), number, np.uint8))
    write(tmp_path / "film011.png", np.full((4, 6, 3), (1, 2, 3), np.uint8))
    return tmp_path


def write(path: Path, pixels: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def names(address: str) -> list[str]:
    with open_source(address) as source:
        return [frame.file_name for frame in source]


def test_numbered_pictures_come_in_the_order_of_their_numbers(folder: Path) -> None:
    with open_source(f"{folder}/film%03d.png") as source:
        frames = list(source)
    assert [frame.file_name for frame in frames] == [f"film{n:03d}.png" for n in range(8, 12)]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert {frame.source for frame in frames} == {f"{folder}/film%03d.png"}
    assert not source.is_live
    assert source.dropped == 0


def test_each_is_what_the_file_is_when_it_is_named_alone(folder: Path) -> None:
    write(folder / "film012.png", np.full((4, 6), 40_000, np.uint16))
    with open_source(f"sequence:{folder}/film%03d.png") as source:
        frames = list(source)
    for frame in frames:
        alone = decode_image((folder / frame.file_name).read_bytes(), source="")
        assert (frame.colour, frame.pixels.dtype) == (alone.colour, alone.pixels.dtype)
        np.testing.assert_array_equal(frame.pixels, alone.pixels)
    assert [frame.colour for frame in frames] == ["grey", "grey", "grey", "bgr", "grey"]


def test_a_plain_number_does_not_match_padded_ones(folder: Path) -> None:
    for number in (9, 10):
        write(folder / f"{number}.png", np.zeros((2, 2), np.uint8))
    write(folder / "011.png", np.zeros((2, 2), np.uint8))
    assert names(f"{folder}/%d.png") == ["9.png", "10.png"]


def test_a_padded_number_may_grow_beyond_its_width(tmp_path: Path) -> None:
    for number in (99, 100):
        write(tmp_path / f"{number:02d}.png", np.zeros((2, 2), np.uint8))
    assert names(f"{tmp_path}/%02d.png") == ["99.png", "100.png"]


def test_a_missing_number_is_told_before_anything_is_given(folder: Path) -> None:
    (folder / "film009.png").unlink()
    with pytest.raises(InputNotFoundError, match=r"film009\.png is missing \(film008.*film010"):
        open_source(f"{folder}/film%03d.png")


def test_a_folder_is_given_in_natural_order_whatever_is_missing(tmp_path: Path) -> None:
    for name in ("b2.png", "b10.png", "a.jpg", ".hidden.png", "notes.txt"):
        write(tmp_path / name, np.zeros((2, 2), np.uint8)) if name[-3:] != "txt" else (
            tmp_path / name
        ).write_text("x")
    assert names(f"sequence:{tmp_path}") == ["a.jpg", "b2.png", "b10.png"]
    assert names(f"sequence:{tmp_path}?fps=240") == ["a.jpg", "b2.png", "b10.png"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("{folder}/none%03d.png", "no file matches"),
        ("{folder}/none/%03d.png", "no such file or directory"),
        ("sequence:{folder}/none", "is no folder and no pattern"),
        ("sequence:{folder}/film008.png", "is no folder and no pattern"),
    ],
)
def test_what_is_not_there_is_told(folder: Path, address: str, said: str) -> None:
    with pytest.raises(InputNotFoundError, match=said):
        open_source(address.format(folder=folder))


def test_a_picture_that_is_not_whole_ends_it_with_an_error(folder: Path) -> None:
    whole = (folder / "film009.png").read_bytes()
    (folder / "film009.png").write_bytes(whole[:-20])
    with open_source(f"{folder}/film%03d.png") as source:
        frames = iter(source)
        assert next(frames).file_name == "film008.png"
        with pytest.raises(DecodeError, match=r"film009\.png"):
            next(frames)
        assert list(frames) == []
