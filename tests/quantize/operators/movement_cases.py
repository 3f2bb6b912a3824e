"""Operators that move, cut, join, choose and reduce."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import numpy_helper
from random_model import Case, RandomModel

ONE = (17,)
AXES_AS_INPUT = 13


def with_axes(model: RandomModel, op: str, source: str, axes: list[int], since: int, **more: Any):
    """Axes as an attribute, or, from opset `since` on, as an input."""
    if model.opset < since:
        return model.node(op, source, axes=axes, **more)
    return model.node(op, source, model.constant(axes, np.int64), **more)


def reduction(op: str, low: float = -2.0, high: float = 2.0):
    since = 13 if op == "ReduceSum" else 18

    def build(model: RandomModel) -> str:
        rank = model.size(2, 4)
        source = model.input(model.shape(rank), low=low, high=high)
        keepdims = model.pick(0, 1)
        count = model.size(0, rank)
        if count == 0:
            return model.node(op, source, keepdims=keepdims)
        axes = sorted(model.random.choice(rank, count, replace=False).tolist())
        axes = [axis - model.pick(0, rank) for axis in axes]
        return with_axes(model, op, source, axes, since, keepdims=keepdims)

    return build


def spatial_reduction(op: str):
    def build(model: RandomModel) -> str:
        source = model.node("Relu", model.input(model.shape(4, 2)))
        return with_axes(model, op, source, [2, 3], 18, keepdims=model.pick(0, 1))

    return build


def reshape(model: RandomModel) -> str:
    rows, columns = model.size(1, 4), model.size(1, 4)
    source = model.input((1, rows, columns, 2))
    target = model.pick([1, -1], [0, 0, -1], [-1, 2], [1, 2, rows, columns])
    return model.node("Reshape", source, model.constant(target, np.int64))


def computed_reshape(model: RandomModel) -> str:
    """The shape arithmetic that exporters write."""
    source = model.input(model.shape(3))
    sizes = model.node("Shape", source)
    first = model.node("Gather", sizes, model.constant(0, np.int64), axis=0)
    row = model.node("Unsqueeze", first, model.constant([0], np.int64))
    target = model.node("Concat", row, model.constant([-1], np.int64), axis=0)
    return model.node("Reshape", source, target)


def flatten(model: RandomModel) -> str:
    return model.node("Flatten", model.input(model.shape(4)), axis=model.size(0, 3))


def squeeze(model: RandomModel) -> str:
    source = model.input((1, model.size(), 1, model.size()))
    return with_axes(model, "Squeeze", source, model.pick([0], [2], [0, -2]), AXES_AS_INPUT)


def unsqueeze(model: RandomModel) -> str:
    source = model.input(model.shape(3))
    return with_axes(model, "Unsqueeze", source, model.pick([0], [2], [1, 4]), AXES_AS_INPUT)


def transpose(model: RandomModel) -> str:
    rank = model.size(2, 5)
    source = model.input(model.shape(rank))
    if model.pick(True, False):
        return model.node("Transpose", source)
    return model.node("Transpose", source, perm=model.random.permutation(rank).tolist())


def concat(model: RandomModel) -> str:
    shape = list(model.shape(4))
    axis = model.size(1, 3)
    names = []
    for _ in range(model.size(1, 3)):
        shape[axis] = model.size()
        names.append(model.input(shape) if model.pick(True, True, False) else model.weight(*shape))
    names.append(model.input(shape))
    return model.node("Concat", *names, axis=axis - model.pick(0, 4))


def split(model: RandomModel) -> list[str]:
    parts = [model.size(1, 4) for _ in range(model.size(2, 3))]
    source = model.input((1, sum(parts), 3))
    if model.opset < AXES_AS_INPUT:
        return model.nodes("Split", source, count=len(parts), axis=1, split=parts)
    sizes = model.constant(parts, np.int64)
    return model.nodes("Split", source, sizes, count=len(parts), axis=-2)


def even_split(model: RandomModel) -> list[str]:
    count, size = model.size(2, 3), model.size(1, 4)
    source = model.input((1, 2, count * size))
    more = {"num_outputs": count} if model.opset >= 18 else {}
    return model.nodes("Split", source, count=count, axis=2, **more)


def slice_(model: RandomModel) -> str:
    shape = model.shape(4, 2)
    axes = sorted(model.random.choice(4, 2, replace=False).tolist())
    starts = [int(model.random.integers(-shape[axis], shape[axis])) for axis in axes]
    steps = [model.pick(1, 2) for _ in axes]
    starts = [start % shape[axis] for start, axis in zip(starts, axes, strict=True)]
    ends = [model.pick(2**31 - 1, start + 1, 100) for start in starts]
    names = [model.constant(each, np.int64) for each in (starts, ends, axes, steps)]
    return model.node("Slice", model.input(shape), *names)


def reversed_slice(model: RandomModel) -> str:
    names = [model.constant([each], np.int64) for each in (-1, -(2**31), 2, -1)]
    return model.node("Slice", model.input(model.shape(3)), *names)


def slice_without_axes(model: RandomModel) -> str:
    names = [model.constant(each, np.int64) for each in ([0, 1], [1, -1])]
    return model.node("Slice", model.input((1, model.size(3, 6), 2)), *names)


def gather_slice(model: RandomModel) -> str:
    positions = model.pick([1], [0, 2], [1, 2, 3], 2, -1, [[1]])
    return model.node("Gather", model.input((1, 4, 3)), model.constant(positions, np.int64), axis=1)


def gather_channels(model: RandomModel) -> str:
    order = model.random.permutation(4)
    return model.node("Gather", model.input((1, 4, 3)), model.constant(order, np.int64), axis=1)


def embedding(model: RandomModel) -> str:
    rows = model.size(3, 8)
    kind = model.pick("int64", "int32")
    positions = model.input((1, model.size(1, 5)), kind, 0, rows - 1)
    return model.node("Gather", model.weight(rows, 4), positions)


def computed_gather(model: RandomModel) -> str:
    source = model.input((1, 5, 3))
    return model.node("Gather", source, model.input((1, 2), "int64", -5, 4), axis=1)


def reverse_sequence(model: RandomModel) -> str:
    steps = model.size(2, 6)
    length = model.constant([model.pick(steps, model.size(1, steps))], np.int64)
    time_axis = model.pick(0, 1)
    shape = (1, steps, 3) if time_axis else (steps, 1, 3)
    source = model.node("Reshape", model.input((1, steps, 3)), model.constant(shape, np.int64))
    return model.node(
        "ReverseSequence", source, length, time_axis=time_axis, batch_axis=1 - time_axis
    )


def gather_nd(model: RandomModel) -> str:
    return model.node("GatherND", model.input((1, 4, 3)), model.input((1, 2, 2), "int64", 0, 0))


def compress(model: RandomModel) -> str:
    kept = model.pick([1, 0, 1], [0, 1, 1])
    return model.node("Compress", model.input((1, 3, 4)), model.constant(kept, np.bool_), axis=1)


def expand(model: RandomModel) -> str:
    shape = (1, model.pick(1, 3), 1)
    target = model.pick([1, 3, 4], [2, 1, 3, 5], [1, 1, 1])
    return model.node("Expand", model.input(shape), model.constant(target, np.int64))


def tile(model: RandomModel) -> str:
    repeats = [model.size(1, 3) for _ in range(3)]
    return model.node("Tile", model.input(model.shape(3)), model.constant(repeats, np.int64))


def pad(mode: str):
    def build(model: RandomModel) -> str:
        shape = model.shape(4, 3)
        pads = [
            0,
            0,
            *(model.size(0, 2) for _ in range(2)),
            0,
            0,
            *(model.size(0, 2) for _ in "ab"),
        ]
        source = model.input(shape)
        if mode == "constant" and model.pick(True, False):
            value = model.constant(float(model.random.uniform(-1, 1)))
            return model.node("Pad", source, model.constant(pads, np.int64), value)
        return model.node("Pad", source, model.constant(pads, np.int64), mode=mode)

    return build


def pad_of_axes(model: RandomModel) -> str:
    names = [model.constant(each, np.int64) for each in ([1, 0, 2, 1], [-1, 1])]
    return model.node("Pad", model.input(model.shape(3)), names[0], "", names[1])


def crop(model: RandomModel) -> str:
    pads = model.pick([0, -1, 0, 0, 0, -1], [0, -1, 2, 0, 1, -1])
    return model.node("Pad", model.input((1, 4, 4)), model.constant(pads, np.int64))


def depth_to_space(model: RandomModel) -> str:
    block = model.pick(2, 3)
    source = model.input((1, block * block * model.size(1, 3), model.size(), model.size()))
    return model.node("DepthToSpace", source, blocksize=block, mode=model.pick("DCR", "CRD"))


def pixel_shuffle(model: RandomModel) -> str:
    wide = model.node("Conv", model.input((1, 2, 4, 5)), model.weight(12, 2, 1, 1))
    return model.node("DepthToSpace", wide, blocksize=2, mode="CRD")


def space_to_depth(model: RandomModel) -> str:
    block = model.pick(2, 3)
    source = model.input((1, model.size(), block * model.size(1, 3), block * model.size(1, 3)))
    return model.node("SpaceToDepth", source, blocksize=block)


def resize(model: RandomModel) -> str:
    mode = model.pick("nearest", "linear")
    where = model.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    source = model.input(model.shape(4, 2))
    rounding = (
        {"nearest_mode": model.pick("floor", "round_prefer_floor")} if mode == "nearest" else {}
    )
    scales = model.constant([1, 1, model.pick(2, 1.5), model.pick(2, 3, 0.5)])
    empty = model.constant([], np.float32)
    return model.node(
        "Resize", source, empty, scales, mode=mode, coordinate_transformation_mode=where, **rounding
    )


def resize_linear(model: RandomModel) -> str:
    """Scales that do not divide the sizes, which TFLite's own rules do not know."""
    shape = (1, model.size(1, 3), model.size(3, 9), model.size(3, 9))
    scales = model.constant([1, 1, model.pick(1.4, 0.6, 2.3, 1), model.pick(1.7, 0.45, 2, 3)])
    where = model.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    return model.node(
        "Resize",
        model.input(shape),
        model.constant([], np.float32),
        scales,
        mode="linear",
        coordinate_transformation_mode=where,
    )


