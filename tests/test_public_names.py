"""The public surface is a list, and every module states its own."""

import ast
from pathlib import Path

import pytest

import edge

ROOT = Path(__file__).parents[1]
PACKAGES = ("edge", "quantize", "benchmarks", "devices")
PUBLIC = [
    "BundleError",
    "DecodeError",
    "DeviceError",
    "DeviceTimeoutError",
    "DigestError",
    "EdgeError",
    "Engine",
    "EngineError",
    "EngineNotInstalledError",
    "EngineOptions",
    "Frame",
    "InputError",
    "InputNotFoundError",
    "InputTooLargeError",
    "LatencyNs",
    "LoadOptions",
    "ManifestError",
    "Model",
    "ModelIdentity",
    "ModelMismatchError",
    "ModelUnreadableError",
    "OutputError",
    "OutputResult",
    "Record",
    "ReplayEngine",
    "Result",
    "Score",
    "SignatureError",
    "TensorSpec",
    "UnsupportedInputError",
    "UsageError",
    "__version__",
    "load",
    "stream",
]


def modules() -> list[Path]:
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )


def test_the_public_names_of_edge_are_these() -> None:
    assert edge.__all__ == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_exists(name: str) -> None:
    assert hasattr(edge, name)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_states_its_public_names(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    stated = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    ]
    assert len(stated) == 1


def test_every_error_of_ours_has_a_code_and_an_exit_code_of_its_own_family() -> None:
    errors = [
        value
        for value in vars(edge).values()
        if isinstance(value, type) and issubclass(value, edge.EdgeError)
    ]
    assert len({error.code for error in errors}) == len(errors)
    assert {error.exit_code for error in errors} == {2, 3, 4, 5}
