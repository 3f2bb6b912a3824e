"""Labelled data of three forms, and every fault of it in one line."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bundle.manifest import Output
from edge.errors import EdgeError, InputError, InputNotFoundError, UsageError
from quantize.labelled_data import (
    ColumnChoice,
    LabelledData,
    LabelledOptions,
    parse_columns,
    read_labelled_data,
)

CLASSES = Output(
    name="o", kind="classification", labels=("no finding", "pneumonia"), activation="softmax"
)
FINDINGS = Output(
    name="o", kind="multilabel", labels=("Mass", "Pleural Thickening"), activation="sigmoid"
)
RISK = Output(name="o", kind="multilabel", labels=("death",), activation="sigmoid")
AGE = Output(name="o", kind="regression", labels=("age",), activation="none", unit="years")


def picture(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(level).integers(0, 255, (8, 8), np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for at in range(3):
        picture(tmp_path / "Pneumonia" / f"p{at}.png", at)
        picture(tmp_path / "no_finding" / f"n{at}.png", 10 + at)
    return tmp_path


def table(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def fault(path: Path, output: Output = CLASSES, **options) -> str:
    with pytest.raises(EdgeError) as caught:
        read_labelled_data(path, output, LabelledOptions(**options))
    message = str(caught.value)
    assert "\n" not in message
    return message


class TestFolder:
    def test_sub_folders_are_labels_whatever_their_case_and_spaces(self, folder) -> None:
        data = read_labelled_data(folder, CLASSES)
        assert data.class_counts() == {"no finding": 3, "pneumonia": 3}
        assert data.names[0] == "Pneumonia/p0.png"

    def test_an_example_is_the_decoded_picture(self, folder) -> None:
        at, frame = next(iter(read_labelled_data(folder, CLASSES)))
        assert (at, frame.pixels.shape) == (0, (8, 8, 1))

    def test_a_strange_folder_is_named_with_the_models_labels(self, folder) -> None:
        picture(folder / "virus" / "v.png")
        message = fault(folder)
        assert "'virus'" in message
        assert "'no finding', 'pneumonia'" in message

    def test_a_strange_folder_may_be_renamed(self, folder) -> None:
        picture(folder / "virus" / "v.png")
        options = LabelledOptions(renamed={"virus": "pneumonia"})
        assert read_labelled_data(folder, CLASSES, options).class_counts()["pneumonia"] == 4

    def test_one_label_alone_proves_nothing(self, tmp_path) -> None:
        picture(tmp_path / "pneumonia" / "a.png")
        assert "all 1 examples are 'pneumonia'" in fault(tmp_path)

    def test_a_folder_without_sub_folders_says_what_to_make(self, tmp_path) -> None:
        picture(tmp_path / "a.png")
        assert "no sub-folders" in fault(tmp_path)

    def test_folders_have_no_values(self, folder) -> None:
        assert "CSV of file and value" in fault(folder, AGE)

    def test_normal_means_no_label_of_a_multilabel_model(self, tmp_path) -> None:
        picture(tmp_path / "Normal" / "a.png")
        picture(tmp_path / "Mass" / "b.png")
        truth = read_labelled_data(tmp_path, FINDINGS).truth
        assert truth.tolist() == [[1.0, 0.0], [0.0, 0.0]]


class TestTable:
    def test_file_and_label_columns_are_found(self, folder) -> None:
        path = table(folder, "image,label\nPneumonia/p0.png,pneumonia\nn0.png,No Finding\n")
        data = read_labelled_data(path, CLASSES)
        assert data.truth.tolist() == [1.0, 0.0]
        assert "labels are column 'label'" in data.assumed

    def test_semicolons_tabs_and_a_byte_order_mark_are_read(self, folder) -> None:
        for delimiter in ";\t":
            text = "\ufefffile,label\r\np0.png,1\r\nn0.png,0\r\n".replace(",", delimiter)
            assert read_labelled_data(table(folder, text), CLASSES).truth.tolist() == [1.0, 0.0]

    def test_a_file_that_became_a_jpeg_is_found_by_its_stem(self, folder) -> None:
        path = table(folder, "file,label\np0.dcm,pneumonia\nn0.dcm,no finding\n")
        assert len(read_labelled_data(path, CLASSES)) == 2

    def test_a_name_in_two_folders_asks_for_a_pattern(self, folder) -> None:
        picture(folder / "test" / "p0.png", 9)
        text = (
            "part,file,label\ntest,p0.png,pneumonia\nPneumonia,p1.png,pneumonia\n"
            "no_finding,n0.png,no finding\n"
        )
        path = table(folder, text)
        left_out = read_labelled_data(path, CLASSES).left_out
        assert "2 files have this name" in left_out["labels.csv row 2"]
        options = LabelledOptions(columns=ColumnChoice(file="{part}/{file}"))
        assert len(read_labelled_data(path, CLASSES, options)) == 3

    def test_a_pattern_may_cut_a_suffix(self, folder) -> None:
        path = table(folder, "file,label\np0.x,pneumonia\np1.x,no finding\n")
        options = LabelledOptions(columns=ColumnChoice(file="Pneumonia/{file.stem}.png"))
        assert read_labelled_data(path, CLASSES, options).names[0] == "Pneumonia/p0.png"

    def test_one_flag_column_a_label(self, folder) -> None:
        text = "file,Mass,pleural_thickening\np0.png,1,0\np1.png,0,\np2.png,yes,-1\n"
        truth = read_labelled_data(table(folder, text), FINDINGS).truth
        np.testing.assert_array_equal(truth, [[1, 0], [0, np.nan], [1, np.nan]])

    def test_several_labels_in_one_cell(self, folder) -> None:
        text = "file,findings\np0.png,Mass|Pleural_Thickening\np1.png,No Finding\n"
        options = LabelledOptions(columns=parse_columns("label=findings"))
        truth = read_labelled_data(table(folder, text), FINDINGS, options).truth
        assert truth.tolist() == [[1.0, 1.0], [0.0, 0.0]]

    def test_labels_without_a_column_are_not_judged(self, folder) -> None:
        data = read_labelled_data(table(folder, "file,Mass\np0.png,1\np1.png,0\n"), FINDINGS)
        assert np.isnan(data.truth[:, 1]).all()
        assert any("Pleural Thickening" in each for each in data.assumed)

    def test_a_flag_that_is_none_is_named_with_its_row(self, folder) -> None:
        message = fault(table(folder, "file,Mass\np0.png,1\np1.png,maybe\n"), FINDINGS)
        assert "row 3" in message
        assert "'maybe'" in message

    def test_groups_and_splits_are_kept(self, folder) -> None:
        text = "file,label,patient_id,split\np0.png,1,A,test\np1.png,0,A,test\np2.png,0,B,train\n"
        path = table(folder, text)
        data = read_labelled_data(path, CLASSES)
        assert (data.groups, data.splits) == (("A", "A", "B"), ("test", "test", "train"))
        assert len(read_labelled_data(path, CLASSES, LabelledOptions(only_split="test"))) == 2

    def test_a_split_that_is_not_there_names_those_that_are(self, folder) -> None:
        text = "file,label,split\np0.png,1,a\np1.png,0,b\n"
        assert "the data has: a, b" in fault(table(folder, text), only_split="test")

    def test_missing_files_and_unlabelled_rows_are_left_out_and_counted(self, folder) -> None:
        text = "file,label\np0.png,1\np1.png,0\nn0.png,0\nlost.png,1\nn1.png,\n"
        data = read_labelled_data(table(folder, text), CLASSES)
        assert len(data) == 3
        assert sorted(data.left_out) == ["labels.csv row 5", "labels.csv row 6"]

    def test_most_files_missing_means_the_wrong_place(self, folder) -> None:
        text = "file,label\na.png,1\nb.png,0\np0.png,0\n"
        assert "2 of 3 rows cannot be used" in fault(table(folder, text))

    def test_an_unreadable_picture_is_skipped_when_it_is_read(self, folder) -> None:
        (folder / "Pneumonia" / "p0.png").write_bytes(b"no picture")
        data = read_labelled_data(folder, CLASSES)
        assert [at for at, _ in data] == [1, 2, 3, 4, 5]

    def test_values_for_regression(self, folder) -> None:
        path = table(folder, "file,age\np0.png,63\np1.png,NA\np2.png,7.5\n")
        data = read_labelled_data(path, AGE)
        assert data.truth.tolist() == [[63.0], [7.5]]

    def test_rows_may_be_the_examples(self, tmp_path) -> None:
        path = table(tmp_path, "age,sex,death\n63,M,1\n40,F,0\n")
        data = read_labelled_data(path, RISK, LabelledOptions(rows_are_examples=True))
        assert data.load(0) == {"age": "63", "sex": "M"}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            pytest.param("", "no rows", id="empty"),
            pytest.param("file,label\n", "no rows", id="header only"),
            pytest.param("file,file\na,b\n", "in the header twice", id="column twice"),
            pytest.param("file,label\np0.png\n", "row 2 has 1 cells", id="ragged"),
            pytest.param("what,label\np0.png,1\n", "no column of files", id="no file column"),
            pytest.param("file,what\np0.png,1\n", "--data-columns label=", id="no label column"),
            pytest.param('file,label\n"p0.png,1\n', "cannot be read as a table", id="open quote"),
            pytest.param(
                "file,label\np0.png,7\np1.png,0\n", "label '7', '0' not among", id="no such label"
            ),
        ],
    )
    def test_what_is_no_such_table_is_said_in_one_line(self, text, said, folder) -> None:
        assert said in fault(table(folder, text))

    def test_a_binary_file_is_no_table(self, tmp_path) -> None:
        path = tmp_path / "labels.csv"
        path.write_bytes(b"\xff\xfe\x00\x01")
        assert "cannot be read as a table" in fault(path)

    def test_a_column_that_is_not_there_is_wrong_use(self, folder) -> None:
        path = table(folder, "file,label\np0.png,1\n")
        with pytest.raises(UsageError, match="it has: file, label"):
            read_labelled_data(path, CLASSES, LabelledOptions(columns=ColumnChoice(group="who")))


class TestArrays:
    def save(self, path: Path, **arrays) -> Path:
        np.savez(path, **arrays)
        return path

    def options(self, *shape: int) -> LabelledOptions:
        return LabelledOptions(inputs={"ecg": shape})

    def test_examples_get_the_models_shape(self, tmp_path) -> None:
        values = np.arange(12, dtype=np.float32).reshape(3, 4)
        path = self.save(tmp_path / "a.npz", X=values, y=np.array([0, 1, 1]))
        data = read_labelled_data(path, CLASSES, self.options(1, 1, 4))
        np.testing.assert_array_equal(data.load(2)["ecg"], values[2].reshape(1, 1, 4))
        assert data.truth.tolist() == [0.0, 1.0, 1.0]

    def test_records_group_beats(self, tmp_path) -> None:
        arrays = {"X": np.zeros((3, 4)), "y": np.array([0, 1, 1]), "record": np.array([7, 7, 8])}
        path = self.save(tmp_path / "a.npz", **arrays)
        data = read_labelled_data(path, CLASSES, self.options(1, 4))
        assert data.groups == ("7", "7", "8")

    @pytest.mark.parametrize(
        ("arrays", "said"),
        [
            pytest.param({"X": np.zeros((2, 4))}, "no array of labels", id="no truth"),
            pytest.param({"y": np.array([0, 1])}, "no array for the model's input", id="no input"),
            pytest.param(
                {"X": np.zeros((2, 5)), "y": np.array([0, 1])}, "takes [1, 4]", id="other shape"
            ),
            pytest.param(
                {"X": np.zeros((3, 4)), "y": np.array([0, 1])}, "has 3 entries", id="other count"
            ),
            pytest.param(
                {"X": np.zeros((2, 4)), "y": np.array([0, 5])}, "holds 5", id="no such label"
            ),
            pytest.param(
                {"X": np.array([["a"] * 4] * 2), "y": np.array([0, 1])}, "numbers", id="words"
            ),
        ],
    )
    def test_arrays_that_do_not_fit_are_named(self, arrays, said, tmp_path) -> None:
        path = self.save(tmp_path / "a.npz", **arrays)
        with pytest.raises(InputError) as caught:
            read_labelled_data(path, CLASSES, self.options(1, 4))
        assert said in str(caught.value)

    def test_pickled_objects_are_refused(self, tmp_path) -> None:
        path = self.save(tmp_path / "a.npz", X=np.zeros((1, 4)), y=np.array([{}], dtype=object))
        with pytest.raises(InputError, match="cannot be read as NPZ"):
            read_labelled_data(path, CLASSES, self.options(1, 4))

    def test_a_truncated_file_is_one_line(self, tmp_path) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, X=np.zeros((2, 4)), y=np.array([0, 1]))
        path = tmp_path / "a.npz"
        path.write_bytes(buffer.getvalue()[:200])
        with pytest.raises(InputError, match="cannot be read as NPZ"):
            read_labelled_data(path, CLASSES, self.options(1, 4))


def test_what_is_not_there_is_not_found(tmp_path) -> None:
    with pytest.raises(InputNotFoundError):
        read_labelled_data(tmp_path / "nothing", CLASSES)


@pytest.mark.parametrize("text", ["file", "file=", "colour=red"])
def test_a_column_choice_that_means_nothing_is_wrong_use(text) -> None:
    with pytest.raises(UsageError, match="give KEY=COLUMN"):
        parse_columns(text)


def counted(data: LabelledData) -> dict:
    return {**data.class_counts(), "groups": len(set(data.groups)), "left out": len(data.left_out)}


@pytest.mark.shared_data
class TestRealData:
    def test_chest_films_of_children(self, shared_data) -> None:
        output = Output(
            name="o", kind="classification", labels=("NORMAL", "PNEUMONIA"), activation="softmax"
        )
        options = LabelledOptions(only_split="test")
        data = read_labelled_data(shared_data / "cxr-kermany" / "labels.csv", output, options)
        assert counted(data) == {"NORMAL": 234, "PNEUMONIA": 390, "groups": 624, "left out": 0}

    def test_chest_films_of_adults_by_patient(self, shared_data) -> None:
        output = Output(
            name="o", kind="multilabel", labels=("Pneumonia", "Edema"), activation="sigmoid"
        )
        options = LabelledOptions(
            columns=parse_columns("file=pneumonia_or_none_256/{image.stem}.jpg")
        )
        path = shared_data / "cxr-nih" / "pneumonia_or_none_labels.csv"
        data = read_labelled_data(path, output, options)
        assert counted(data) == {"Pneumonia": 490, "Edema": 94, "groups": 670, "left out": 0}

    def test_heart_beats_by_record(self, shared_data) -> None:
        output = Output(
            name="o", kind="classification", labels=tuple("NSVFQ"), activation="softmax"
        )
        options = LabelledOptions(inputs={"ecg": (1, 1, 260)})
        data = read_labelled_data(shared_data / "ecg-mitbih" / "beats_260.npz", output, options)
        assert data.class_counts() == {"N": 33715, "S": 281, "V": 1863, "F": 13, "Q": 3580}
        assert len(set(data.groups)) == 19

    def test_intensive_care_stays(self, shared_data) -> None:
        path = shared_data / "ehr-physionet2012" / "set_b_first_2000_processed.npz"
        data = read_labelled_data(path, RISK, LabelledOptions(inputs={"x": (1, 24, 41)}))
        assert data.class_counts() == {"death": 286}
        assert data.load(0)["x"].shape == (1, 24, 41)
