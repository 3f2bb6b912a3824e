"""LiteRT behind the engine seam, on real models."""

import numpy as np
import pytest
from litert_samples import flatten_model, gather_model, lstm_model

from edge.engines.base import EngineOptions
from edge.engines.litert_engine import LiteRtEngine
from edge.model_metadata import has_state

TIMES, CHANNELS, HIDDEN = 5, 3, 4


def engine(data: bytes) -> LiteRtEngine:
    return LiteRtEngine(data, EngineOptions(threads=1))


def lstm_by_hand(labs: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    def sigmoid(values: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-values))

    state, cell, states = np.zeros(HIDDEN), np.zeros(HIDDEN), []
    for step in labs:
        gates = [
            weights[gate] @ step + weights[4 + gate] @ state + weights[8 + gate]
            for gate in range(4)
        ]
        cell = sigmoid(gates[1]) * cell + sigmoid(gates[0]) * np.tanh(gates[2])
        state = sigmoid(gates[3]) * np.tanh(cell)
        states.append(state)
    return np.array(states)


def test_a_recurrent_model_forgets_one_patient_before_the_next() -> None:
    data, weights = lstm_model(TIMES, CHANNELS, HIDDEN)
    recurrent = engine(data)
    random = np.random.default_rng(1)
    for _ in range(3):
        labs = random.normal(0, 1, (TIMES, CHANNELS)).astype(np.float32)
        states = recurrent.run({"labs": labs[np.newaxis]})["states"][0]
        np.testing.assert_allclose(states, lstm_by_hand(labs, weights), atol=1e-5)


def test_only_a_model_with_variable_tensors_has_state() -> None:
    assert has_state(lstm_model(TIMES, CHANNELS, HIDDEN)[0])
    assert not has_state(gather_model())


@pytest.mark.parametrize("data", [b"", b"\x1c\x00\x00\x00TFL3", b"\xff" * 64], ids=repr)
def test_of_a_file_that_cannot_be_read_state_is_assumed(data: bytes) -> None:
    assert has_state(data)


def test_several_inputs_of_every_type_and_several_outputs_go_by_name() -> None:
    several = engine(gather_model())
    assert {each.name: each.dtype for each in several.inputs} == {
        "rows": "float32",
        "which": "int32",
        "flags": "bool",
        "long": "int64",
    }
    got = several.run(
        {
            "long": np.array([[1, -2, 2**40]], np.int64),
            "flags": np.array([[True, False, True]]),
            "which": np.array([[2, 0]], np.int32),
            "rows": np.array([10, 20, 30, 40], np.float32),
        }
    )
    assert got["picked"].tolist() == [[30, 10]]
    assert got["flags_out"].tolist() == [[1, 0, 1]]
    assert got["long_out"].tolist() == [[1, -2, 2**40]]


@pytest.mark.parametrize(("dtype", "zero"), [("uint8", 0), ("int8", -128)])
def test_quantized_ends_say_their_steps(dtype: str, zero: int) -> None:
    flat = engine(flatten_model(dtype, (1 / 255, zero)))
    (spec,) = flat.inputs
    assert (spec.dtype, spec.scale, spec.zero_point) == (dtype, pytest.approx(1 / 255), zero)
