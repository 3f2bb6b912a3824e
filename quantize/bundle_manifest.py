"""What was made and measured -> the manifest, all but its list of files."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import edge
from edge.bundle.manifest import Evidence, GoldenExample, Input, Manifest, Output

if TYPE_CHECKING:
    from quantize.artifacts import BuiltArtifact
    from quantize.model_card import ModelCard

__all__ = ["compose_manifest", "fill_card", "sha256_of_file", "tool_versions"]

_TOOLS = ("ai-edge-litert", "numpy", "onnx", "onnxruntime", "opencv-python-headless")
_DEFAULTS = {
    "version": "0",
    "task": "not stated",
    "intended_use": "Research only; not a medical device.",
    "licence": "not stated",
}


def fill_card(card: ModelCard, *, model: Path) -> tuple[ModelCard, tuple[str, ...]]:
    """Give a card what a manifest needs.

    Returns:
        The card with nothing needed left unsaid, and what was assumed, one sentence each.
    """
    defaults = {"name": model.stem, **_DEFAULTS}
    missing: dict[str, Any] = {
        key: text for key, text in defaults.items() if not getattr(card, key)
    }
    assumed = tuple(f"--{key.replace('_', '-')} '{text}'" for key, text in missing.items())
    return replace(card, **missing), assumed


def compose_manifest(
    card: ModelCard,
    inputs: tuple[Input, ...],
    outputs: tuple[Output, ...],
    artifacts: Sequence[BuiltArtifact],
    *,
    golden: tuple[GoldenExample, ...],
    evidence: Evidence,
) -> Manifest:
    """Put the manifest together; `files` is left to the bundle's writer.

    Args:
        card: as `fill_card` gives it.
        inputs: how the model is fed.
        outputs: how it is read.
        artifacts: the model files.
        golden: golden examples.
        evidence: what was measured.
    """
    return Manifest(
        format=1,
        name=card.name or "",
        version=card.version or "",
        task=card.task or "",
        intended_use=card.intended_use or "",
        limits=card.limits or (),
        licence=card.licence or "",
        attribution=card.attribution or (),
        files=(),
        inputs=inputs,
        outputs=outputs,
        artifacts=tuple(each.entry for each in artifacts),
        golden=golden,
        evidence=evidence,
    )


def sha256_of_file(path: Path) -> str:
    """SHA-256 in hex of a file, read a piece at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def tool_versions() -> dict[str, str]:
    """Version of edgedx and of every installed library that had a part in a bundle."""
    versions = {"edgedx": edge.__version__}
    for tool in _TOOLS:
        try:
            versions[tool] = importlib.metadata.version(tool)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
