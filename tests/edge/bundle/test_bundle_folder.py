"""A folder as a bundle: plain files below it, and nothing that leads elsewhere."""

import os
from pathlib import Path

import pytest
from bundle_samples import FILES, assert_is_one_line

from edge.bundle.bundle_location import open_files
from edge.bundle.bundle_paths import MAX_FILES
from edge.bundle.reader import open_bundle
from edge.errors import BundleError


def refusal(path: Path | str) -> str:
    with pytest.raises(BundleError) as caught:
        open_files(path)
    assert_is_one_line(caught.value)
    return str(caught.value)


def test_files_at_any_depth_are_listed_and_read(folder: Path) -> None:
    with open_files(folder) as files:
        assert files.names() == {"manifest.json", *FILES}
        assert files.read("golden/one.png", limit=100) == FILES["golden/one.png"]
        assert files.size("report.html") == len(FILES["report.html"])


def test_a_link_to_the_bundle_itself_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)

    with open_bundle(tmp_path / "link") as bundle:
        assert bundle.read("report.html") == FILES["report.html"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "model.onnx", "nowhere"])
def test_a_link_in_the_bundle_is_refused_wherever_it_leads(folder: Path, target: str) -> None:
    (folder.parent / "secret").write_text("secret")
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(target)

    assert refusal(folder) == "'report.html' is a symbolic link; bundles hold plain files only"


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "golden").rename(tmp_path / "elsewhere")
    (folder / "golden").symlink_to(tmp_path / "elsewhere")

    assert "'golden' is a symbolic link" in refusal(folder)


def test_a_fifo_is_refused_without_waiting_for_it(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(folder / "pipe")
    os.mkfifo(tmp_path / "pipe")

    assert "'pipe' is a special file" in refusal(folder)
    assert "neither a folder nor a file" in refusal(tmp_path / "pipe")


def test_a_file_swapped_for_a_fifo_while_open_is_refused_without_waiting(folder: Path) -> None:
    with open_files(folder) as files:
        (folder / "report.html").unlink()
        os.mkfifo(folder / "report.html")
        with pytest.raises(BundleError, match="changed while"):
            files.read("report.html", limit=100)


def test_a_file_swapped_for_a_link_while_open_is_not_followed(folder: Path) -> None:
    with open_bundle(folder) as bundle:
        (folder / "golden" / "one.png").unlink()
        (folder / "golden" / "one.png").symlink_to("/etc/passwd")
        with pytest.raises(BundleError, match=r"cannot read 'golden/one\.png'") as caught:
            bundle.read("golden/one.png")
    assert_is_one_line(caught.value)


def test_a_folder_swapped_for_a_link_while_open_is_not_followed(
    folder: Path, tmp_path: Path
) -> None:
    with open_bundle(folder) as bundle:
        (folder / "golden").rename(tmp_path / "elsewhere")
        (folder / "golden").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(BundleError, match=r"cannot read 'golden/one\.png'"):
            bundle.read("golden/one.png")


def test_a_bundle_moved_while_open_is_still_read(folder: Path) -> None:
    with open_bundle(folder) as bundle:
        folder.rename(folder.with_name("moved"))
        assert bundle.read("report.html") == FILES["report.html"]


def test_a_device_is_refused() -> None:
    assert "neither a folder nor a file" in refusal("/dev/null")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("a\nb", r"'a\nb' has a", id="newline"),
        pytest.param("a\\b", "backslash", id="backslash"),
        pytest.param("a:b", "colon", id="colon"),
        pytest.param("e\u0301", "normal form C", id="not in normal form C"),
        pytest.param("\udcff", "not valid Unicode", id="bytes that are no UTF-8"),
        pytest.param("\x1b[2J", r"\x1b", id="escape sequence"),
    ],
)
def test_a_badly_named_file_is_refused(folder: Path, name: str, expected: str) -> None:
    (folder / name).write_bytes(b"")

    assert expected in refusal(folder)


def test_names_that_differ_in_case_only_are_refused(folder: Path) -> None:
    (folder / "MODEL.onnx").write_bytes(b"")
    if (folder / "model.onnx").read_bytes() == b"":
        pytest.skip("needs a file system that tells cases apart")

    assert "names the same file" in refusal(folder)


def test_a_deep_folder_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / "b" / "/".join("d" * 130)
    deep.mkdir(parents=True)

    assert "1 to 255 are allowed" in refusal(tmp_path / "b")


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path) -> None:
    for index in range(2 * MAX_FILES + 1):
        (tmp_path / str(index)).touch()

    assert f"more than {MAX_FILES} files" in refusal(tmp_path)


def test_a_sparse_file_over_the_limit_is_refused_unread(folder: Path) -> None:
    with (folder / "report.html").open("r+b") as file:
        file.truncate(2**31)

    assert "'report.html' has 2147483648 bytes" in refusal(folder)


def test_sparse_files_over_the_limit_together_are_refused_unread(folder: Path) -> None:
    for index in range(3):
        with (folder / f"big{index}").open("wb") as file:
            file.truncate(2**31 - 1)

    assert "bytes; at most" in refusal(folder)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("nowhere", "no such bundle", id="nothing there"),
        pytest.param("nowhere/else", "no such bundle", id="no folder either"),
        pytest.param("", "no such bundle", id="empty path"),
        pytest.param("n" * 300, "cannot be opened: file name too long", id="long name"),
        pytest.param("a\x00b", "cannot be opened", id="NUL"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path: str, expected: str) -> None:
    assert expected in refusal(path)


def test_a_path_through_a_file_is_refused(edge_file: Path) -> None:
    assert "no such bundle" in refusal(edge_file / "model.onnx")


@pytest.fixture
def _as_nobody(tmp_path: Path):
    """Without the rights of the superuser, for whom no file is closed."""
    if os.geteuid():
        yield
        return
    place = tmp_path
    while place != place.parent and place.stat().st_uid == 0:
        place.chmod(place.stat().st_mode | 0o055)
        if place.name.startswith("pytest-of"):
            break
        place = place.parent
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("part", [".", "golden", "model.onnx", "manifest.json"])
def test_what_may_not_be_read_is_a_refusal(
    folder: Path, part: str, request: pytest.FixtureRequest
) -> None:
    (folder / part).chmod(0)
    request.addfinalizer(lambda: (folder / part).chmod(0o755))
    request.getfixturevalue("_as_nobody")

    with pytest.raises(BundleError, match="permission denied") as caught:
        open_bundle(folder)
    assert_is_one_line(caught.value)


def test_a_file_that_may_not_be_read_is_a_refusal(
    edge_file: Path, request: pytest.FixtureRequest
) -> None:
    edge_file.chmod(0)
    request.getfixturevalue("_as_nobody")

    assert refusal(edge_file) == "cannot be opened: permission denied"