def resize_to_size(model: RandomModel) -> str:
    shape = model.shape(4, 2)
    sizes = model.constant([1, shape[1], model.size(1, 9), model.size(1, 9)], np.int64)
    return model.node(
        "Resize", model.input(shape), "", "", sizes, mode=model.pick("linear", "nearest")
    )


def resize_series(model: RandomModel) -> str:
    scales = model.constant([1, 1, model.pick(2, 3)])
    where = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return model.node("Resize", model.input(model.shape(3, 2)), "", scales, mode="nearest", **where)


def resize_axes(model: RandomModel) -> str:
    scales = model.constant([2.0, 3.0])
    return model.node("Resize", model.input(model.shape(4, 2)), "", scales, axes=[3, 2])


def softmax(op: str):
    def build(model: RandomModel) -> str:
        rank = model.size(2, 4)
        return model.node(op, model.input(model.shape(rank)), axis=model.size(0, rank - 1))

    return build


def argument(op: str):
    def build(model: RandomModel) -> str:
        rank = model.size(2, 4)
        source = model.input(model.shape(rank, 2))
        return model.node(op, source, axis=model.size(1, rank - 1), keepdims=model.pick(0, 1))

    return build


def top_k(model: RandomModel) -> list[str]:
    rank = model.size(2, 3)
    shape = model.shape(rank, 3)
    axis = model.size(1, rank - 1)
    count = model.constant([model.size(1, 3)], np.int64)
    source = model.input(shape)
    return model.nodes("TopK", source, count, count=2, axis=axis, largest=model.pick(0, 1))


