"""`--data LABELLED`: examples with what is true of them, from a folder, a table or arrays.

- a folder: one sub-folder a label, pictures inside;
- a CSV: a file column and a label column; or one 0/1 column a label; or a value column
  (`quantize.labelled_table`);
- an NPZ: `X` (or the inputs by name) and `y`; pictures as decoded pixels
  (`quantize.labelled_arrays`).

Nothing but names and truth is kept in memory: an example is read when it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError, InputNotFoundError, UsageError
from edge.source_name import show_source
from quantize.label_names import match_class_names

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = [
    "ColumnChoice",
    "LabelledData",
    "LabelledOptions",
    "parse_columns",
    "read_labelled_data",
    "read_picture",
]

_COLUMN_KEYS = ("file", "label", "value", "group", "split")


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Which column (or array) of a table says what; "" leaves it to the reader.

    Attributes:
        file: column of the file, or a pattern of columns: "{split}/{class}/{file}";
            "{image.stem}" is a column without its suffix.
        label: column of the label; several labels in one cell are parted by "|".
        value: column of the measured value, for regression.
        group: column of the patient, or whatever else belongs together.
        split: column of "train", "val", "test".
    """

    file: str = ""
    label: str = ""
    value: str = ""
    group: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class LabelledOptions:
    """How labelled data is read.

    Attributes:
        columns: which column says what.
        renamed: the model's label by the data's, where they differ.
        only_split: keep only the examples of this split; "" keeps all.
        inputs: shape with batch by input name, of what arrays hold.
        pictures: those of the inputs that are pictures, whose arrays hold decoded pixels.
        rows_are_examples: each row of the table is an example itself, not a file's name.
        read_file: a file -> what a model answers for; None reads pictures.
    """

    columns: ColumnChoice = field(default_factory=ColumnChoice)
    renamed: Mapping[str, str] = field(default_factory=dict)
    only_split: str = ""
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    pictures: frozenset[str] = frozenset()
    rows_are_examples: bool = False
    read_file: Callable[[Path], Any] | None = None


