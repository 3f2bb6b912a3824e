"""What types cannot say about a model's inputs."""

from __future__ import annotations

from math import isfinite, prod

from edge.bundle.faults import FaultList, shown
from edge.bundle.manifest import (
    ImageInput,
    Input,
    Resize,
    SeriesInput,
    TableInput,
    TensorInput,
    VectorInput,
)
from edge.bundle.value_checks import (
    check_filled,
    check_finite,
    check_name,
    check_positive,
    check_within,
    listed,
)

__all__ = ["MAX_SIDE_PIXELS", "MAX_VALUES", "check_input", "check_masks"]

MAX_SIDE_PIXELS = 8192
MAX_VALUES = 2**24
"""Values that one tensor input may have: 64 MiB of float32."""
_MAX_PIXEL = 255
_MAX_RANK = 8


def check_input(each: Input, path: str, faults: FaultList) -> None:
    """Find every fault of one input.

    Args:
        each: typed, otherwise untrusted.
        path: where it stands, like `inputs[0]`.
        faults: takes one entry for each fault.
    """
    check_name(each.name, f"{path}.name", faults)
    if isinstance(each, ImageInput):
        _check_image(each, path, faults)
        return
    _check_shape(each, path, faults)
    if isinstance(each, SeriesInput):
        _check_series(each, path, faults)
    elif isinstance(each, TableInput):
        _check_table(each, path, faults)
    else:
        _check_vector(each, path, faults)


def check_masks(inputs: tuple[Input, ...], faults: FaultList) -> None:
    """Find every mask that does not fit the series that it is of; as `check_input`."""
    series = {
        each.name: each for each in inputs if isinstance(each, SeriesInput) and not each.mask_of
    }
    for index, each in enumerate(inputs):
        if not isinstance(each, SeriesInput) or not each.mask_of:
            continue
        path = f"inputs[{index}].mask_of"
        of = series.get(each.mask_of)
        if of is None:
            faults.add(path, f"{shown(each.mask_of)} is no series among inputs")
            continue
        same = (each.shape, each.axes, each.channels) == (of.shape, of.axes, of.channels)
        faults.check(same, path, "has another shape, axes or channels than its series")
        is_plain = each.gap_rule == "none" and each.mean == (0.0,) and each.std == (1.0,)
        faults.check(
            is_plain and each.clip is None,
            path,
            "is 0 or 1 as it is; leave out gap_rule, mean, std and clip",
        )


def _check_image(each: ImageInput, path: str, faults: FaultList) -> None:
    _check_resize(each.resize, f"{path}.resize", faults)
    channels = 1 if each.colour == "grey" else 3
    size = (each.resize.height, each.resize.width)
    expected = (1, channels, *size) if each.layout == "NCHW" else (1, *size, channels)
    faults.check(
        each.shape == expected,
        f"{path}.shape",
        f"must be {list(expected)} by layout, colour and resize, not {listed(each.shape)}",
    )
    _check_standardisation(each, channels, path, faults)
    faults.check(
        isfinite(each.scale) and each.scale != 0,
        f"{path}.scale",
        f"must be finite and not 0, not {shown(each.scale)}",
    )
    faults.check(
        each.dtype != "uint8" or each.normalisation_in_graph,
        f"{path}.dtype",
        "uint8 cannot hold normalised values; set normalisation_in_graph or use float32",
    )


def _check_standardisation(
    each: ImageInput | SeriesInput | TableInput, channels: int, path: str, faults: FaultList
) -> None:
    for name in ("mean", "std"):
        _check_count(len(getattr(each, name)), {1, channels}, f"{path}.{name}", faults)
    for index, mean in enumerate(each.mean):
        check_finite(mean, f"{path}.mean[{index}]", faults)
    for index, std in enumerate(each.std):
        check_positive(std, f"{path}.std[{index}]", faults)


def _check_count(count: int, allowed: set[int], path: str, faults: FaultList) -> None:
    expected = " or ".join(map(str, sorted(allowed)))
    faults.check(
        count in allowed, path, f"must have {expected} values (one, or one a channel), not {count}"
    )


def _check_shape(each: TensorInput, path: str, faults: FaultList) -> None:
    shape = each.shape
    least = 1 if isinstance(each, VectorInput) else 2
    is_right = least <= len(shape) <= _MAX_RANK and shape[0] == 1
    is_right = is_right and all(size > 0 for size in shape)
    faults.check(
        is_right,
        f"{path}.shape",
        f"must be {least} to {_MAX_RANK} positive sizes, the first (the batch) 1, "
        f"not {listed(shape)}",
    )
    faults.check(
        not is_right or prod(shape) <= MAX_VALUES,
        f"{path}.shape",
        f"has more than {MAX_VALUES} values",
    )


