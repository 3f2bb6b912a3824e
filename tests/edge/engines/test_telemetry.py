"""No engine leaves anything in a user's folders, or reports to its maker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN_TINY_MODEL = """
import sys
from edge.doctor.tiny_models import TINY_MODELS
from edge.engines.base import EngineOptions
from edge.engines.selection import create_engine
name = sys.argv[1]
model = TINY_MODELS[name]
create_engine(name, model.data, EngineOptions(threads=1)).run({"x": model.question})
"""
RUN_TOOLCHAIN = """
from edge.doctor.tiny_models import TINY_MODELS
from quantize.onnx_session import open_session
open_session(TINY_MODELS["onnxruntime"].data)
"""


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([RUN_TINY_MODEL, "onnxruntime"], id="onnxruntime"),
        pytest.param([RUN_TINY_MODEL, "litert"], id="litert"),
        pytest.param([RUN_TOOLCHAIN], id="toolchain"),
    ],
)
def test_an_engine_leaves_nothing_in_the_users_folder(tmp_path: Path, words: list[str]) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "ORT_DISABLE_TELEMETRY" and not name.startswith("XDG_")
    }
    done = subprocess.run(
        [sys.executable, "-c", *words],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [str(each) for each in tmp_path.rglob("*")] == []
