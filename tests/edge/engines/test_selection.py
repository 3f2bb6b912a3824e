"""Which of a bundle's files runs."""

from typing import get_args

import pytest

from edge.bundle.manifest import Artifact, Precision
from edge.engines.selection import choose_artifact
from edge.errors import UsageError


def artifact(precision: str, engine: str = "onnxruntime") -> Artifact:
    return Artifact(
        path=f"{engine}.{precision}",
        engine=engine,
        precision=precision,
        layout="NCHW",
        tolerance_steps=0,
        output_steps={},
    )


def test_the_most_quantized_file_runs_unless_another_is_asked_for() -> None:
    order = get_args(Precision)
    assert order == ("int8", "mixed", "dynamic", "float32")
    held = [artifact(precision) for precision in reversed(order)]
    for place, precision in enumerate(order):
        assert choose_artifact(held[: len(order) - place]).precision == precision
        assert choose_artifact(held, precision=precision).precision == precision


def test_among_equals_onnxruntime_runs_unless_litert_is_asked_for() -> None:
    held = [artifact("dynamic", "litert"), artifact("dynamic"), artifact("float32")]
    assert choose_artifact(held).engine == "onnxruntime"
    assert choose_artifact(held, engine="litert").engine == "litert"


def test_what_a_bundle_does_not_hold_is_refused_with_what_it_holds() -> None:
    with pytest.raises(UsageError, match="precision int8; it has: onnxruntime dynamic"):
        choose_artifact([artifact("dynamic")], precision="int8")
