"""`python -m benchmarks.peers.engines.operator_cost FILE.tflite`: what each kind of operator costs.

Only operators of one kind are kept, fed from outside, and run with XNNPACK as the whole file is.
What they give is then written where the caller reads it: the parts add up to more than the whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

__all__ = ["OperatorCost", "main", "operator_costs"]

_WARM_UP, _ROUNDS, _INFERENCES = 5, 15, 10


@dataclass(frozen=True, slots=True)
class OperatorCost:
    """All operators of one kind.

    Attributes:
        kind: its name in the schema; "all" for the whole file.
        count: how many.
        milliseconds: processor time at one thread; None where XNNPACK cannot run them apart.
    """

    kind: str
    count: int
    milliseconds: float | None


def operator_costs(path: Path) -> list[OperatorCost]:
    """Time the whole file and each kind of its operators apart, the dearest first."""
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    kinds = [_kind(model, each) for each in model.subgraphs[0].operators]
    whole = OperatorCost("all", len(kinds), _milliseconds(path.read_bytes()))
    parts = []
    for kind in sorted(set(kinds)):
        data = _only(flatbuffer_utils.read_model(str(path)), kind)
        try:
            cost = _milliseconds(data)
        except (RuntimeError, ValueError):
            cost = None
        parts.append(OperatorCost(kind, kinds.count(kind), cost))
    return [whole, *sorted(parts, key=lambda each: -(each.milliseconds or 0.0))]


def _kind(model: Any, operator: Any) -> str:
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    code = model.operatorCodes[operator.opcodeIndex]
    return str(names[max(code.builtinCode, code.deprecatedBuiltinCode)])


def _only(model: Any, kind: str) -> bytes:
    from ai_edge_litert.tools import flatbuffer_utils

    graph = model.subgraphs[0]
    operators = [each for each in graph.operators if _kind(model, each) == kind]
    made = [tensor for each in operators for tensor in each.outputs]
    used = [tensor for each in operators for tensor in each.inputs if tensor >= 0]
    is_constant = {
        tensor: model.buffers[graph.tensors[tensor].buffer].data is not None for tensor in used
    }
    fed = [each for each in dict.fromkeys(used) if not is_constant[each] and each not in made]
    graph.operators = operators
    graph.inputs = np.array(fed, np.int32)
    graph.outputs = np.array([each for each in made if each not in used], np.int32)
    model.signatureDefs = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _milliseconds(data: bytes) -> float:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    for _ in range(_WARM_UP):
        interpreter.invoke()
    rounds = []
    for _ in range(_ROUNDS):
        begun = time.process_time_ns()
        for _ in range(_INFERENCES):
            interpreter.invoke()
        rounds.append((time.process_time_ns() - begun) / _INFERENCES / 1e6)
    return median(rounds)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(file: Path) -> None:
    """Print what each kind of operator of a TFLite file costs, run apart."""
    for each in operator_costs(file):
        cost = "-" if each.milliseconds is None else f"{each.milliseconds:.3f} ms"
        click.echo(f"{each.kind:24} {each.count:4} {cost:>12}")


if __name__ == "__main__":
    main()
