"""One ONNX operator in a model of random shapes and attributes, and what it must answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session

Array = NDArray[Any]
TOLERANCE = 1e-5


class RandomModel:
    """A model under construction; whatever is random about it comes from `random`."""

    def __init__(self, seed: int, opset: int) -> None:
        self.random = np.random.default_rng(seed)
        self.opset = opset
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: dict[str, tuple[tuple[int, ...], str, float, float]] = {}
        self._domains: set[str] = set()

    def size(self, low: int = 1, high: int = 7) -> int:
        return int(self.random.integers(low, high + 1))

    def shape(self, rank: int, low: int = 1, high: int = 6) -> tuple[int, ...]:
        """Random sizes after a batch of 1."""
        return (1, *(self.size(low, high) for _ in range(rank - 1)))

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def input(
        self, shape: Sequence[int], dtype: str = "float32", low: float = -3.0, high: float = 3.0
    ) -> str:
        name = f"x{len(self._inputs)}"
        self._inputs[name] = (tuple(shape), dtype, low, high)
        return name

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, *shape: int, low: float = -1.0, high: float = 1.0) -> str:
        return self.constant(self.random.uniform(low, high, shape))

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self.nodes(op, *inputs, count=1, domain=domain, **attributes)[0]

    def nodes(
        self,
        op: str,
        *inputs: str,
        count: int,
        domain: str = "",
        left_out: Sequence[int] = (),
        **attributes: Any,
    ) -> list[str]:
        names = ["" if at in left_out else f"y{len(self._nodes)}_{at}" for at in range(count)]
        made = helper.make_node(op, list(inputs), names, domain=domain, **attributes)
        self._nodes.append(made)
        self._domains.add(domain)
        return names

    def finish(self, outputs: Sequence[str]) -> onnx.ModelProto:
        def kind(dtype: str) -> int:
            return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

        graph = helper.make_graph(
            self._nodes,
            "random",
            [
                helper.make_tensor_value_info(name, kind(dtype), shape)
                for name, (shape, dtype, _, _) in self._inputs.items()
            ],
            [onnx.ValueInfoProto(name=name) for name in outputs],
            self._constants,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        opsets += [helper.make_opsetid(domain, 1) for domain in sorted(self._domains - {""})]
        version = 8 if self.opset < 21 else 10
        return helper.make_model(graph, opset_imports=opsets, ir_version=version)

    def examples(self, count: int = 2) -> Iterator[dict[str, Array]]:
        for _ in range(count):
            found: dict[str, Array] = {}
            for name, (shape, dtype, low, high) in self._inputs.items():
                if dtype == "bool":
                    found[name] = self.random.uniform(size=shape) > 0.5
                elif dtype.startswith("int"):
                    found[name] = self.random.integers(int(low), int(high) + 1, shape, dtype)
                else:
                    found[name] = self.random.uniform(low, high, shape).astype(dtype)
            yield found


Build = Callable[[RandomModel], "str | Sequence[str]"]


@dataclass(frozen=True)
class Case:
    """One way to use an operator.

    Attributes:
        name: the operator, and what is special.
        build: adds nodes to a model and returns the names of its outputs.
        opsets: where the operator has another form.
        tolerance: as a share of the range of the answer.
    """

    name: str
    build: Build
    opsets: tuple[int, ...]
    tolerance: float = TOLERANCE

    @property
    def operator(self) -> str:
        return self.name.split(" ")[0]


def import_and_compare(case: Case, opset: int, seed: int) -> FloatGraph:
    """Import a random model of a case, and check that its export answers as the source."""
    model = RandomModel(seed, opset)
    outputs = case.build(model)
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    source = model.finish(names)
    answers = open_session(source.SerializeToString(), threads=1)
    graph = import_model(source)
    imported = open_session(export_onnx(graph).SerializeToString(), threads=1)
    for example in model.examples():
        wanted = run_session(answers, names, example)
        found = run_session(imported, names, example)
        for name, left, right in zip(names, wanted, found, strict=True):
            assert (name, right.shape, right.dtype) == (name, left.shape, left.dtype)
            span = (
                max(float(np.ptp(left)) if left.size else 0.0, 1.0)
                if left.dtype == np.float32
                else 1.0
            )
            np.testing.assert_allclose(right, left, rtol=case.tolerance, atol=case.tolerance * span)
    return graph
