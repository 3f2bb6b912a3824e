"""Temporary folders of runs: gone with their owner, one way or another."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scratch_folder import remove_abandoned, remove_scratch, scratch_folder
from edge.errors import OutputError


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def _age(folder: Path) -> None:
    """Make a folder look as if it had been made an hour ago."""
    lock = folder / "in-use"
    past = lock.stat().st_mtime - 3600
    os.utime(lock, (past, past))


def _killed_run(scratch: Path) -> Path:
    """The folder of a process that was killed while it held it."""
    code = (
        "import os, signal\n"
        "from benchmarks.scratch_folder import scratch_folder\n"
        "with scratch_folder() as folder:\n"
        "    (folder / 'inputs0').mkdir()\n"
        "    (folder / 'inputs0' / 'patient.csv').write_text('77')\n"
        "    (folder / 'subject0').mkdir()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"TMPDIR": str(scratch)}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, check=False)
    (folder,) = scratch.glob("edge-bench-*")
    return folder


def test_it_is_gone_afterwards(scratch: Path) -> None:
    with scratch_folder() as folder:
        assert folder.is_dir()
    assert list(scratch.iterdir()) == []


def test_the_next_run_removes_that_of_a_killed_one(scratch: Path) -> None:
    abandoned = _killed_run(scratch)
    remove_abandoned()
    assert abandoned.is_dir(), "a folder this young may be about to be locked"
    _age(abandoned)
    with scratch_folder() as folder:
        assert list(scratch.iterdir()) == [folder]


def test_one_that_is_in_use_and_what_is_no_run_stay(scratch: Path) -> None:
    other = scratch / "edge-bench-of-somebody"
    other.mkdir()
    with scratch_folder() as folder:
        _age(folder)
        remove_abandoned()
        assert folder.is_dir()
        assert other.is_dir()


def test_who_is_left_removes_all_of_it_unless_it_is_in_use(scratch: Path) -> None:
    abandoned = _killed_run(scratch)
    remove_scratch(abandoned / "subject0")
    assert not abandoned.exists()
    with scratch_folder() as folder:
        subject = folder / "subject0"
        subject.mkdir()
        remove_scratch(subject)
        assert not subject.exists()
        assert folder.is_dir()


def test_without_room_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc")
    message = r"temporary folder /proc: .*; free the disk, or set TMPDIR"
    with pytest.raises(OutputError, match=message), scratch_folder():
        raise AssertionError("there is no such place")
