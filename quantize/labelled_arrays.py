"""An NPZ file of inputs and truth."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError, UsageError
from edge.source_name import show_source
from quantize.examples.picture_arrays import picture_reader
from quantize.label_names import match_class_names
from quantize.labelled_data import LabelledData, LabelledOptions

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["read_arrays"]

_TRUTH_NAMES = ("y", "Y", "label", "labels", "target", "targets")
_INPUT_NAMES = ("X", "x")
_GROUP_NAMES = ("group", "groups", "patient", "patient_id", "subject", "record")
_SPLIT_NAMES = ("split",)


def read_arrays(path: Path, output: Output, options: LabelledOptions) -> LabelledData:
    """Read inputs and truth from an NPZ file; pickled objects in it are refused.

    Args:
        path: the file.
        output: the model's output.
        options: `inputs` must name the model's; `columns` may name the arrays.

    Raises:
        InputError: it is damaged, or an array does not fit the model.
        UsageError: an option names an array that is not there.
    """
    arrays = _load(path)
    columns = options.columns
    truth_name = _choose(arrays, columns.label or columns.value, _TRUTH_NAMES, path, is_needed=True)
    group_name = _choose(arrays, columns.group, _GROUP_NAMES, path)
    split_name = _choose(arrays, columns.split, _SPLIT_NAMES, path)
    count = len(arrays[truth_name])
    inputs = {
        name: _input_array(arrays, name, shape, options, path)
        for name, shape in options.inputs.items()
    }
    chosen = {**inputs, truth_name: arrays[truth_name]}
    chosen.update({name: arrays[name] for name in (group_name, split_name) if name})
    for name, each in chosen.items():
        if each.ndim == 0 or len(each) != count:
            raise InputError(
                f"{path}: array '{name}' has {each.shape[0] if each.ndim else 0} entries, but "
                f"'{truth_name}' has {count}; they must be of the same examples"
            )
    names = tuple(f"{path.name}[{at}]" for at in range(count))
    return LabelledData(
        output=output,
        names=names,
        truth=_truth(arrays[truth_name], truth_name, output, options, path),
        # Not their names: the draw of a split must not change when a file is renamed.
        groups=_words(arrays[group_name]) if group_name else tuple(map(str, range(count))),
        splits=_words(arrays[split_name]) if split_name else (),
        load=_loader(inputs, options, path),
        assumed=(f"grouped by array '{group_name}'",) if group_name and not columns.group else (),
    )


def _loader(
    arrays: Mapping[str, NDArray[Any]], options: LabelledOptions, path: Path
) -> Callable[[int], Any]:
    """Position -> a lone picture, or what is given by input name."""
    frames = {
        name: picture_reader(arrays[name], name, path.name)
        for name in arrays
        if name in options.pictures
    }
    shapes = dict(options.inputs)
    if len(arrays) == len(frames) == 1:
        return next(iter(frames.values()))
    return lambda at: {
        name: frames[name](at)
        if name in frames
        else np.ascontiguousarray(each[at].reshape(shapes[name]), dtype=_plain(each.dtype))
        for name, each in arrays.items()
    }


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # NumPy leaves a file that it opened itself open where it is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{show_source(str(path))}: cannot be read as NPZ: {reason}; save it with "
            "numpy.savez(file, X=..., y=...)"
        ) from error


def _choose(
    arrays: Mapping[str, NDArray[Any]],
    asked: str,
    usual: Sequence[str],
    path: Path,
    *,
    is_needed: bool = False,
) -> str:
    held = ", ".join(sorted(arrays))
    if asked:
        if asked not in arrays:
            raise UsageError(f"{path} has no array '{asked}'; it has: {held}")
        return asked
    found = next((name for name in usual if name in arrays), "")
    if is_needed and not found:
        raise InputError(
            f"{path} has no array of labels ({', '.join(usual)}), it has: {held}; name it with "
            "--data-columns label=..."
        )
    return found


def _input_array(
    arrays: Mapping[str, NDArray[Any]],
    name: str,
    shape: tuple[int, ...],
    options: LabelledOptions,
    path: Path,
) -> NDArray[Any]:
    usual = (name, *_INPUT_NAMES) if len(options.inputs) == 1 else (name,)
    found = next((each for each in usual if each in arrays), None)
    if found is None:
        raise InputError(
            f"{path} has no array for the model's input '{name}'; it has: "
            f"{', '.join(sorted(arrays))}; name the array as the input is named"
        )
    array = arrays[found]
    if name in options.pictures:
        picture_reader(array, found, str(path))  # refuses what is no pixels
        return array
    # A batch axis of one, or axes of size one anywhere, may be left out of the stored array.
    kept = tuple(size for size in array.shape[1:] if size != 1)
    if kept != tuple(size for size in shape if size != 1) or array.ndim == 0:
        raise InputError(
            f"{path}: array '{found}' holds examples of shape {list(array.shape[1:])}, but the "
            f"model's input '{name}' takes {list(shape)}"
        )
    if array.size and prod(array.shape[1:]) != prod(shape):
        raise InputError(f"{path}: array '{found}' has the wrong number of values")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{path}: array '{found}' holds {array.dtype}; numbers are needed")
    return array


def _plain(dtype: np.dtype[Any]) -> Any:
    return np.float32 if dtype.kind == "f" else dtype


def _truth(
    array: NDArray[Any], name: str, output: Output, options: LabelledOptions, path: Path
) -> NDArray[np.float64]:
    if array.dtype.kind in "US":
        return _truth_of_words(_words(array), output, options, path)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{path}: array '{name}' holds {array.dtype}; numbers or words are needed")
    values = array.astype(np.float64)
    labels = len(output.labels)
    if output.kind == "classification":
        return _positions(values.reshape(len(values), -1), name, labels, path)
    values = values.reshape(len(values), -1)
    if values.shape[1] != labels:
        raise InputError(
            f"{path}: array '{name}' has {values.shape[1]} values an example, but the model has "
            f"{labels} outputs"
        )
    if output.kind == "multilabel":
        strange = values[np.isfinite(values) & ~np.isin(values, (0.0, 1.0, -1.0))]
        if strange.size:
            raise InputError(f"{path}: array '{name}' holds {strange[0]:g}; give 0, 1, or -1")
        return np.where(values < 0, np.nan, values)
    return values


def _positions(
    values: NDArray[np.float64], name: str, labels: int, path: Path
) -> NDArray[np.float64]:
    if values.shape[1] == labels and labels > 1 and set(np.unique(values)) <= {0.0, 1.0}:
        if not (values.sum(axis=1) == 1).all():
            raise InputError(f"{path}: a row of '{name}' is not of exactly one label")
        return np.asarray(values.argmax(axis=1), dtype=np.float64)
    flat = values.reshape(-1)
    if values.shape[1] != 1 or not np.isin(flat, np.arange(labels)).all():
        strange = flat[~np.isin(flat, np.arange(labels))][:1]
        shown = f"{strange[0]:g}" if strange.size else f"rows of {values.shape[1]}"
        raise InputError(
            f"{path}: array '{name}' holds {shown}; give the position of the label, 0 to "
            f"{labels - 1}"
        )
    return flat


def _truth_of_words(
    words: Sequence[str], output: Output, options: LabelledOptions, path: Path
) -> NDArray[np.float64]:
    if output.kind == "regression":
        raise InputError(f"{path}: the truth is words, but the model gives values")
    truth_of = match_class_names(tuple(dict.fromkeys(words)), output, options.renamed, path)
    return np.array([truth_of[word] for word in words], dtype=np.float64)


def _words(array: NDArray[Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in array.reshape(len(array), -1)[:, 0].tolist())
