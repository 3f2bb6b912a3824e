"""Layers: convolution, pooling, normalisation, products of matrices, recurrence."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_model import Case, RandomModel

ONE = (17,)
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def window(model: RandomModel, rank: int, *, dilated: bool = True) -> dict[str, Any]:
    """Kernel, strides, dilations and padding of `rank` axes."""
    kernel = [model.size(1, 3) for _ in range(rank)]
    found: dict[str, Any] = {
        "kernel_shape": kernel,
        "strides": [model.size(1, 2) for _ in range(rank)],
    }
    if dilated and model.pick(True, False):
        found["dilations"] = [model.size(1, 2) for _ in range(rank)]
    padding = model.pick("pads", "auto", "none")
    if padding == "pads":
        found["pads"] = [model.size(0, each - 1) for each in kernel * 2]
    elif padding == "auto":
        found["auto_pad"] = model.pick("SAME_UPPER", "SAME_LOWER", "VALID")
        found["strides"] = [min(pair) for pair in zip(found["strides"], kernel, strict=True)]
        found.pop("dilations", None)
    return found


def conv(rank: int):
    def build(model: RandomModel) -> str:
        group = model.pick(1, 2)
        before, after = group * model.size(1, 3), group * model.size(1, 3)
        attributes = window(model, rank)
        weights = model.weight(after, before // group, *attributes["kernel_shape"])
        bias = [model.weight(after)] if model.pick(True, False) else []
        source = model.input((1, before, *(model.size(5, 9) for _ in range(rank))))
        return model.node("Conv", source, weights, *bias, group=group, **attributes)

    return build


def conv_transpose(rank: int):
    def build(model: RandomModel) -> str:
        group = model.pick(1, 1, 2)
        before, after = group * model.size(1, 3), model.size(1, 3)
        kernel = [model.size(1, 5) for _ in range(rank)]
        strides = [model.size(1, 3) for _ in range(rank)]
        attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "group": group}
        padding = model.pick("pads", "auto", "none", "output")
        if padding == "pads":
            attributes["pads"] = [model.size(0, min(each - 1, 2)) for each in kernel * 2]
            attributes["output_padding"] = [model.size(0, each - 1) for each in strides]
        elif padding == "auto":
            attributes["auto_pad"] = model.pick("SAME_UPPER", "SAME_LOWER")
        elif model.pick(True, False):
            attributes["dilations"] = [model.size(1, 2) for _ in range(rank)]
        sizes = [model.size(4, 6) for _ in range(rank)]
        if padding == "output":
            extents = [
                (each - 1) * (attributes.get("dilations") or [1] * rank)[at] + 1
                for at, each in enumerate(kernel)
            ]
            attributes["output_shape"] = [
                strides[at] * (sizes[at] - 1) + extents[at] - model.size(0, 1)
                if extents[at] > 1
                else strides[at] * (sizes[at] - 1) + 1
                for at in range(rank)
            ]
        weights = model.weight(before, after, *kernel)
        bias = [model.weight(after * group)] if model.pick(True, False) else []
        return model.node(
            "ConvTranspose", model.input((1, before, *sizes)), weights, *bias, **attributes
        )

    return build


def pool(op: str, rank: int):
    def build(model: RandomModel) -> str:
        attributes = window(model, rank, dilated=False)
        if op == "AveragePool":
            attributes["count_include_pad"] = model.pick(0, 1)
        source = model.input((1, model.size(1, 3), *(model.size(5, 9) for _ in range(rank))))
        return model.node(op, source, **attributes)

    return build


def global_pool(op: str, **attributes: Any):
    def build(model: RandomModel) -> str:
        rank = model.pick(3, 4)
        return model.node(op, model.input(model.shape(rank)), **attributes)

    return build


def batch_norm(model: RandomModel) -> str:
    shape = model.shape(model.pick(2, 3, 4))
    channels = shape[1]
    names = [model.weight(channels) for _ in range(3)] + [model.weight(channels, low=0.5)]
    return model.node("BatchNormalization", model.input(shape), *names)


def batch_norm_before_conv(model: RandomModel) -> str:
    names = [model.weight(4) for _ in range(3)] + [model.weight(4, low=0.5)]
    normal = model.node("BatchNormalization", model.input((1, 4, 5, 5)), *names)
    group = model.pick(1, 2)
    pads = model.pick([0] * 4, [1] * 4)
    return model.node("Conv", normal, model.weight(6, 4 // group, 3, 3), group=group, pads=pads)


def batch_norm_after_transposed(model: RandomModel) -> str:
    """A layer of a generator: transposed convolution, batch normalization, activation."""
    group = model.pick(1, 2)
    rank = model.pick(1, 2)
    size = model.pick(1, 4)
    kernel, stride = model.pick((4, 2), (4, 1), (2, 2), (3, 1))
    pads = [0] * rank * 2 if size == 1 else [model.size(0, 1)] * rank * 2
    wide = model.node(
        "ConvTranspose",
        model.input((1, 2 * group, *[size] * rank)),
        model.weight(2 * group, 3, *[kernel] * rank),
        strides=[stride] * rank,
        pads=pads,
        group=group,
    )
    channels = 3 * group
    names = [model.weight(channels) for _ in range(3)] + [model.weight(channels, low=0.5)]
    normal = model.node("BatchNormalization", wide, *names)
    op = model.pick("Relu", "LeakyRelu", "Clip", "Tanh", "")
    if op == "Clip":
        return model.node(op, normal, model.constant(-1.0), model.constant(0.5))
    return model.node(op, normal) if op else normal


def perceptron(model: RandomModel) -> str:
    """A batch normalization between an activation and a layer."""
    hidden = model.node("Gemm", model.input((1, 4)), model.weight(4, 6), model.weight(6))
    names = [model.weight(6) for _ in range(3)] + [model.weight(6, low=0.5)]
    normal = model.node("BatchNormalization", model.node("Selu", hidden), *names)
    return model.node("Gemm", normal, model.weight(3, 6), model.weight(3), transB=1)


def layer_norm(model: RandomModel) -> str:
    shape = model.shape(model.size(2, 4), 2)
    axis = model.size(1, len(shape) - 1)
    bias = [model.weight(*shape[axis:])] if model.pick(True, False) else []
    return model.node(
        "LayerNormalization",
        model.input(shape),
        model.weight(*shape[axis:]),
        *bias,
        axis=axis - model.pick(0, len(shape)),
    )


def written_layer_norm(model: RandomModel) -> str:
    """As exporters write it before opset 17."""
    width = model.size(2, 6)
    source = model.input((1, model.size(1, 4), width))
    mean = model.node("ReduceMean", source, axes=[-1])
    centred = model.node("Sub", source, mean)
    square = model.node("Pow", centred, model.constant(2.0))
    variance = model.node("ReduceMean", square, axes=[-1])
    total = model.node("Add", variance, model.constant(1e-5))
    if model.pick(True, False):
        normal = model.node("Div", centred, model.node("Sqrt", total))
    else:
        inverse = model.node("Reciprocal", model.node("Sqrt", total))
        normal = model.node("Mul", centred, inverse)
    scaled = model.node("Mul", normal, model.weight(width))
    return model.node("Add", scaled, model.weight(width))


def instance_norm(model: RandomModel) -> str:
    shape = model.shape(model.pick(3, 4), 2)
    names = [model.weight(shape[1]) for _ in range(2)]
    return model.node("InstanceNormalization", model.input(shape), *names, epsilon=1e-3)


def group_norm(model: RandomModel) -> str:
    groups = model.pick(1, 2)
    channels = groups * model.size(1, 3)
    count = channels if model.opset >= 21 else groups
    names = [model.weight(count) for _ in range(2)]
    source = model.input((1, channels, 3, 4))
    return model.node("GroupNormalization", source, *names, num_groups=groups)


def rms_norm(model: RandomModel) -> str:
    shape = model.shape(3, 2)
    return model.node("RMSNormalization", model.input(shape), model.weight(shape[-1]))


def mean_variance_norm(model: RandomModel) -> str:
    source = model.input(model.shape(4, 3))
    axes = model.pick([0, 2, 3], [2, 3], [1, 2, 3])
    return model.node("MeanVarianceNormalization", source, axes=axes)


def lp_norm(model: RandomModel) -> str:
    source = model.input(model.shape(3), low=0.5)
    return model.node("LpNormalization", source, p=model.pick(1, 2), axis=model.pick(-1, 1))


def global_lp_pool(model: RandomModel) -> str:
    return model.node("GlobalLpPool", model.input(model.shape(4)), p=model.pick(1, 2))


def local_response(model: RandomModel) -> str:
    source = model.input((1, model.size(3, 7), 3, 4))
    return model.node("LRN", source, size=model.pick(3, 5), alpha=0.3, beta=0.6, bias=1.5)


def matmul(model: RandomModel) -> str:
    rows, depth, columns = (model.size(1, 5) for _ in range(3))
    batch = model.pick((), (1,), (1, 3))
    kind = model.pick("both", "constant", "constant batch", "constant first", "vector")
    if kind == "vector":
        return model.node("MatMul", model.input((1, rows, depth)), model.weight(depth))
    if kind == "constant first":
        return model.node("MatMul", model.weight(rows, depth), model.input((1, depth, columns)))
    if kind == "constant":
        return model.node("MatMul", model.input((1, *batch, depth)), model.weight(depth, columns))
    left = model.input((1, 3, rows, depth))
    if kind == "constant batch":
        return model.node("MatMul", left, model.weight(3, depth, columns))
    return model.node("MatMul", left, model.input((1, 3, depth, columns)))


def gemm(model: RandomModel) -> str:
    depth, columns = model.size(1, 5), model.size(1, 5)
    turned, is_turned = model.pick((True, 1), (False, 0))
    shape = (columns, depth) if turned else (depth, columns)
    weights = model.weight(*shape)
    bias = model.pick((), (1,), (columns,), (1, columns), None)
    names = [] if bias is None else [model.weight(*bias)]
    return model.node(
        "Gemm",
        model.input((1, depth)),
        weights,
        *names,
        transB=is_turned,
        alpha=model.pick(1.0, 0.5),
        beta=model.pick(1.0, 2.0),
    )


def computed_gemm(model: RandomModel) -> str:
    left, right = model.input((1, 4)), model.input((1, 4))
    return model.node("Gemm", left, right, model.input((1, 1)), transB=1, alpha=0.5, beta=0.25)


def fused_matmul(model: RandomModel) -> str:
    left, right = model.input((1, 3, 4)), model.input((1, 3, 4))
    attributes = model.pick({"transA": 1}, {"transB": 1}, {"transB": 1, "alpha": 0.5})
    return model.node("FusedMatMul", left, right, domain="com.microsoft", **attributes)


def einsum(model: RandomModel) -> str:
    size = {label: model.size(1, 4) for label in "ijkdhqsv"} | {"b": 1}
    equation = model.pick(
        "bij,bjk->bik",
        "bhqd,bhsd->bhqs",
        "bij,jk->bik",
        "bqhd,bshd->bhqs",
        "bij->bji",
        "bij->bj",
        "...ij,...jk->...ik",
        "bi,bj->bij",
        "bij,bij->b",
        "bid,dhv->bihv",
        "bij,bjk",
    )
    names = []
    for at, term in enumerate(equation.partition("->")[0].split(",")):
        shape = [size[label] for label in term.replace("...", "b")]
        names.append(
            model.weight(*shape)
            if shape[0] != 1 or (at and "b" not in term and "..." not in term)
            else model.input(shape)
        )
    return model.node("Einsum", *names, equation=equation)


def recurrent(op: str):
    def build(model: RandomModel) -> list[str]:
        direction = model.pick("forward", "reverse", "bidirectional")
        directions = 2 if direction == "bidirectional" else 1
        steps, features, hidden = model.size(1, 5), model.size(1, 4), model.size(1, 4)
        gates = GATES[op]
        weights = model.weight(directions, gates * hidden, features)
        again = model.weight(directions, gates * hidden, hidden)
        bias = model.weight(directions, 2 * gates * hidden) if model.pick(True, False) else ""
        lengths = model.constant([steps], np.int32) if model.pick(True, False) else ""
        more: dict[str, Any] = {"linear_before_reset": model.pick(0, 1)} if op == "GRU" else {}
        source = model.node("Transpose", model.input((1, steps, features)), perm=[1, 0, 2])
        inputs = [source, weights, again, bias, lengths]
        if model.pick(True, False):
            inputs += [model.weight(directions, 1, hidden) for _ in range(2 if op == "LSTM" else 1)]
        count = 3 if op == "LSTM" else 2
        wanted = model.pick([0], [1], [0, 1], [count - 1])
        left_out = [at for at in range(count) if at not in wanted] if model.pick(1, 0) else []
        found = model.nodes(
            op,
            *inputs,
            count=count,
            left_out=left_out,
            hidden_size=hidden,
            direction=direction,
            **more,
        )
        return [found[at] for at in wanted]

    return build


def batch_first(model: RandomModel) -> list[str]:
    inputs = [model.input((1, 4, 3)), model.weight(1, 8, 3), model.weight(1, 8, 2)]
    return model.nodes("LSTM", *inputs, count=3, hidden_size=2, layout=1)


def attention(model: RandomModel) -> str:
    """Heads apart or together, with a mask of either kind, a causal one, or none."""
    heads, steps, length, depth = (model.size(1, 4) for _ in range(4))
    mask = model.pick("", "", "bool", "float")
    attributes: dict[str, Any] = model.pick({}, {"scale": 0.3})
    if not mask and model.pick(True, False):
        attributes["is_causal"] = 1
    names = []
    for size in (steps, length, length):
        apart, together = (1, heads, size, depth), (1, size, heads * depth)
        names.append(model.input(together if attributes.get("is_causal") else apart))
    if attributes.get("is_causal"):
        attributes |= {"q_num_heads": heads, "kv_num_heads": heads}
    if mask == "float":
        names.append(model.input((1, 1, steps, length)))
    elif mask:
        kept = np.eye(steps, length, dtype=np.bool_) | (np.arange(length) == 0)
        names.append(model.constant(kept, np.bool_))
    return model.node("Attention", *names, **attributes)


def skip_layer_norm(model: RandomModel) -> str:
    width = model.size(2, 6)
    names = [model.input((1, 3, width)) for _ in range(2)] + [model.weight(width) for _ in range(3)]
    return model.node("SkipLayerNormalization", *names, domain="com.microsoft")


LAYER_CASES = [
    Case("Conv", conv(2), (11, 17, 22)),
    Case("Conv of a series", conv(1), (11, 17)),
    Case("ConvTranspose", conv_transpose(2), (11, 17, 22)),
    Case("ConvTranspose of a series", conv_transpose(1), (11, 17)),
    *(Case(op, pool(op, 2), (11, 17)) for op in ("MaxPool", "AveragePool")),
    *(Case(f"{op} of a series", pool(op, 1), (11, 17)) for op in ("MaxPool", "AveragePool")),
    *(Case(op, global_pool(op), (11, 17)) for op in ("GlobalAveragePool", "GlobalMaxPool")),
    Case("GlobalLpPool", global_lp_pool, (11, 17)),
    Case("BatchNormalization", batch_norm, (11, 14, 17)),
    Case("BatchNormalization before Conv", batch_norm_before_conv, ONE),
    Case("BatchNormalization after ConvTranspose", batch_norm_after_transposed, ONE),
    Case("BatchNormalization in a perceptron", perceptron, ONE),
    Case("LayerNormalization", layer_norm, (17, 22)),
    Case("LayerNormalization written out", written_layer_norm, (13, 17)),
    Case("InstanceNormalization", instance_norm, (11, 17)),
    Case("GroupNormalization", group_norm, (18, 21)),
    Case("RMSNormalization", rms_norm, (23,)),
    Case("MeanVarianceNormalization", mean_variance_norm, (11, 17)),
    Case("LpNormalization", lp_norm, (11, 17)),
    Case("LRN", local_response, (11, 17)),
    Case("MatMul", matmul, (11, 17)),
    Case("Gemm", gemm, (11, 13, 17)),
    Case("Gemm of computed weights", computed_gemm, ONE),
    Case("Einsum", einsum, (12, 17)),
    *(Case(op, recurrent(op), (11, 14, 17)) for op in ("LSTM", "GRU", "RNN")),
    Case("Attention", attention, (23,)),
    Case("com.microsoft.FusedMatMul", fused_matmul, ONE),
    Case("com.microsoft.SkipLayerNormalization", skip_layer_norm, ONE),
]