def cumulative_sum(model: RandomModel) -> str:
    axis = model.constant(model.size(0, 2), np.int64)
    return model.node(
        "CumSum",
        model.input(model.shape(3)),
        axis,
        exclusive=model.pick(0, 1),
        reverse=model.pick(0, 1),
    )


def one_hot(model: RandomModel) -> str:
    kind = model.pick("int64", "int32")
    positions = model.input((1, model.size(1, 5)), kind, -5, 5)
    values = model.constant(model.pick([0.0, 1.0], [-1.0, 2.0]))
    depth = model.constant(model.size(2, 5), kind)
    return model.node("OneHot", positions, depth, values, axis=model.pick(-1, 1))


def triangle(model: RandomModel) -> str:
    source = model.input((1, model.size(2, 5), model.size(2, 5)))
    return model.node(
        "Trilu", source, model.constant(model.size(-1, 1), np.int64), upper=model.pick(0, 1)
    )


def constants_by_shape(model: RandomModel) -> str:
    """Constant, Shape, Size, ConstantOfShape, Range, EyeLike and NonZero are computed once."""
    source = model.input(model.shape(2))
    zeros = model.node("ConstantOfShape", model.node("Shape", source))
    eye = model.node("EyeLike", zeros)
    count = model.node("Size", source)
    zero, one = (
        model.node("Constant", value=numpy_helper.from_array(np.int64(each))) for each in (0, 1)
    )
    numbers = model.node("Cast", model.node("Range", zero, count, one), to=1)
    first = model.node("ReduceMax", numbers, keepdims=0)
    places = model.node("Cast", model.node("NonZero", eye), to=1)
    total = model.node("Add", first, model.node("ReduceMax", places, keepdims=0))
    return model.node("Add", model.node("Add", source, eye), total)


