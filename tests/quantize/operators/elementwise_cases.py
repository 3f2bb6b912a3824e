"""Operators that work value by value."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_model import Case, RandomModel

ONE = (17,)
OLD_AND_NEW = (11, 13, 17, 22)


def one_input(op: str, low: float = -3.0, high: float = 3.0, **attributes: Any):
    def build(model: RandomModel) -> str:
        rank = model.size(1, 5)
        return model.node(op, model.input(model.shape(rank), low=low, high=high), **attributes)

    return build


def random_alpha(op: str, *names: str):
    def build(model: RandomModel) -> str:
        attributes = {name: float(model.random.uniform(0.1, 2.0)) for name in names}
        return model.node(op, model.input(model.shape(model.size(2, 4))), **attributes)

    return build


def two_inputs(op: str, low: float = -3.0, high: float = 3.0, dtype: str = "float32"):
    """Operands that broadcast, either of which may be a constant."""

    def build(model: RandomModel) -> str:
        shape = model.shape(model.size(2, 4))
        other = (1, *(model.pick(1, size) for size in shape[1:]))
        left = model.input(shape, dtype, low, high)
        if dtype != "bool" and model.pick(True, False):
            values = model.random.uniform(low, high, other[model.size(0, len(shape) - 1) :])
            right = model.constant(values, dtype)
        else:
            right = model.input(other, dtype, low, high)
        pair = (left, right) if model.pick(True, False) else (right, left)
        return model.node(op, *pair)

    return build


def many_inputs(op: str):
    def build(model: RandomModel) -> str:
        shape = model.shape(3)
        names = [model.input(shape) for _ in range(model.size(1, 4))]
        if model.pick(True, False):
            names.append(model.constant(float(model.random.uniform(-2, 2))))
        return model.node(op, *names)

    return build


def clip(model: RandomModel) -> str:
    low, high = model.pick((-1.0, 1.0), (0.0, 6.0), (0.5, 2.0), (-2.0, -1.0), (None, 1.0))
    low_name = "" if low is None else model.constant(low)
    return model.node("Clip", model.input(model.shape(3)), low_name, model.constant(high))


def prelu(model: RandomModel) -> str:
    shape = model.shape(model.size(2, 4))
    slope = model.pick((1,), (shape[1],) + (1,) * (len(shape) - 2))
    return model.node("PRelu", model.input(shape), model.weight(*slope))


def power(model: RandomModel) -> str:
    exponent = model.pick(1.0, 2.0, 3.0, 0.5, -0.5, -1.0, 1.7)
    source = model.input(model.shape(3), low=0.1, high=2.0)
    return model.node("Pow", source, model.constant(exponent))


def integer_power(model: RandomModel) -> str:
    return model.node(
        "Pow", model.input(model.shape(3)), model.constant(model.size(0, 5), np.int64)
    )


def computed_power(model: RandomModel) -> str:
    shape = model.shape(2)
    return model.node("Pow", model.input(shape, low=0.5, high=2.0), model.input(shape))


def gelu_of_erf(model: RandomModel) -> str:
    source = model.node("Add", model.input(model.shape(3)), model.input((1, 1, 1)))
    inner = model.node("Div", source, model.constant(np.sqrt(2.0)))
    gate = model.node("Add", model.node("Erf", inner), model.constant(1.0))
    half = model.constant(0.5)
    if model.pick(True, False):
        return model.node("Mul", model.node("Mul", source, gate), half)
    return model.node("Mul", model.node("Mul", source, half), gate)


def gelu_of_tanh(model: RandomModel) -> str:
    source = model.input(model.shape(3))
    cube = model.node("Pow", source, model.constant(3.0))
    total = model.node("Add", source, model.node("Mul", cube, model.constant(0.044715)))
    inner = model.node("Mul", total, model.constant(np.sqrt(2 / np.pi)))
    gate = model.node("Add", model.node("Tanh", inner), model.constant(1.0))
    return model.node("Mul", model.node("Mul", source, model.constant(0.5)), gate)


def not_quite_gelu(model: RandomModel) -> str:
    source = model.input(model.shape(3))
    inner = model.node("Div", source, model.constant(1.5))
    gate = model.node("Add", model.node("Erf", inner), model.constant(1.0))
    return model.node("Mul", model.node("Mul", source, gate), model.constant(0.5))


def gelu(model: RandomModel) -> str:
    return model.node("Gelu", model.input(model.shape(3)), approximate=model.pick("none", "tanh"))


def comparison(op: str):
    def build(model: RandomModel) -> str:
        kind = model.pick("float32", "int64", "int32")
        found = two_inputs(op, -2, 2, kind)(model)
        return model.node("Cast", found, to=1) if model.pick(True, False) else found

    return build


def where(model: RandomModel) -> str:
    shape = model.shape(3)
    condition = model.input(shape, "bool")
    other = model.pick(model.constant(-1e4), model.input(shape))
    return model.node("Where", condition, other, model.input(shape))


def masked_scores(model: RandomModel) -> str:
    """The additive mask of attention: (1 - mask) * -1e4."""
    length = model.size(2, 5)
    mask = model.input((1, length), "int64", 0, 1)
    kept = model.node("Cast", mask, to=1)
    penalty = model.node("Sub", model.constant(1.0), kept)
    penalty = model.node("Mul", penalty, model.constant(-1e4))
    row = model.node("Unsqueeze", penalty, model.constant([1], np.int64))
    return model.node("Softmax", model.node("Add", model.input((1, length, length)), row))


def cast(model: RandomModel) -> str:
    kinds = {"float32": 1, "int32": 6, "int64": 7, "bool": 9}
    before, after = model.pick(*kinds), model.pick(*kinds)
    low = 0 if after == "bool" else -5
    return model.node("Cast", model.input(model.shape(2), before, low, 5), to=kinds[after])


def cast_like(model: RandomModel) -> str:
    source = model.input(model.shape(2), "int64", -5, 5)
    return model.node("CastLike", source, model.input((1, 2)))


def is_nan(model: RandomModel) -> str:
    return model.node("IsNaN", model.node("Sqrt", model.input(model.shape(3))))


def is_infinite(model: RandomModel) -> str:
    up, down = model.pick((1, 1), (1, 0), (0, 1))
    zero = model.node("Relu", model.input(model.shape(3)))
    infinite = model.node("Div", model.input((1, 1, 1)), zero)
    return model.node("IsInf", infinite, detect_positive=up, detect_negative=down)


def contrib(op: str, inputs: int = 1, **attributes: Any):
    def build(model: RandomModel) -> str:
        width = model.size(2, 6)
        names = [model.input((1, 3, width)), *(model.weight(width) for _ in range(inputs - 1))]
        return model.node(op, *names, domain="com.microsoft", **attributes)

    return build


def integer_arithmetic(op: str):
    def build(model: RandomModel) -> str:
        return two_inputs(op, 1, 5, model.pick("int64", "int32"))(model)

    return build


ELEMENTWISE_CASES = [
    *(Case(op, one_input(op), OLD_AND_NEW) for op in ("Abs", "Neg", "Exp", "Relu", "Sigmoid")),
    *(Case(op, one_input(op), ONE) for op in ("Ceil", "Floor", "Round", "Sign", "Erf", "Tanh")),
    *(Case(op, one_input(op), ONE) for op in ("Sin", "Cos", "Softplus", "Softsign", "Identity")),
    Case("Tan", one_input("Tan", -1.2, 1.2), ONE),
    Case("Log", one_input("Log", 0.1, 5.0), ONE),
    Case("Sqrt", one_input("Sqrt", 0.0, 5.0), ONE),
    Case("Reciprocal", one_input("Reciprocal", 0.2, 5.0), ONE),
    Case("Mish", one_input("Mish"), (18, 22)),
    Case("Swish", random_alpha("Swish", "alpha"), (24,)),
    Case("HardSwish", one_input("HardSwish", -5.0, 5.0), (14, 17)),
    Case("HardSigmoid", random_alpha("HardSigmoid", "alpha", "beta"), (11, 17)),
    Case("LeakyRelu", random_alpha("LeakyRelu", "alpha"), (11, 17)),
    Case("Elu", random_alpha("Elu", "alpha"), (11, 17)),
    Case("Elu of alpha 1", one_input("Elu"), (17,)),
    Case("Selu", one_input("Selu"), (11, 17)),
    Case("Selu with attributes", random_alpha("Selu", "alpha", "gamma"), (17,)),
    Case("Celu", random_alpha("Celu", "alpha"), (12, 17)),
    Case("ThresholdedRelu", random_alpha("ThresholdedRelu", "alpha"), (11, 17)),
    Case("Shrink", random_alpha("Shrink", "lambd", "bias"), (11, 17)),
    Case("Dropout", one_input("Dropout"), (11, 13, 17)),
    *(Case(op, two_inputs(op), OLD_AND_NEW) for op in ("Add", "Sub", "Mul")),
    *(Case(f"{op} of integers", integer_arithmetic(op), ONE) for op in ("Add", "Sub", "Mul")),
    Case("Div", two_inputs("Div", 0.5, 3.0), OLD_AND_NEW),
    *(Case(op, many_inputs(op), (11, 13, 17)) for op in ("Max", "Min", "Mean", "Sum")),
    *(Case(f"{op} of two", two_inputs(op), ONE) for op in ("Max", "Min")),
    Case("Clip", clip, (11, 12, 13, 17)),
    Case("PRelu", prelu, (11, 16, 17)),
    Case("Pow", power, (11, 13, 17)),
    Case("Pow of an integer", integer_power, (12, 17)),
    Case("Pow of a tensor", computed_power, ONE),
    Case("Gelu of Erf", gelu_of_erf, (13, 17)),
    Case("Gelu of Tanh", gelu_of_tanh, (13, 17)),
    Case("Erf that is no Gelu", not_quite_gelu, ONE),
    Case("Gelu", gelu, (20, 22)),
    *(Case(op, comparison(op), (11, 13, 17)) for op in ("Equal", "Greater", "Less")),
    *(Case(op, comparison(op), (12, 17)) for op in ("GreaterOrEqual", "LessOrEqual")),
    *(Case(op, two_inputs(op, dtype="bool"), (11, 17)) for op in ("And", "Or", "Xor")),
    Case("Not", lambda model: model.node("Not", model.input((1, 4), "bool")), ONE),
    Case("Where", where, (11, 17)),
    Case("Where in a mask", masked_scores, (13, 17)),
    Case("Cast", cast, (11, 13, 17, 21)),
    Case("CastLike", cast_like, (15, 17)),
    Case("IsNaN", is_nan, (11, 13, 17)),
    Case("IsInf", is_infinite, (11, 17)),
    Case("com.microsoft.Gelu", contrib("Gelu"), ONE),
    Case("com.microsoft.FastGelu", contrib("FastGelu", 2), ONE),
    Case("com.microsoft.BiasGelu", contrib("BiasGelu", 2), ONE),
    Case("com.microsoft.QuickGelu", contrib("QuickGelu", alpha=1.3), ONE),
]
