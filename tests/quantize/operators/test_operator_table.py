"""The table in the docs says what the code does."""

from pathlib import Path

import pytest
from elementwise_cases import ELEMENTWISE_CASES
from layer_cases import LAYER_CASES
from movement_cases import MOVEMENT_CASES, REDUCTION_CASES
from random_model import Case, RandomModel

from quantize.importers.onnx_importer import import_model
from quantize.operator_table import operator_rows, operator_table

CASES = [*ELEMENTWISE_CASES, *LAYER_CASES, *MOVEMENT_CASES, *REDUCTION_CASES]
BECOMES = {row.op: row.becomes for row in operator_rows()}
ALSO = {"Cast", "Conv", "Gemm", "GlobalAveragePool", "LayerNormalization", "Reshape", "Transpose"}
"""What later passes make of the canonical operators, and what stands between them."""


def test_the_page_in_the_docs_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "operators.md"
    assert page.read_text(encoding="utf-8") == operator_table()


def test_at_least_seventy_operators_are_accepted() -> None:
    assert len(BECOMES) >= 70


def test_every_operator_of_the_table_is_tested_against_onnxruntime() -> None:
    tested = {op for case in CASES for op in case.name.split()}
    assert set(BECOMES) - tested == set()


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in CASES if case.operator in BECOMES]
)
def test_an_operator_becomes_what_the_table_says(case: Case) -> None:
    for seed in range(2):
        model = RandomModel(seed, case.opsets[-1])
        outputs = case.build(model)
        source = model.finish([outputs] if isinstance(outputs, str) else list(outputs))
        others = {op for node in source.graph.node for op in BECOMES.get(_full_name(node), ())}
        found = {node.op for node in import_model(source).nodes}
        assert found - others - ALSO <= set(BECOMES[case.operator])


def _full_name(node) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain else node.op_type