@dataclass(frozen=True, slots=True)
class LabelledData:
    """Examples and what is true of them.

    Attributes:
        output: the model's output that the truth is of.
        names: how each example is called in reports: a path, or a position in an array.
        truth: float64. Classification: (n,), position of the label. Multilabel: (n, labels), 1
            or 0, NaN where it is not known. Regression: (n, values), NaN where not known.
        groups: patient (or the like) of each example; its own name where none is given.
        splits: of each example; empty where none is given.
        load: position -> what a model answers for; raises InputError for one that cannot be read.
        assumed: what the data did not say itself, one sentence each.
        left_out: why, by name of a row or file that is no example.
    """

    output: Output
    names: tuple[str, ...]
    truth: NDArray[np.float64]
    groups: tuple[str, ...]
    splits: tuple[str, ...]
    load: Callable[[int], Any]
    assumed: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Position and example of each that can be read."""
        for at in range(len(self)):
            try:
                yield at, self.load(at)
            except InputError:
                continue

    def class_counts(self) -> dict[str, int]:
        """How many examples there are of each label; empty for regression."""
        labels = self.output.labels
        if self.output.kind == "classification":
            counts = np.bincount(self.truth.astype(np.int64), minlength=len(labels))
        elif self.output.kind == "multilabel":
            counts = np.nansum(self.truth, axis=0).astype(np.int64)
        else:
            return {}
        return dict(zip(labels, (int(count) for count in counts), strict=True))

    def part(self, positions: Sequence[int] | NDArray[np.int64]) -> LabelledData:
        """The examples at some positions."""
        chosen = [int(at) for at in positions]
        load = self.load
        return replace(
            self,
            names=tuple(self.names[at] for at in chosen),
            truth=self.truth[chosen],
            groups=tuple(self.groups[at] for at in chosen),
            splits=tuple(self.splits[at] for at in chosen) if self.splits else (),
            load=lambda at: load(chosen[at]),
        )


def parse_columns(text: str) -> ColumnChoice:
    """Read `file=image,label=dx,group=patient`.

    Raises:
        UsageError: a word is not KEY=COLUMN with one of the known keys.
    """
    found: dict[str, str] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        key, _, column = word.partition("=")
        if key not in _COLUMN_KEYS or not column:
            raise UsageError(
                f"--data-columns has {word!r}; give KEY=COLUMN, KEY one of "
                f"{', '.join(_COLUMN_KEYS)}"
            )
        found[key] = column
    return ColumnChoice(**found)


def read_picture(path: Path) -> Any:
    """Decode one picture file to a `Frame`.

    Raises:
        InputError: it cannot be read or is no picture.
    """
    from edge.decode import decode_image
    from edge.sources.image_files import read_image_bytes

    return decode_image(read_image_bytes(path), source=str(path))


def read_labelled_data(
    path: Path, output: Output, options: LabelledOptions | None = None
) -> LabelledData:
    """Read labelled data of any of the three forms.

    Args:
        path: a folder, a .csv (or .tsv, .txt) or an .npz file.
        output: the model's output that the truth is of.
        options: how it is read.

    Returns:
        At least one example.

    Raises:
        InputNotFoundError: there is no such file or folder.
        InputError: it is not such data, or its labels are not the model's; all faults together.
        UsageError: an option names what is not there.
    """
    chosen = options or LabelledOptions()
    if path.is_dir():
        data = _read_folder(path, output, chosen)
    elif not path.is_file():
        raise InputNotFoundError(f"{show_source(str(path))}: no such labelled data; check the name")
    elif path.suffix.lower() == ".npz":
        from quantize.labelled_arrays import read_arrays

        data = read_arrays(path, output, chosen)
    else:
        from quantize.labelled_table import read_table

        data = read_table(path, output, chosen)
    return _checked(path, _only_split(data, chosen.only_split))


def _read_folder(path: Path, output: Output, options: LabelledOptions) -> LabelledData:
    from edge.sources.image_files import IMAGE_SUFFIXES

    if output.kind == "regression":
        raise InputError(f"{path}: a folder of classes has no values; give a CSV of file and value")
    folders = sorted(
        each for each in path.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    if not folders:
        raise InputError(
            f"{show_source(str(path))}: no sub-folders; make one a label "
            f"({', '.join(output.labels[:4])}), or give a CSV"
        )
    truth_of = match_class_names([each.name for each in folders], output, options.renamed, path)
    files: list[Path] = []
    truth: list[Any] = []
    for folder in folders:
        pictures = sorted(
            each
            for each in folder.rglob("*")
            if each.suffix.lower() in IMAGE_SUFFIXES and each.is_file()
        )
        files += pictures
        truth += [truth_of[folder.name]] * len(pictures)
    names = tuple(each.relative_to(path).as_posix() for each in files)
    read = options.read_file or read_picture
    return LabelledData(
        output=output,
        names=names,
        truth=np.array(truth, dtype=np.float64),
        groups=names,
        splits=(),
        load=lambda at: read(files[at]),
    )


def _only_split(data: LabelledData, split: str) -> LabelledData:
    if not split:
        return data
    if not data.splits:
        raise UsageError(f"split '{split}' is asked for, but the data has no split column")
    kept = [at for at, each in enumerate(data.splits) if each == split]
    if not kept:
        known = ", ".join(sorted(set(data.splits)))
        raise UsageError(f"no example is of split '{split}'; the data has: {known}")
    return data.part(kept)


def _checked(path: Path, data: LabelledData) -> LabelledData:
    """Refuse what no figure can be made of."""
    shown = show_source(str(path))
    if len(data) == 0:
        reasons = "; ".join(list(data.left_out.values())[:1]) or "it is empty"
        raise InputError(f"{shown}: no labelled example can be used: {reasons}")
    counts = data.class_counts()
    present = [label for label, count in counts.items() if count > 0]
    if data.output.kind == "classification" and len(present) < 2:  # noqa: PLR2004 - two classes
        raise InputError(
            f"{shown}: all {len(data)} examples are '{present[0]}'; give examples of at least "
            "two labels"
        )
    if data.output.kind == "multilabel" and not _has_both(data.truth):
        raise InputError(
            f"{shown}: no label has both positive and negative examples "
            f"({len(data)} examples); give both"
        )
    return data


def _has_both(truth: NDArray[np.float64]) -> bool:
    return bool(((truth == 1).any(axis=0) & (truth == 0).any(axis=0)).any())
