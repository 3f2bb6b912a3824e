"""The table of operators in the docs, made from the code that accepts and writes them.

Print it with `python -m quantize.operator_table > docs/operators.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantize.operators import OPERATORS
from quantize.passes import PASSES
from quantize.quantized_graph import Precision
from quantize.tflite.operators import OPERATORS as TFLITE_OPERATORS
from quantize.tflite.recurrent import RECURRENT_OPERATORS

__all__ = ["Row", "operator_rows", "operator_table"]

_KNOWN_BEFOREHAND = ("Constant", "ConstantOfShape", "EyeLike", "NonZero", "Range", "Shape", "Size")
"""What depends on constants and shapes only is computed once, by the import; these always do."""

_INTERNAL = frozenset({"DequantizeLinear"})
"""Made by the toolchain; a source model that has it is refused."""

_SOME_FORMS = frozenset({"Resize"})
"""Operators with integer kernels for some of their forms only: a linear Resize is float."""

_FLOAT = "float"
_HEAD = """\
# ONNX operators

*Made from the code by `python -m quantize.operator_table > docs/operators.md`; a test holds that it
is current.* {count} operators of opset 11 and later are accepted. Whatever depends on constants and
shapes only is computed by the import, whichever operator it is.

- **becomes**: the canonical operators that stand for it in the graph that is quantized; where there
  are several, what the node says decides which of them are needed.
- **int8**: integer kernels with calibrated ranges. **dynamic**: int8 weights, and activations that
  the engine quantizes at each run. **in part**: some of what it becomes, or some of its forms, have
  integer kernels.
  **float**: computed in float32 between integer layers.
- Every operator runs in float32 in both formats, where the last column does not say otherwise.

| ONNX operator | becomes | int8 ONNX | int8 TFLite | float |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One accepted operator.

    Attributes:
        op: its ONNX name, with the domain where that is not ONNX's own.
        becomes: canonical operators, itself first where it is one; empty where the import leaves
            nothing.
        onnx: how the int8 ONNX file computes it.
        tflite: how the int8 TFLite file does; "refused" where it has no rule.
        float_form: where it runs in float32.
    """

    op: str
    becomes: tuple[str, ...]
    onnx: str
    tflite: str
    float_form: str


def operator_rows() -> tuple[Row, ...]:
    """Every accepted operator, by name."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(_KNOWN_BEFOREHAND, ())
    found.update({op: (op,) for op in OPERATORS if op not in _INTERNAL})
    for each in PASSES:
        for op, names in each.absorbs.items():
            found[op] = tuple(dict.fromkeys((*found.get(op, ()), *names.split())))
    return tuple(_row(op, found[op]) for op in sorted(found, key=_sort_key))


def operator_table() -> str:
    """The whole page, in Markdown."""
    rows = operator_rows()
    lines = [
        f"| {each.op} | {_becomes(each)} | {each.onnx} | {each.tflite} | {each.float_form} |\n"
        for each in rows
    ]
    return _HEAD.format(count=len(rows)) + "".join(lines)


def _sort_key(op: str) -> tuple[bool, str]:
    return "." in op, op


def _row(op: str, becomes: tuple[str, ...]) -> Row:
    kind = _kind((op,) if op in OPERATORS else becomes)
    written = set(TFLITE_OPERATORS) | RECURRENT_OPERATORS
    is_written = written.issuperset(becomes)
    return Row(
        op,
        becomes,
        kind,
        kind if is_written else "refused",
        "both" if is_written else "ONNX",
    )


def _kind(becomes: tuple[str, ...]) -> str:
    """The best precision of the canonical operators, and whether all of them have it."""
    if not becomes:
        return "nothing to compute"
    if any(Precision.DYNAMIC in OPERATORS[name].precisions for name in becomes):
        is_integer = all(Precision.INT8 in OPERATORS[name].precisions for name in becomes)
        return "int8, dynamic" if is_integer else "dynamic"
    integer = [Precision.INT8 in OPERATORS[name].precisions for name in becomes]
    if all(integer) and not _SOME_FORMS.isdisjoint(becomes):
        return "in part"
    if all(integer):
        return "int8"
    return "in part" if any(integer) else _FLOAT


def _becomes(row: Row) -> str:
    if not row.becomes:
        return "nothing, or a constant"
    others = ", ".join(name for name in row.becomes if name != row.op)
    if row.op not in row.becomes:
        return others
    return f"the same; in some forms {others}" if others else "the same"


if __name__ == "__main__":
    import sys

    sys.stdout.write(operator_table())
