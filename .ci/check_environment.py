#!/usr/bin/env python3
"""What a board gets: no toolchain in the environment, our packages from the wheel, a light import.

Run by the Python of the environment in question, from a folder that is not a checkout.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

TOOLCHAIN = frozenset(
    {"torch", "tensorflow", "keras", "onnx", "scipy", "scikit-learn", "pandas", "jax"}
)
HEAVY = frozenset({"cv2", "msgspec", "click", "onnxruntime", "ai_edge_litert", "tflite_runtime"})

LIST_MODULES = "import sys, edge; print(edge.__file__); print(' '.join(sys.modules))"


def find_faults() -> list[str]:
    """What is wrong here; nothing where all is right."""
    installed = {each.metadata["Name"].lower() for each in metadata.distributions()}
    faults = [f"{name} was installed with the runtime" for name in sorted(installed & TOOLCHAIN)]
    listing = subprocess.check_output([sys.executable, "-c", LIST_MODULES], text=True)  # noqa: S603
    origin, modules = listing.splitlines()
    if not Path(origin).resolve().is_relative_to(Path(sys.prefix).resolve()):
        faults.append(f"edge came from {origin}, not from the wheel in {sys.prefix}")
    loaded = {module.partition(".")[0] for module in modules.split()}
    faults += [f"import edge loads {name}" for name in sorted(loaded & HEAVY)]
    ours = {"quantize", "benchmarks", "devices"}
    faults += [f"import edge loads {name}" for name in sorted(loaded & ours)]
    return faults


if __name__ == "__main__":
    found = find_faults()
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    sys.exit(1 if found else 0)
