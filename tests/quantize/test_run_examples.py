"""Examples run through the graph, one after the other or one ahead."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import tiny_onnx_models as tiny

from quantize.graph import FloatGraph
from quantize.importers.onnx_importer import import_model
from quantize.run_examples import run_examples, run_examples_ahead

NAMES = ["image", "both", "logits"]


@pytest.fixture(scope="module")
def graph() -> FloatGraph:
    return import_model(tiny.concat_cnn())


def test_running_ahead_gives_the_same_tensors_in_the_same_order(graph: FloatGraph) -> None:
    examples = tiny.pictures(4)
    plain = list(run_examples(graph, examples, NAMES))
    ahead = list(run_examples_ahead(graph, examples, NAMES))
    assert [list(each) for each in ahead] == [NAMES] * 4
    for one, other in zip(plain, ahead, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in NAMES)


def test_no_more_than_one_example_is_read_ahead(graph: FloatGraph) -> None:
    read: list[int] = []

    def counted() -> Iterator[dict]:
        for at, example in enumerate(tiny.pictures(5)):
            read.append(at)
            yield example

    for done, _ in enumerate(run_examples_ahead(graph, counted(), NAMES), start=1):
        assert len(read) <= done + 1


def test_stopping_half_way_ends_the_second_thread(graph: FloatGraph) -> None:
    before = threading.active_count()
    found = run_examples_ahead(graph, tiny.pictures(5), NAMES)
    next(found)
    found.close()
    assert threading.active_count() == before


def test_an_error_of_the_examples_comes_through(graph: FloatGraph) -> None:
    def failing() -> Iterator[dict]:
        yield from tiny.pictures(1)
        raise RuntimeError("gone")

    found = run_examples_ahead(graph, failing(), NAMES)
    next(found)
    with pytest.raises(RuntimeError, match="gone"):
        next(found)
