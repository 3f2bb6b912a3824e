"""The file that a contestant runs: found, or made by its tools in its environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.engines.contestants import Contestant
from benchmarks.peers.engines.environments import ENGINE_ENVIRONMENTS
from benchmarks.peers.quantizers.artifact_files import (
    artifact_path,
    float_tflite_path,
    tflite_path,
)
from benchmarks.peers.quantizers.bar_model import BarModelFolder
from benchmarks.peers.quantizers.environments import make_environment
from benchmarks.peers.quantizers.jobs import run_ours, run_setting, run_worker
from benchmarks.peers.quantizers.record import OURS
from benchmarks.peers.quantizers.settings import SETTINGS
from edge.errors import EngineError

__all__ = ["Workshop", "contestant_file", "contestant_python"]

_OUR_SETTING = "default"


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where files are made.

    Attributes:
        folder: of environments and files.
        limit_s: seconds after which a converter is stopped.
    """

    folder: Path
    limit_s: float


def contestant_python(contestant: Contestant, workshop: Workshop) -> Path:
    """The Python that runs a contestant; its environment is made where it is missing.

    Raises:
        EngineNotInstalledError: pip cannot make it.
    """
    if not contestant.environment:
        return Path(sys.executable)
    return make_environment(ENGINE_ENVIRONMENTS[contestant.environment], workshop.folder)


def contestant_file(contestant: Contestant, model: BarModelFolder, workshop: Workshop) -> Path:
    """The file that a contestant runs; it is made where it is missing.

    Raises:
        EngineError: it cannot be made, with the cause.
        EngineNotInstalledError: pip cannot make the environment of what would make it.
    """
    if contestant.file == "source":
        return model.path / "model.onnx"
    if contestant.file == "ours":
        return _our_file(contestant, model, workshop)
    if contestant.file == "converted":
        return _converted_file(contestant, model, workshop)
    made = _quantizer_file(contestant, model, workshop)
    if contestant.file == "quantizer":
        return made
    return _existing(float_tflite_path(workshop.folder, model.facts.name), "onnx2tf")


def _our_file(contestant: Contestant, model: BarModelFolder, workshop: Workshop) -> Path:
    name = model.facts.name
    onnx = artifact_path(workshop.folder, name, OURS, _OUR_SETTING, "onnxruntime")
    if contestant.precision == "float32":
        destination = onnx.with_name("edgedx-float.tflite")
        if not destination.is_file():
            _convert_float(model, destination, workshop)
        return destination
    wanted = onnx if contestant.suffix == ".onnx" else tflite_path(onnx)
    if not wanted.is_file():
        run = run_ours(model, _OUR_SETTING, workshop.folder, workshop.limit_s)
        fault = next((each.fault for each in run if each.fault), None)
        if fault and not wanted.is_file():
            raise EngineError(f"edge-quantize: {fault}")
    return wanted


def _convert_float(model: BarModelFolder, destination: Path, workshop: Workshop) -> None:
    run_worker(
        Path(sys.executable),
        "benchmarks.peers.engines.workers.convert_edgedx",
        model,
        destination,
        (workshop.folder, {}, workshop.limit_s),
    )


def _quantizer_file(contestant: Contestant, model: BarModelFolder, workshop: Workshop) -> Path:
    peer, name = contestant.conversion["peer"], contestant.conversion["setting"]
    setting = next(
        each
        for each in SETTINGS
        if (each.peer, each.name) == (peer, name) and model.facts.family in each.families
    )
    path = artifact_path(workshop.folder, model.facts.name, peer, name, setting.engine)
    if not path.is_file():
        run = run_setting(model, setting, workshop.folder, workshop.limit_s)
        if run.fault and contestant.file == "quantizer":
            raise EngineError(f"{peer}, {name}: {run.fault}")
    return path


def _converted_file(contestant: Contestant, model: BarModelFolder, workshop: Workshop) -> Path:
    folder = workshop.folder / "files" / model.facts.name / "engines"
    destination = folder / f"{contestant.name}-{contestant.precision}{contestant.suffix}"
    if not destination.is_file():
        options = {**contestant.conversion, "family": model.facts.family}
        run_worker(
            contestant_python(contestant, workshop),
            f"benchmarks.peers.engines.workers.{contestant.converter}",
            model,
            destination,
            (workshop.folder, options, workshop.limit_s),
        )
    return destination


def _existing(path: Path, maker: str) -> Path:
    if not path.is_file():
        raise EngineError(f"{maker} wrote no file")
    return path
