"""Small files of the kernel are read as they are; what cannot be read is None."""

from pathlib import Path

from devices.sysfs import read_text


def test_the_kernels_settings_can_be_read() -> None:
    """It refuses to be asked for megabytes of one at once, however short it is."""
    assert read_text(Path("/proc/sys/kernel/ostype")) == "Linux"


def test_a_long_file_is_read_to_its_end_and_one_without_end_is_not(tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.write_text("x" * 200_000)
    assert read_text(long) == "x" * 200_000
    assert len(read_text(Path("/dev/urandom")) or "") > 100_000


def test_what_is_not_there_or_empty_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    assert read_text(tmp_path / "absent") is None
    assert read_text(tmp_path / "empty") is None
    assert read_text(tmp_path) is None
