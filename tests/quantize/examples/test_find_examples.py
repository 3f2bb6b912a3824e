"""What a user names for calibration becomes examples, each as the runtime would prepare it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bundle.manifest import ImageInput, Resize, TableInput, VectorInput
from edge.errors import InputError, InputNotFoundError, UnsupportedInputError
from quantize.examples.find_examples import find_examples, thin_out
from quantize.examples.model_examples import Example, ModelExamples

PICTURE = ImageInput(
    name="image",
    shape=(1, 3, 8, 8),
    layout="NCHW",
    colour="bgr",
    resize=Resize(width=8, height=8),
)
SERIES = (VectorInput(name="series", shape=(1, 4, 2)), VectorInput(name="age", shape=(1, 1)))


def write_video(path: Path, frames: int) -> Path:
    """A clip whose every frame is brighter than the one before, with a line of noise on it."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (32, 32))
    for at in range(frames):
        frame = np.full((32, 32, 3), 20 + 2 * at, np.uint8)
        frame[::4] = 255 - frame[::4]
        writer.write(frame)
    writer.release()
    return path


def found(arguments: list, inputs, tmp_path: Path, most: int = 100) -> ModelExamples:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    examples = find_examples([str(each) for each in arguments], inputs, most=most, scratch=scratch)
    return ModelExamples(examples, inputs)


def test_frames_of_a_video_are_examples_spread_evenly_that_can_be_walked_again(
    tmp_path: Path,
) -> None:
    clip = write_video(tmp_path / "clip.avi", 80)
    examples = found([clip], (PICTURE,), tmp_path, most=10)
    assert len(examples) == 10
    first, second = ([each["image"].mean() for each in examples] for _ in range(2))
    assert first == second
    steps = np.diff(first)
    assert steps.min() > 0
    assert steps.max() < 2.5 * steps.min()
    assert len(list((tmp_path / "scratch").iterdir())) <= 20


def test_an_npz_of_many_is_one_example_an_entry(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    series, age = random.normal(size=(5, 4, 2)), random.normal(size=(5, 1))
    np.savez(tmp_path / "many.npz", series=series, age=age, record_id=np.arange(5))
    examples = found([tmp_path / "many.npz"], SERIES, tmp_path)
    tensors = list(examples)
    assert [each.name.rpartition("/")[2] for each in examples.examples] == [
        f"many.npz[{at}]" for at in range(5)
    ]
    np.testing.assert_array_equal(
        np.concatenate([each["series"] for each in tensors]), series.astype(np.float32)
    )
    np.testing.assert_array_equal(
        np.concatenate([each["age"] for each in tensors]), age.astype(np.float32)
    )


def test_an_npz_of_one_record_is_one_example(tmp_path: Path) -> None:
    for at in range(3):
        np.savez(tmp_path / f"{at}.npz", series=np.full((4, 2), at), age=[at])
    tensors = list(found([tmp_path], SERIES, tmp_path))
    assert [float(each["age"][0, 0]) for each in tensors] == [0.0, 1.0, 2.0]


def test_each_row_of_a_table_is_an_example(tmp_path: Path) -> None:
    spec = TableInput(name="row", shape=(1, 2), columns=("pulse", "age"))
    (tmp_path / "rows.csv").write_text("pulse,age\n80,40\n90,50\n")
    tensors = list(found([tmp_path / "rows.csv"], (spec,), tmp_path))
    np.testing.assert_array_equal(
        np.concatenate([each["row"] for each in tensors]), [[80, 40], [90, 50]]
    )


def test_what_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", series=np.zeros((4, 2)), age=[1])
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 cut")
    np.savez(tmp_path / "wrong.npz", series=np.zeros((9, 9)), age=[1])
    examples = found([tmp_path], SERIES, tmp_path)
    assert len(list(examples)) == 1
    assert sorted(Path(name).name for name in examples.refused) == ["bad.npz", "wrong.npz"]


def test_arrays_of_different_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", series=np.zeros((5, 4, 2)), age=np.zeros((4, 1)))
    with pytest.raises(InputError, match="must be of the same"):
        found([tmp_path / "many.npz"], SERIES, tmp_path)


def test_a_folder_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        found([tmp_path], (PICTURE,), tmp_path)


def test_examples_are_thinned_evenly_and_none_counts_twice() -> None:
    examples = [Example(str(at % 10), read=lambda: None) for at in range(20)]
    assert [each.name for each in thin_out(examples, 5)] == ["0", "2", "4", "6", "8"]


def pixels(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.mark.parametrize("name", ["image", "X"])
@pytest.mark.parametrize("shape", [(8, 8, 3), (12, 10, 3), (8, 8), (8, 8, 1)])
def test_decoded_pixels_in_an_array_are_prepared_as_files_are(name, shape, tmp_path: Path) -> None:
    pictures = pixels(3, *shape)
    np.savez(tmp_path / "many.npz", **{name: pictures, "y": np.arange(3)})
    (tmp_path / "files").mkdir()
    for at, each in enumerate(pictures):
        is_colour = each.ndim == 3 and each.shape[2] == 3
        cv2.imwrite(str(tmp_path / "files" / f"{at}.png"), each[:, :, ::-1] if is_colour else each)
    inputs = (PICTURE,)
    arrays = list(found([tmp_path / "many.npz"], inputs, tmp_path))
    files = list(ModelExamples(_files(tmp_path / "files", inputs), inputs))
    assert len(arrays) == 3
    for left, right in zip(arrays, files, strict=True):
        np.testing.assert_array_equal(left["image"], right["image"])


def _files(folder: Path, inputs) -> tuple[Example, ...]:
    return find_examples([str(folder)], inputs, most=10, scratch=folder)


def test_a_picture_and_a_table_come_from_one_file(tmp_path: Path) -> None:
    inputs = (PICTURE, VectorInput(name="age", shape=(1, 1)))
    age = np.arange(4, dtype=np.float32)[:, None]
    np.savez(tmp_path / "many.npz", image=pixels(4, 8, 8, 3), age=age)
    tensors = list(found([tmp_path / "many.npz"], inputs, tmp_path))
    assert [float(each["age"][0, 0]) for each in tensors] == [0.0, 1.0, 2.0, 3.0]
    assert tensors[0]["image"].shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(pixels(4, 3, 8, 8).astype(np.float32), id="normalised, channels first"),
        pytest.param(pixels(4, 8, 8, 3).astype(np.float32), id="float"),
        pytest.param(pixels(4, 3, 8, 8), id="channels first"),
        pytest.param(pixels(4, 8, 8, 4), id="four channels"),
    ],
)
def test_what_is_no_decoded_pixels_is_refused_with_what_is(array, tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", image=array)
    with pytest.raises(UnsupportedInputError) as caught:
        found([tmp_path / "many.npz"], (PICTURE,), tmp_path)
    message = str(caught.value)
    assert f"array 'image' is {array.dtype} of shape {list(array.shape)}" in message
    assert "uint8 (pictures, height, width, 3) in RGB" in message


def test_a_file_without_the_pictures_says_how_the_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", films=pixels(4, 8, 8, 3))
    with pytest.raises(InputError, match="no array 'image' or 'X' of pictures"):
        found([tmp_path / "many.npz"], (PICTURE,), tmp_path)


def test_an_npz_of_no_rows_holds_no_example(tmp_path: Path) -> None:
    np.savez(tmp_path / "none.npz", series=np.zeros((0, 4, 2)), age=np.zeros((0, 1)))
    with pytest.raises(InputError, match="its arrays hold no example"):
        found([tmp_path / "none.npz"], SERIES, tmp_path)
