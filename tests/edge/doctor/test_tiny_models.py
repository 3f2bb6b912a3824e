"""The two models that the doctor carries."""

import numpy as np
import pytest
from tiny_model_recipe import expected_sums, make_onnx, make_tflite

from edge.doctor.tiny_models import TINY_MODELS
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine

RECIPES = {"onnxruntime": make_onnx, "litert": make_tflite}


@pytest.mark.parametrize("engine", RECIPES)
def test_a_tiny_model_is_answered_rightly(engine: str) -> None:
    model = TINY_MODELS[engine]
    opened = create_engine(engine, model.data, EngineOptions(threads=1))
    answer = opened.run({"x": model.question})["y"]
    assert model.is_answer(answer)
    assert (answer.astype(int).ravel() - model.zero_point).tolist() == expected_sums()


@pytest.mark.parametrize("engine", RECIPES)
def test_its_recipe_makes_a_model_of_the_same_answer(engine: str) -> None:
    model = TINY_MODELS[engine]
    opened = create_engine(engine, RECIPES[engine](), EngineOptions(threads=1))
    assert model.is_answer(opened.run({"x": model.question})["y"])


@pytest.mark.parametrize("engine", RECIPES)
@pytest.mark.parametrize("wrong", [np.zeros((1, 3)), np.full((1, 4), 77), np.zeros((2, 4))])
def test_another_answer_is_wrong(engine: str, wrong: np.ndarray) -> None:
    assert not TINY_MODELS[engine].is_answer(wrong.astype(TINY_MODELS[engine].dtype))


@pytest.mark.parametrize("engine", RECIPES)
def test_a_tiny_model_is_tiny(engine: str) -> None:
    assert len(TINY_MODELS[engine].data) < 1000
