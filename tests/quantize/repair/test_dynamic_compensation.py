"""Weights of DYNAMIC layers make up for each other's rounding, on examples not seen before too."""

from __future__ import annotations

import numpy as np
import pytest
from sequence_networks import (
    TOKENS,
    WIDTH,
    encoder,
    quantized,
    recurrent,
    series,
    weights_snr_db,
)

from quantize.quantized_graph import float_form
from quantize.repair.dynamic_compensation import compensate_dynamic

LAYERS = [
    ("LSTM", {}),
    ("LSTM", {"direction": "bidirectional"}),
    ("GRU", {}),
    ("GRU", {"direction": "reverse"}),
    ("GRU", {"reset": 0}),
    ("RNN", {"direction": "bidirectional"}),
]


def test_the_products_of_a_transformer_come_closer() -> None:
    graph = encoder(loud=1.0)
    case = quantized(graph)
    found = compensate_dynamic(case, series(16, (1, TOKENS, WIDTH)))
    test = series(8, (1, TOKENS, WIDTH), seed=2)
    assert weights_snr_db(graph, found, test) > weights_snr_db(graph, case, test) + 1.5


@pytest.mark.parametrize(("op", "form"), LAYERS)
def test_recurrent_layers_come_closer(op: str, form: dict) -> None:
    graph = recurrent(op, **form)
    case = quantized(graph)
    found = compensate_dynamic(case, series(32, (1, 20, 8)))
    test = series(64, (1, 20, 8), seed=2)
    assert weights_snr_db(graph, found, test) > weights_snr_db(graph, case, test)


def test_nothing_changes_but_the_integers() -> None:
    case = quantized(recurrent("LSTM"))
    found = compensate_dynamic(case, series(8, (1, 20, 8)))
    assert found.graph is case.graph
    assert found.weights.keys() == case.weights.keys()
    for name, weight in case.weights.items():
        np.testing.assert_array_equal(found.weights[name].scale, weight.scale)
        assert found.weights[name].values.dtype == np.int8
        assert np.abs(found.weights[name].values.astype(int)).max() <= 127


def test_progress_counts_the_weights() -> None:
    told: list[tuple[int, int]] = []
    case = quantized(recurrent("GRU"))
    compensate_dynamic(
        case, series(8, (1, 20, 8)), progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 2), (2, 2)]


def test_a_graph_without_dynamic_layers_stays() -> None:
    case = float_form(recurrent("LSTM"))
    assert compensate_dynamic(case, series(2, (1, 20, 8))).weights == {}
