"""Where tests find data that is not theirs."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What a developer chose for this machine (edge-bench choose) is not what tests are about.
os.environ["EDGEDX_STATE_DIR"] = tempfile.mkdtemp(prefix="edgedx-tests-")


def shared_folder() -> Path:
    """The labelled data beside the checkout; it need not be there."""
    return Path(os.environ.get("EDGEDX_SHARED", ROOT.parent / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, aloud, what needs labelled data where there is none."""
    folder = shared_folder()
    if (folder / "data").is_dir():
        return
    skip = pytest.mark.skip(reason=f"needs labelled data in {folder.name}/ beside the checkout")
    for item in items:
        if "shared_data" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled data."""
    return shared_folder() / "data"


@pytest.fixture(scope="session")
def sample_films() -> list[Path]:
    """The openly licensed films that come with the project."""
    films = sorted((ROOT / "docs" / "samples").glob("*.png"))
    assert films
    return films


_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium without a window.

    For one module at a time: while it runs, playwright's event loop counts as running in this
    thread, so tests of other modules could not start theirs.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, _CHROMIUM_NAMES)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(_CHROMIUM_NAMES)} is installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(_CHROMIUM_ARGUMENTS))
        yield chromium
        chromium.close()
