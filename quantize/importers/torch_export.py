"""`.pt2` file of `torch.export.save` -> ONNX, by PyTorch's own exporter in a child process.

A process of its own keeps PyTorch's memory, warnings and crashes out of ours, and lets a file that
never comes to an end be given up.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge.errors import EngineNotInstalledError, InputError, InputNotFoundError
from quantize.importers.torch_archive import copy_safe_archive

__all__ = ["load_torch_export"]

_LONGEST_SECONDS = 1800
_NEEDED = ("torch", "onnxscript")


def load_torch_export(path: Path) -> Any:
    """Convert an exported PyTorch program to ONNX; open axes stay open.

    Args:
        path: the `.pt2` file.

    Returns:
        `onnx.ModelProto`.

    Raises:
        EngineNotInstalledError: torch or onnxscript is missing.
        InputNotFoundError: there is no such file.
        InputError: damaged, refused by the checks, or beyond PyTorch's exporter.
    """
    import onnx

    if not path.is_file():
        raise InputNotFoundError(f"{path}: no such model file")
    with tempfile.TemporaryDirectory(prefix="edgedx-") as folder:
        safe, made = Path(folder) / "model.pt2", Path(folder) / "model.onnx"
        with safe.open("wb") as file:
            copy_safe_archive(path, file)
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            raise EngineNotInstalledError(
                f"reading .pt2 files needs {' and '.join(missing)}; install: "
                "pip install 'edgedx[torch]'"
            )
        _convert(path, safe, made)
        model = onnx.load(str(made), load_external_data=False)
    return _without_traces(model)


def _convert(path: Path, safe: Path, made: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root]),
    }
    words = [sys.executable, "-m", "quantize.importers.torch_worker", str(safe), str(made)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST_SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{path}: not converted after {_LONGEST_SECONDS} seconds") from error
    if done.returncode == 0 and made.is_file():
        return
    reason = done.stdout.strip().splitlines()[-1:] or [f"ended with code {done.returncode}"]
    raise InputError(f"{path}: PyTorch cannot export it to ONNX: {reason[0][:400]}")


def _without_traces(model: Any) -> Any:
    """Drop source paths and call stacks: they tell nothing of the model and differ by machine."""
    model.doc_string = ""
    del model.metadata_props[:]
    for graph in (model.graph, *model.functions):
        for holder in (graph, *graph.node):
            holder.doc_string = ""
            del holder.metadata_props[:]
    for each in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del each.metadata_props[:]
    return model
