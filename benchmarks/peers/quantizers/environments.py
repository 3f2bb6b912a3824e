"""An environment of its own for each other quantizer: exact requirements, made by pip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.errors import EngineNotInstalledError

__all__ = ["ENVIRONMENTS", "Environment", "default_cache", "installed_versions", "make_environment"]

_MARKER = "requirements.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """What an environment holds.

    Attributes:
        name: of its folder.
        requirements: exact versions for pip; what they need in turn pip chooses, and is recorded.
        megabytes: how much disk it takes, about.
    """

    name: str
    requirements: tuple[str, ...]
    megabytes: int


ENVIRONMENTS: Mapping[str, Environment] = {
    each.name: each
    for each in (
        Environment(
            "nncf",
            (
                "nncf==3.4.0",
                "numpy==2.4.6",
                "onnx==1.23.2",
                "onnxruntime==1.32.0",
                "onnxslim==0.1.98",
            ),
            550,
        ),
        Environment(
            "quark",
            (
                "amd-quark==0.13",
                "numpy==2.4.6",
                "onnx==1.22.0",
                "onnxruntime==1.32.0",
                "onnxslim==0.1.98",
                "torch==2.13.0",
            ),
            1760,
        ),
        Environment(
            "tensorflow",
            (
                "ai-edge-litert==2.1.0",
                "numpy==1.26.4",
                "onnx==1.19.1",
                "onnx-graphsurgeon==0.5.8",
                "onnx2tf==1.29.24",
                "onnxruntime==1.23.0",
                "onnxslim==0.1.98",
                "psutil==5.9.5",
                "sng4onnx==2.0.1",
                "tensorflow==2.19.0",
                "tf-keras==2.19.0",
            ),
            2580,
        ),
        Environment(
            "litert-quantizer",
            ("ai-edge-litert==2.3.0", "litert-quantizer==0.11.0", "numpy==2.4.6"),
            390,
        ),
    )
}


def default_cache() -> Path:
    """Where environments and the other quantizers' files are kept, outside the checkout."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "edgedx-peers"


def make_environment(environment: Environment, cache: Path) -> Path:
    """Make an environment, or find the one made before.

    Args:
        environment: what it holds.
        cache: folder of all environments.

    Returns:
        Its Python.

    Raises:
        EngineNotInstalledError: pip could not install what is asked for.
    """
    folder = cache / "env" / environment.name
    python = folder / "bin" / "python"
    marker = folder / _MARKER
    wanted = json.dumps(list(environment.requirements))
    if marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return python
    _run([sys.executable, "-m", "venv", str(folder)], environment)
    _run([str(python), "-m", "pip", "install", "--quiet", *environment.requirements], environment)
    marker.write_text(wanted, encoding="utf-8")
    return python


def installed_versions(python: Path) -> dict[str, str]:
    """Version by package of everything that an environment holds."""
    command = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {each["name"]: each["version"] for each in json.loads(done.stdout)}


def _run(command: list[str], environment: Environment) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise EngineNotInstalledError(
            f"environment '{environment.name}' cannot be made: "
            f"{lines[0] if lines else done.stderr.strip()[-200:]}"
        )
