"""`python -m benchmarks.peers.quantizers.toolchain_cost`: what our toolchain costs to have and use.

Three bars: the installed size of `edgedx[quantize]` in a fresh environment, time and peak memory of
ONNX -> float TFLite, and two runs that give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from benchmarks.atomic_file import write_file
from benchmarks.child_environment import child_environment
from benchmarks.environment import Machine, describe_machine
from benchmarks.peers.quantizers.artifact_files import tflite_path
from edge.errors import EdgeError, EngineError

__all__ = [
    "BYTECODE",
    "ConversionCost",
    "ToolchainCost",
    "folder_mebibytes",
    "main",
    "measure_conversion",
    "measure_installed_size",
    "verdicts",
    "written_digests",
]

BYTECODE = "__pycache__"

_ROOT = Path(__file__).parents[3]
_BYTES_PER_MEBIBYTE = 1 << 20
_BYTES_PER_BLOCK = 512
_KIBIBYTES_PER_MEBIBYTE = 1024
_INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
_SIZE_BAR_MIB, _TIME_BAR_S, _MEMORY_BAR_MIB = 400.0, 5.0, 700.0
_HASH_SEEDS = ("1", "2")


@dataclass(frozen=True, slots=True)
class ConversionCost:
    """What a conversion took, the start of Python included.

    Attributes:
        seconds: of each run.
        processor_seconds: of each run: what a machine without other work would take at most.
        peak_mib: of each run.
        file_bytes: of what was written.
    """

    seconds: tuple[float, ...]
    processor_seconds: tuple[float, ...]
    peak_mib: tuple[float, ...]
    file_bytes: int


@dataclass(frozen=True, slots=True)
class ToolchainCost:
    """The record.

    Attributes:
        machine: where it was measured.
        installed_mib: by package folder, as `du` counts, and under `BYTECODE` what pip compiled.
        conversion: ONNX to float TFLite.
        digests: SHA-256 of the int8 ONNX and TFLite files of each of two runs.
    """

    machine: Machine
    installed_mib: dict[str, float]
    conversion: ConversionCost
    digests: tuple[tuple[str, ...], ...]


def folder_mebibytes(folder: Path) -> dict[str, float]:
    """Size by entry of a folder, in MiB of disk blocks as `du` counts; installers left out.

    What Python compiles on this machine counts under `BYTECODE`: it is not downloaded, and Python
    runs without it.
    """
    sizes = {BYTECODE: 0.0}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(_INSTALLERS):
            continue
        files = [entry] if entry.is_file() else list(entry.rglob("*"))
        for path in files:
            if path.is_file() and not path.is_symlink():
                name = BYTECODE if "__pycache__" in path.parts else entry.name
                size = path.stat().st_blocks * _BYTES_PER_BLOCK / _BYTES_PER_MEBIBYTE
                sizes[name] = sizes.get(name, 0.0) + size
    return sizes


def measure_installed_size(requirement: str) -> dict[str, float]:
    """Install a requirement into a fresh environment and weigh its packages.

    Raises:
        EngineError: pip cannot install it.
    """
    with tempfile.TemporaryDirectory() as folder:
        _run([sys.executable, "-m", "venv", folder])
        python = str(Path(folder) / "bin" / "python")
        _run([python, "-m", "pip", "install", "--quiet", requirement])
        (packages,) = Path(folder).glob("lib/python*/site-packages")
        return folder_mebibytes(packages)


def measure_conversion(model: Path, repeats: int) -> ConversionCost:
    """Convert a model to float TFLite in fresh processes.

    Raises:
        EngineError: the conversion fails.
    """
    seconds, used, size = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "float.tflite"
        module = "benchmarks.peers.quantizers.float_conversion"
        for _ in range(repeats):
            begun = time.monotonic()
            used.append(_run([sys.executable, "-m", module, str(model), str(out)]))
            seconds.append(time.monotonic() - begun)
            size = out.stat().st_size
    return ConversionCost(
        seconds=tuple(seconds),
        processor_seconds=tuple(each.ru_utime + each.ru_stime for each in used),
        peak_mib=tuple(each.ru_maxrss / _KIBIBYTES_PER_MEBIBYTE for each in used),
        file_bytes=size,
    )


def written_digests(model: Path) -> tuple[tuple[str, ...], ...]:
    """Quantize a bar model twice, under other hash seeds, and digest what was written.

    Raises:
        EngineError: the toolchain fails.
    """
    found = []
    for seed in _HASH_SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "int8.onnx"
            module = "benchmarks.peers.quantizers.ours"
            command = [
                *(sys.executable, "-m", module),
                *("--model", str(model / "model.onnx")),
                *("--float-tflite", str(Path(folder) / "unused.tflite")),
                *("--calibration", str(model / "calib.npz")),
                *("--destination", str(out)),
            ]
            _run(command, hash_seed=seed)
            files = (out, tflite_path(out))
            found.append(tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))
    return tuple(found)


@click.command()
@click.option("--models", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--convert", "converted", default="resnet50", show_default=True)
@click.option("--twice", default="mobilenet_v3", show_default=True)
@click.option("--repeats", default=5, show_default=True)
def main(models: Path, out: Path, converted: str, twice: str, repeats: int) -> None:
    """Measure and write the record; exit code 1 where a bar is missed."""
    try:
        cost = ToolchainCost(
            machine=describe_machine(),
            installed_mib=measure_installed_size(f"{_ROOT}[quantize]"),
            conversion=measure_conversion(models / converted / "model.onnx", repeats),
            digests=written_digests(models / twice),
        )
        write_file(out, msgspec.json.format(msgspec.json.encode(cost), indent=1) + b"\n")
    except EdgeError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    lines = verdicts(cost)
    for text, is_met in lines:
        click.echo(f"{text}: {'met' if is_met else 'MISSED'}")
    sys.exit(0 if all(is_met for _, is_met in lines) else 1)


def verdicts(cost: ToolchainCost) -> list[tuple[str, bool]]:
    """Each bar in words, and whether it is met; time is the fastest run's."""
    bytecode = cost.installed_mib.get(BYTECODE, 0.0)
    size = sum(cost.installed_mib.values()) - bytecode
    seconds, peak = min(cost.conversion.seconds), max(cost.conversion.peak_mib)
    return [
        (
            f"installed {size:.0f} MiB (and {bytecode:.0f} of bytecode), bar {_SIZE_BAR_MIB:.0f}",
            size <= _SIZE_BAR_MIB,
        ),
        (f"conversion {seconds:.1f} s, bar {_TIME_BAR_S:.0f}", seconds <= _TIME_BAR_S),
        (f"conversion {peak:.0f} MiB, bar {_MEMORY_BAR_MIB:.0f}", peak <= _MEMORY_BAR_MIB),
        ("two runs give the same bytes", len(set(cost.digests)) == 1),
    ]


def _run(command: list[str], *, hash_seed: str = "random") -> resource.struct_rusage:
    """Run to the end; returns what the process used."""
    environment = child_environment() | {"PYTHONHASHSEED": hash_seed}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        lines = log.read().strip().splitlines()
    if process.returncode != 0:
        raise EngineError(f"{command[2]}: exit code {process.returncode}: {(lines or [''])[-1]}")
    return usage


if __name__ == "__main__":
    main()
