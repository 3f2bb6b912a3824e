"""One quantizer on one model: its program in its environment, then its file on the examples."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.child_environment import child_environment
from benchmarks.peers.quantizers.artifact_files import (
    artifact_path,
    float_tflite_path,
    tflite_path,
)
from benchmarks.peers.quantizers.bar_model import BarModelFolder
from benchmarks.peers.quantizers.environments import ENVIRONMENTS, make_environment
from benchmarks.peers.quantizers.outputs import open_runner, run_all
from benchmarks.peers.quantizers.quality import measure_quality
from benchmarks.peers.quantizers.record import OURS, Run
from benchmarks.peers.quantizers.settings import OUR_SETTINGS, Setting
from benchmarks.peers.quantizers.weight_share import eight_bit_share
from edge.errors import EdgeError, EngineError

__all__ = ["run_ours", "run_setting", "run_worker"]

_QUANTIZED_SHARE = 0.5
"""Of the weights; below it a file is as good as left in float."""
_PACKAGE = "benchmarks.peers.quantizers"
_CONVERTER_LIMIT_S = 900


def run_setting(model: BarModelFolder, setting: Setting, cache: Path, limit_s: float) -> Run:
    """Run one quantizer at one setting and measure its file.

    Args:
        model: to quantize.
        setting: how.
        cache: of environments and files.
        limit_s: seconds after which the quantizer is stopped.

    Returns:
        What came of it; a quantizer's failure is a fault of the run, not an error.
    """
    name = model.facts.name
    destination = artifact_path(cache, name, setting.peer, setting.name, setting.engine)
    run = Run(name, setting.peer, setting.name, setting.engine, setting.is_dynamic)
    try:
        python = make_environment(ENVIRONMENTS[setting.environment], cache)
        if setting.engine == "litert":
            _convert(model, cache)
        module = f"{_PACKAGE}.workers.{setting.worker}"
        run_worker(python, module, model, destination, (cache, setting.options, limit_s))
        return _measured(run, destination, model)
    except EdgeError as error:
        return replace(run, fault=str(error))


def run_ours(model: BarModelFolder, setting: str, cache: Path, limit_s: float) -> tuple[Run, Run]:
    """Quantize with our own toolchain and measure both files.

    Returns:
        The run of the ONNX file and that of the TFLite file; either may have a fault.
    """
    name = model.facts.name
    onnx = artifact_path(cache, name, OURS, setting, "onnxruntime")
    runs = (
        Run(name, OURS, setting, "onnxruntime", is_dynamic=False),
        Run(name, OURS, setting, "litert", is_dynamic=False),
    )
    paths = (onnx, tflite_path(onnx))
    for path in paths:
        path.unlink(missing_ok=True)
    fault = None
    job = (cache, OUR_SETTINGS[setting], limit_s)
    try:
        run_worker(Path(sys.executable), f"{_PACKAGE}.ours", model, onnx, job)
    except EdgeError as error:
        fault = str(error)
    first, second = (
        _measured_or_fault(run, path, model) if path.is_file() else replace(run, fault=fault)
        for run, path in zip(runs, paths, strict=True)
    )
    return first, replace(second, seconds=first.seconds, peak_mib=first.peak_mib)


def _convert(model: BarModelFolder, cache: Path) -> None:
    destination = float_tflite_path(cache, model.facts.name)
    if destination.is_file():
        return
    python = make_environment(ENVIRONMENTS["tensorflow"], cache)
    module = f"{_PACKAGE}.workers.onnx2tf_worker"
    run_worker(python, module, model, destination, (cache, {}, _CONVERTER_LIMIT_S))


def run_worker(
    python: Path,
    module: str,
    model: BarModelFolder,
    destination: Path,
    job: tuple[Path, Mapping[str, object], float],
) -> None:
    """Run a worker that makes a file of a model.

    Args:
        python: of the worker's environment.
        module: the worker.
        model: to make it of.
        destination: file to make.
        job: folder of all files, options of the worker, seconds after which it is stopped.

    Raises:
        EngineError: there is no file afterwards, with the last line of what the worker said.
    """
    cache, options, limit_s = job
    destination.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *(str(python), "-m", module),
        *("--model", str(model.path / "model.onnx")),
        *("--float-tflite", str(float_tflite_path(cache, model.facts.name))),
        *("--calibration", str(model.path / "calib.npz")),
        *("--destination", str(destination)),
        *("--options", json.dumps(dict(options))),
    ]
    log = Path(f"{destination}.log")
    with log.open("w", encoding="utf-8") as output:
        try:
            code = subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=child_environment(),
                timeout=limit_s,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"no file after {limit_s:.0f} s") from error
    if code != 0 or not destination.is_file():
        raise EngineError(f"exit code {code}: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no output"


def _measured_or_fault(run: Run, path: Path, model: BarModelFolder) -> Run:
    try:
        return _measured(run, path, model)
    except EdgeError as error:
        return replace(run, fault=str(error))


def _measured(run: Run, path: Path, model: BarModelFolder) -> Run:
    try:
        found = run_all(open_runner(path, model.outputs), model.test)
    except EdgeError:
        raise
    except Exception as error:  # engines have no error root of their own
        raise EngineError(f"{path.name} does not run: {str(error).splitlines()[0]}") from error
    data = path.read_bytes()
    cost_file = Path(f"{path}.cost.json")
    cost = json.loads(cost_file.read_text(encoding="utf-8")) if cost_file.is_file() else {}
    return replace(
        run,
        quality=measure_quality(model.expected, found),
        is_quantized=eight_bit_share(path) >= _QUANTIZED_SHARE,
        file_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        seconds=cost.get("seconds", 0.0),
        peak_mib=cost.get("peak_mib", 0.0),
    )