REDUCTION_CASES = [
    *(
        Case(f"Reduce{kind}", reduction(f"Reduce{kind}"), (11, 13, 17, 18))
        for kind in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp")
    ),
    Case("ReduceLogSum", reduction("ReduceLogSum", 0.1), (11, 17, 18)),
    *(Case(f"{op} spatial", spatial_reduction(op), (17, 18)) for op in ("ReduceMean", "ReduceMax")),
    *(Case(op, softmax(op), (11, 13, 17)) for op in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(op, argument(op), (11, 13, 17)) for op in ("ArgMax", "ArgMin")),
    Case("TopK", top_k, (11, 17)),
    Case("CumSum", cumulative_sum, (11, 17)),
]

MOVEMENT_CASES = [
    Case("Reshape", reshape, (11, 14, 17)),
    Case("Reshape to a computed shape", computed_reshape, (13, 17)),
    Case("Flatten", flatten, (11, 13, 17)),
    Case("Squeeze", squeeze, (11, 13, 17)),
    Case("Unsqueeze", unsqueeze, (11, 13, 17)),
    Case("Transpose", transpose, (11, 17)),
    Case("Concat", concat, (11, 17)),
    Case("Split", split, (11, 13, 17)),
    Case("Split evenly", even_split, (11, 17, 18)),
    Case("Slice", slice_, (11, 13, 17)),
    Case("Slice reversed", reversed_slice, ONE),
    Case("Slice without axes", slice_without_axes, ONE),
    Case("Gather of a slice", gather_slice, (11, 17)),
    Case("Gather of channels", gather_channels, ONE),
    Case("Gather from a table", embedding, (11, 17)),
    Case("Gather at computed positions", computed_gather, ONE),
    Case("GatherND", gather_nd, (12, 17)),
    Case("Compress", compress, (11, 17)),
    Case("ReverseSequence", reverse_sequence, (11, 17)),
    Case("Expand", expand, (11, 17)),
    Case("Tile", tile, (11, 17)),
    *(Case(f"Pad {mode}", pad(mode), (11, 13, 17)) for mode in ("constant", "reflect", "edge")),
    Case("Pad wrap", pad("wrap"), (19,)),
    Case("Pad of some axes", pad_of_axes, (18,)),
    Case("Pad that crops", crop, ONE),
    Case("DepthToSpace", depth_to_space, (11, 17)),
    Case("DepthToSpace after Conv", pixel_shuffle, ONE),
    Case("SpaceToDepth", space_to_depth, (11, 17)),
    Case("Resize", resize, (11, 13, 17)),
    Case("Resize linear by any scale", resize_linear, (11, 13, 17)),
    Case("Resize to a size", resize_to_size, (13, 17, 19)),
    Case("Resize of a series", resize_series, (13, 17)),
    Case("Resize of some axes", resize_axes, (18,)),
    Case("OneHot", one_hot, (11, 17)),
    Case("Trilu", triangle, (14, 17)),
    Case("Constant ConstantOfShape Shape Size Range EyeLike NonZero", constants_by_shape, (11, 17)),
]
