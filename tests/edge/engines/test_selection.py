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


def test_of_an_engine_the_file_that_the_bundle_names_first_runs() -> None:
    held = [artifact("float32"), artifact("dynamic"), artifact("dynamic", "litert")]
    assert choose_artifact(held).precision == "float32"
    assert choose_artifact(held, engine="litert").precision == "dynamic"


@pytest.mark.parametrize("precision", get_args(Precision))
def test_another_precision_runs_where_it_is_asked_for(precision: str) -> None:
    held = [artifact(each) for each in get_args(Precision)]
    assert choose_artifact(held, precision=precision).precision == precision


def test_onnxruntime_runs_unless_litert_is_asked_for() -> None:
    held = [artifact("int8", "litert"), artifact("dynamic"), artifact("float32")]
    assert choose_artifact(held) == artifact("dynamic")
    assert choose_artifact(held, engine="litert").engine == "litert"


def test_a_board_may_prefer_the_other_engine() -> None:
    held = [artifact("int8"), artifact("dynamic", "litert"), artifact("float32", "litert")]
    assert choose_artifact(held, preferred_engine="litert") == held[1]
    assert choose_artifact(held[:1], preferred_engine="litert") == held[0]
    assert choose_artifact(held, engine="onnxruntime", preferred_engine="litert") == held[0]


def test_what_a_bundle_does_not_hold_is_refused_with_what_it_holds() -> None:
    with pytest.raises(UsageError, match="precision int8; it has: onnxruntime dynamic"):
        choose_artifact([artifact("dynamic")], precision="int8")
