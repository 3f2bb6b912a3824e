"""Every accepted operator, in random shapes and attributes, answers as in onnxruntime."""

import pytest
from elementwise_cases import ELEMENTWISE_CASES
from layer_cases import LAYER_CASES
from movement_cases import MOVEMENT_CASES, REDUCTION_CASES
from random_model import Case, import_and_compare

from quantize.operators import OPERATORS

CASES = [*ELEMENTWISE_CASES, *LAYER_CASES, *MOVEMENT_CASES, *REDUCTION_CASES]
SEEDS = range(3)


@pytest.mark.parametrize(
    ("case", "opset"),
    [
        pytest.param(case, opset, id=f"{case.name}, opset {opset}")
        for case in CASES
        for opset in case.opsets
    ],
)
def test_an_operator_answers_as_its_source(case: Case, opset: int) -> None:
    for seed in SEEDS:
        graph = import_and_compare(case, opset, seed)
        assert {node.op for node in graph.nodes} <= set(OPERATORS)
