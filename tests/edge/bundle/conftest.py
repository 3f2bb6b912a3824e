"""Makes the helpers beside the tests importable, and gives a small bundle in both shapes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def edge_file(tmp_path: Path) -> Path:
    """A sound bundle in one file."""
    from bundle_samples import write_sample

    return write_sample(tmp_path / "sample.edge")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same bundle in a folder."""
    from bundle_samples import write_sample

    return write_sample(tmp_path / "sample")
