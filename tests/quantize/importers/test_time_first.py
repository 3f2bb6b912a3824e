"""Models that read a series time first are given it batch first, and answer the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import pytest
import tiny_onnx_models as tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UnsupportedInputError
from quantize.importers.onnx_importer import import_model, import_onnx, load_static_onnx
from quantize.onnx_export import export_onnx
from quantize.onnx_session import open_session, run_session

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_FEATURES, _HIDDEN = 3, 4


def time_first(
    op: str, shape: list, *, direction: str = "forward", embedded: bool = False
) -> onnx.ModelProto:
    """[time, batch, features] -> a recurrent layer, behind a product where asked for."""
    build = tiny.ModelBuilder()
    directions = 2 if direction == "bidirectional" else 1
    rows = _GATES[op] * _HIDDEN
    source = "x"
    if embedded:
        build.node("MatMul", ["x", build.weight("e", (_FEATURES, _FEATURES))], "product")
        source = build.node("Relu", ["product"], "embedding")
    weights = [
        build.weight("w", (directions, rows, _FEATURES)),
        build.weight("r", (directions, rows, _HIDDEN)),
    ]
    build.nodes.append(
        onnx.helper.make_node(
            op, [source, *weights], ["all", "last"], hidden_size=_HIDDEN, direction=direction
        )
    )
    build.node("Transpose", ["last"], "y", perm=[1, 0, 2])
    return build.model({"x": shape}, {"y": ["N", directions, _HIDDEN]})


@settings(max_examples=12, deadline=None)
@given(
    op=st.sampled_from(sorted(_GATES)),
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]),
    steps=st.integers(2, 9),
    embedded=st.booleans(),
    is_open=st.booleans(),
)
def test_the_answer_is_that_of_the_series_turned(
    op: str, direction: str, steps: int, *, embedded: bool, is_open: bool
) -> None:
    shape = [steps, "batch" if is_open else 1, _FEATURES]
    model = time_first(op, shape, direction=direction, embedded=embedded)
    values = np.random.default_rng(steps).normal(0, 1, (steps, 1, _FEATURES)).astype(np.float32)
    [wanted] = run_session(open_session(model.SerializeToString()), ["y"], {"x": values})
    graph = import_model(model)
    assert graph.shapes["x"] == (1, steps, _FEATURES)
    exported = open_session(export_onnx(graph).SerializeToString())
    [found] = run_session(exported, ["y"], {"x": values.transpose(1, 0, 2)})
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_open_axes_are_asked_for_in_the_files_order(tmp_path: Path) -> None:
    path = tiny.save(time_first("LSTM", ["time", "batch", _FEATURES]), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedInputError, match=r"--shape x=T,1,3"):
        import_onnx(path)
    graph = import_onnx(path, input_shapes={"x": (6, 1, _FEATURES)})
    assert graph.shapes["x"] == (1, 6, _FEATURES)


def test_a_model_that_is_read_twice_is_turned_once(tmp_path: Path) -> None:
    model = load_static_onnx(tiny.save(time_first("GRU", [5, 1, _FEATURES]), tmp_path / "m.onnx"))
    assert import_model(model).shapes["x"] == (1, 5, _FEATURES)


def test_a_batch_beside_time_is_refused_with_the_order_that_was_read(tmp_path: Path) -> None:
    path = tiny.save(time_first("LSTM", [5, "batch", _FEATURES]), tmp_path / "m.onnx")
    with pytest.raises(UnsupportedInputError, match=r"batch of 2 \(a recurrent layer reads it"):
        import_onnx(path, input_shapes={"x": (5, 2, _FEATURES)})


def test_one_step_of_many_examples_stays_as_it_is() -> None:
    assert import_model(time_first("LSTM", [1, 2, _FEATURES])).shapes["x"] == (1, 2, _FEATURES)