def _check_series(each: SeriesInput, path: str, faults: FaultList) -> None:
    count = len(each.channels)
    channel_axis = -1 if each.axes == "TC" else -2
    _check_named_axis(each.shape, channel_axis, 3, each.channels, f"{path}.channels", faults)
    _check_names(each.units, count, f"{path}.units", faults)
    _check_standardisation(each, count, path, faults)
    _check_count(len(each.fill), {0, 1, count}, f"{path}.fill", faults)
    for index, value in enumerate(each.fill):
        check_finite(value, f"{path}.fill[{index}]", faults)
    faults.check(
        not each.fill or each.gap_rule != "none",
        f"{path}.fill",
        'fills nothing by gap_rule "none"; give forward_fill or mean, or leave it out',
    )
    if each.sampling_rate_hz is not None:
        check_positive(each.sampling_rate_hz, f"{path}.sampling_rate_hz", faults)
    check_name(each.step, f"{path}.step", faults, may_be_empty=True)
    if each.clip is not None:
        low, high = each.clip
        is_right = isfinite(low) and isfinite(high) and low < high
        faults.check(is_right, f"{path}.clip", "must be two finite numbers, the lower first")
    _check_whole(each, path, faults)


def _check_named_axis(
    shape: tuple[int, ...],
    axis: int,
    rank: int,
    names: tuple[str, ...],
    path: str,
    faults: FaultList,
) -> None:
    """Names are as many as their axis is long; all axes before time and channel are 1."""
    check_filled(list(names), path, "", faults)
    for index, name in enumerate(names):
        check_name(name, f"{path}[{index}]", faults)
    is_right = len(shape) >= rank and shape[axis] == len(names)
    is_right = is_right and all(size == 1 for size in shape[: 1 - rank])
    faults.check(
        is_right, path, f"are {len(names)}, which does not fit shape {listed(shape)}: see its axes"
    )


def _check_names(texts: tuple[str, ...], count: int, path: str, faults: FaultList) -> None:
    _check_count(len(texts), {0, count}, path, faults)
    for index, text in enumerate(texts):
        check_name(text, f"{path}[{index}]", faults, may_be_empty=True)


def _check_table(each: TableInput, path: str, faults: FaultList) -> None:
    count = len(each.columns)
    _check_named_axis(each.shape, -1, 2, each.columns, f"{path}.columns", faults)
    _check_names(each.units, count, f"{path}.units", faults)
    _check_standardisation(each, count, path, faults)
    _check_count(len(each.fill), {0, 1, count}, f"{path}.fill", faults)
    for index, value in enumerate(each.fill):
        if value is not None:
            check_finite(value, f"{path}.fill[{index}]", faults)
    for column, words in each.vocabularies.items():
        where = f"{path}.vocabularies[{shown(column)}]"
        faults.check(column in each.columns, where, "is not a column")
        _check_words(words, where, faults)
    _check_whole(each, path, faults)


def _check_vector(each: VectorInput, path: str, faults: FaultList) -> None:
    check_name(each.unit, f"{path}.unit", faults, may_be_empty=True)
    check_finite(each.mean, f"{path}.mean", faults)
    check_positive(each.std, f"{path}.std", faults)
    if each.fill is not None:
        check_finite(each.fill, f"{path}.fill", faults)
    if each.vocabulary:
        _check_words(each.vocabulary, f"{path}.vocabulary", faults)
    _check_whole(each, path, faults)


def _check_words(words: tuple[str, ...], path: str, faults: FaultList) -> None:
    check_filled(list(words), path, "", faults)
    for index, word in enumerate(words):
        check_name(word, f"{path}[{index}]", faults)


def _check_whole(each: TensorInput, path: str, faults: FaultList) -> None:
    """Whole numbers are not standardised: they count or name, and would be cut off."""
    if each.dtype == "float32":
        return
    is_standard = each.mean in {0.0, (0.0,)} and each.std in {1.0, (1.0,)}
    faults.check(
        is_standard, f"{path}.dtype", f"{each.dtype} is given as it is; leave out mean and std"
    )
    fill = each.fill if isinstance(each.fill, tuple) else (each.fill,)
    is_whole = all(value is None or not isfinite(value) or value == int(value) for value in fill)
    faults.check(is_whole, f"{path}.fill", f"must be whole numbers for {each.dtype}")


def _check_resize(resize: Resize, path: str, faults: FaultList) -> None:
    check_within(resize.width, (1, MAX_SIDE_PIXELS), f"{path}.width", faults)
    check_within(resize.height, (1, MAX_SIDE_PIXELS), f"{path}.height", faults)
    check_within(resize.pad_value, (0, _MAX_PIXEL), f"{path}.pad_value", faults)
    fraction = resize.crop_fraction
    faults.check(
        0 < fraction <= 1,
        f"{path}.crop_fraction",
        f"must be above 0 and at most 1, not {shown(fraction)}",
    )
