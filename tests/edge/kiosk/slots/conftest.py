"""Makes the helpers beside these tests, and those of bundles, importable; gives bundles."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (HERE, HERE.parents[1] / "bundle"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "slots"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    from slot_samples import make_bundle

    return make_bundle(tmp_path / "old.edge", "1.0.0")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    from slot_samples import make_bundle

    return make_bundle(tmp_path / "new.edge", "1.1.0")


@pytest.fixture
def on_trial(folder: Path, old: Path, new: Path) -> Path:
    """A folder of slots in which 1.1.0 is on trial and 1.0.0 is the way back."""
    from slot_samples import ANY, quick_store

    store = quick_store(folder)
    store.install(old, ANY)
    store.install(new, ANY)
    return folder
