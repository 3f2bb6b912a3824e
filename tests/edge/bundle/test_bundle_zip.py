"""One `.edge` file: any zip tool's stored file is read, anything ambiguous is refused."""

import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from bundle_samples import FILES, assert_is_one_line
from zip_forge import Forged, ForgedEnd, forge

from edge.bundle.bundle_location import open_files
from edge.bundle.bundle_paths import MAX_FILES, MAX_TOTAL_BYTES
from edge.bundle.reader import open_bundle
from edge.errors import BundleError

A, B = Forged(b"a.txt", b"first"), Forged(b"b/c.txt", b"second")


def refusal(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_files(path)
    assert_is_one_line(caught.value)
    return str(caught.value)


def test_stored_entries_are_listed_and_read(tmp_path: Path) -> None:
    with open_files(forge(tmp_path / "x.edge", [A, B])) as files:
        assert files.names() == {"a.txt", "b/c.txt"}
        assert files.size("b/c.txt") == 6
        assert files.read("b/c.txt", limit=6) == b"second"
        assert files.sha256("a.txt").startswith("a7937b64b8caa58f")


def test_a_file_that_the_standard_library_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.edge"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"first")
        archive.writestr("é/\u4e2d.txt", b"second")

    with open_files(path) as files:
        assert files.read("a.txt", limit=99) == b"first"
        assert files.read("é/\u4e2d.txt", limit=99) == b"second"


def test_a_bundle_packed_again_with_zip_opens(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "again.edge"
    try:
        subprocess.run(["zip", "-0", "-X", "-D", "-q", "-r", path, "."], cwd=folder, check=True)
    except FileNotFoundError:
        pytest.skip("needs the zip command, which is not installed")

    with open_bundle(path) as bundle, open_bundle(folder) as original:
        assert bundle.digest == original.digest
        assert bundle.read("golden/one.png") == FILES["golden/one.png"]


def test_an_empty_zip_file_holds_nothing(tmp_path: Path) -> None:
    with open_files(forge(tmp_path / "x.edge", [])) as files:
        assert files.names() == frozenset()


def test_nothing_over_the_callers_limit_is_read(tmp_path: Path) -> None:
    with (
        open_files(forge(tmp_path / "x.edge", [A])) as files,
        pytest.raises(BundleError, match="has 5 bytes; at most 4 are read"),
    ):
        files.read("a.txt", limit=4)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with open_files(forge(tmp_path / "x.edge", [A])) as files:
        for attempt in (files.size, files.sha256, lambda name: files.read(name, limit=9)):
            with pytest.raises(BundleError, match=r"no file 'z\.txt'"):
                attempt("z.txt")


def test_a_closed_file_is_not_read(tmp_path: Path) -> None:
    files = open_files(forge(tmp_path / "x.edge", [A]))
    files.close()
    files.close()

    with pytest.raises(BundleError, match="closed"):
        files.read("a.txt", limit=9)


def test_a_file_cut_short_while_it_is_open_gives_an_error_and_not_a_crash(tmp_path: Path) -> None:
    path = forge(tmp_path / "x.edge", [Forged(b"a", bytes(1_000_000))])
    with open_files(path) as files:
        path.write_bytes(path.read_bytes()[:500_000])
        for attempt in (files.sha256, lambda name: files.read(name, limit=2_000_000)):
            with pytest.raises(BundleError, match="became shorter"):
                attempt("a")


@pytest.mark.parametrize("cut", [1, 21, 22, 23, 60, 68, 100])
def test_a_file_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    path = forge(tmp_path / "x.edge", [A, B])
    path.write_bytes(path.read_bytes()[:-cut])

    assert "end record" in refusal(path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", "neither a bundle's folder", id="empty"),
        pytest.param(b"PK", "neither a bundle's folder", id="two bytes"),
        pytest.param(b"\x08\x07\x12\x00model", "bare .onnx or .tflite model", id="a model"),
        pytest.param(b"PK\x03\x04" + bytes(100), "end record", id="zeros"),
        pytest.param(b"PK\x05\x06" + bytes(17), "end record", id="end record cut short"),
    ],
)
def test_a_file_that_is_no_zip_file_is_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    path = tmp_path / "x.edge"
    path.write_bytes(data)

    assert expected in refusal(path)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(Forged(b"a", b"x", method=8), "compressed (method 8)", id="deflated"),
        pytest.param(Forged(b"a", b"x", method=99), "compressed (method 99)", id="AES"),
        pytest.param(Forged(b"a", b"x", flags=1), "encrypted", id="encrypted"),
        pytest.param(Forged(b"a", b"x", flags=0x41), "encrypted", id="strongly encrypted"),
        pytest.param(Forged(b"a", b"x", flags=0x2001), "encrypted", id="masked directory"),
        pytest.param(Forged(b"a", b"x", flags=8), "size after its content", id="streamed"),
        pytest.param(Forged(b"a", b"x", flags=0x20), "unknown flags 0x20", id="patch"),
        pytest.param(Forged(b"a", b"x", packed_size=0), "two sizes, 0 and 1", id="two sizes"),
        pytest.param(Forged(b"a", b"x", size=2, packed_size=1), "two sizes", id="bomb"),
        pytest.param(Forged(b"a", b"x", size=2**31), "at most 2147483647", id="over 2 GiB"),
        pytest.param(Forged(b"a", b"x", size=0xFFFFFFFF), "zip64", id="zip64 size"),
        pytest.param(Forged(b"a", b"x", offset=0xFFFFFFFF), "zip64", id="zip64 offset"),
        pytest.param(Forged(b"a", b"x", disk=1), "split", id="other disk"),
        pytest.param(
            Forged(b"a", b"/etc/passwd", attributes=0o120777 << 16), "plain file", id="link"
        ),
        pytest.param(Forged(b"a", attributes=0o010644 << 16), "plain file", id="FIFO"),
        pytest.param(Forged(b"a", attributes=0o040755 << 16), "plain file", id="Unix folder"),
        pytest.param(Forged(b"a", attributes=0x10, system=0), "plain file", id="DOS folder"),
        pytest.param(Forged(b"a/"), "plain file", id="folder by its name"),
        pytest.param(Forged(b""), "0 bytes; 1 to 255", id="no name"),
        pytest.param(Forged(b"../../etc/cron"), "'..' part", id="path out of the bundle"),
        pytest.param(Forged(b"/etc/passwd"), "absolute", id="absolute path"),
        pytest.param(Forged(b"c:\\a"), "backslash", id="Windows path"),
        pytest.param(Forged(b"a\x00.png"), "control", id="NUL"),
        pytest.param(Forged(b"a\x1b[2J\n"), "control", id="escape sequence"),
        pytest.param(Forged(b"n" * 256), "256 bytes", id="long name"),
        pytest.param(Forged(b"n" * 65535), "65535 bytes", id="longest name"),
        pytest.param(Forged("é".encode()), "not UTF-8", id="UTF-8 without its flag"),
        pytest.param(Forged(b"\xff", flags=0x800), "not UTF-8", id="invalid UTF-8"),
        pytest.param(
            Forged("e\u0301".encode(), flags=0x800), "normal form C", id="not in normal form C"
        ),
        pytest.param(
            Forged(b"a", b"x", local={"name": b"b"}), "described differently", id="other name"
        ),
        pytest.param(
            Forged(b"a", b"x", local={"method": 8}), "described differently", id="other method"
        ),
        pytest.param(
            Forged(b"a", b"x", local={"flags": 1}), "described differently", id="other flags"
        ),
        pytest.param(
            Forged(b"a", b"x", local={"size": 2}), "described differently", id="other size"
        ),
        pytest.param(
            Forged(b"a", b"x", local={"packed": 0}), "described differently", id="other length"
        ),
        pytest.param(Forged(b"a", b"x", local={"crc": 1}), "described differently", id="other CRC"),
        pytest.param(
            Forged(b"a", b"x", local={"signature": b"PK\x07\x08"}), "no header", id="no header"
        ),
        pytest.param(Forged(b"a", b"xyz", size=2), "entries and its directory", id="data hidden"),
        pytest.param(Forged(b"a", b"x", size=99), "runs past", id="longer than the file"),
        pytest.param(Forged(b"a", b"x", offset=4), "leaves a gap", id="moved header"),
    ],
)
def test_an_entry_that_is_not_plain_is_refused(
    tmp_path: Path, entry: Forged, expected: str
) -> None:
    # Behind an honest entry, except where the entry's own offset is forged.
    before = [] if entry.offset is not None else [A]
    renamed = Forged(b"first.txt", b"1") if before and entry.name == b"a" else None

    assert expected in refusal(
        forge(tmp_path / "x.edge", [renamed or each for each in before] + [entry])
    )


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([A, A], "names the same file", id="name twice"),
        pytest.param([A, Forged(b"A.txt", b"x")], "names the same file", id="name in capitals"),
        pytest.param([Forged(b"b", b"x"), B], "lies in the file 'b'", id="file and folder"),
        pytest.param([B, Forged(b"B", b"x")], "also the folder", id="folder and file"),
        pytest.param([A, Forged(b"b", b"first", offset=0)], "overlaps", id="same content"),
        pytest.param([A, Forged(b"b", b"x", offset=38)], "overlaps", id="header in content"),
        pytest.param([A, Forged(b"b", b"x", gap_before=b"?")], "gap", id="gap between"),
        pytest.param([Forged(b"a", b"x", gap_before=b"PK\x03\x04")], "gap", id="prefix"),
        pytest.param([Forged(b"a", b"x", gap_before=b"#!/bin/sh\n")], "neither", id="script"),
    ],
)
def test_entries_that_disagree_with_each_other_are_refused(
    tmp_path: Path, entries: list, expected: str
) -> None:
    assert expected in refusal(forge(tmp_path / "x.edge", entries))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(ForgedEnd(count=1, count_on_disk=1), "does not fit its entries", id="fewer"),
        pytest.param(ForgedEnd(count=3, count_on_disk=3), "cut short", id="more"),
        pytest.param(ForgedEnd(count_on_disk=1), "one whole file", id="counts differ"),
        pytest.param(ForgedEnd(disk=1), "one whole file", id="second disk"),
        pytest.param(ForgedEnd(count=0xFFFF, count_on_disk=0xFFFF), "zip64", id="zip64 count"),
        pytest.param(ForgedEnd(size=0xFFFFFFFF), "zip64", id="zip64 size"),
        pytest.param(ForgedEnd(offset=0xFFFFFFFF), "zip64", id="zip64 offset"),
        pytest.param(ForgedEnd(size=0), "does not end where", id="directory without size"),
        pytest.param(ForgedEnd(offset=0), "does not end where", id="directory at the start"),
        pytest.param(ForgedEnd(offset=2**31), "does not end where", id="directory outside"),
        pytest.param(ForgedEnd(size=2**30), "at most 1048576", id="huge directory"),
        pytest.param(
            ForgedEnd(count=MAX_FILES + 3, count_on_disk=MAX_FILES + 3),
            f"at most {MAX_FILES + 2}",
            id="too many entries",
        ),
        pytest.param(
            ForgedEnd(in_directory=b"?"), "does not fit its entries", id="directory filled"
        ),
        pytest.param(ForgedEnd(before_directory=b"?"), "entries and its", id="gap at the end"),
        pytest.param(
            ForgedEnd(before_directory=b"PK\x06\x06" + bytes(52), in_directory=b""),
            "entries and its directory",
            id="zip64 end record hidden before the directory",
        ),
        pytest.param(
            ForgedEnd(in_directory=b"PK\x06\x07" + bytes(16)),
            "does not fit its entries",
            id="zip64 locator",
        ),
        pytest.param(ForgedEnd(comment=b"hello"), "end record", id="comment"),
        pytest.param(ForgedEnd(after=b"\n"), "end record", id="newline after"),
        pytest.param(ForgedEnd(after=bytes(22)), "end record", id="zeros after"),
    ],
)
def test_an_end_record_that_lies_is_refused(tmp_path: Path, end: ForgedEnd, expected: str) -> None:
    assert expected in refusal(forge(tmp_path / "x.edge", [A, B], end))


def test_a_comment_that_looks_like_an_end_record_is_refused(tmp_path: Path) -> None:
    inner = forge(tmp_path / "inner", [Forged(b"other", b"x")]).read_bytes()
    path = forge(tmp_path / "x.edge", [A, B], ForgedEnd(comment=inner))

    assert "does not end where its end record begins" in refusal(path)


def test_a_deflated_bundle_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "x.edge"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"{}" * 1000)

    text = refusal(path)

    assert "'manifest.json' is compressed" in text
    assert "zip -0 -X -D -r NAME.edge ." in text


def test_a_sparse_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = forge(tmp_path / "x.edge", [A])
    with path.open("r+b") as file:
        file.truncate(MAX_TOTAL_BYTES + 2**21 + 1)

    assert "more than a bundle may have" in refusal(path)


def test_every_name_is_listed_in_a_refusal_of_several(tmp_path: Path) -> None:
    text = refusal(forge(tmp_path / "x.edge", [Forged(b"../a"), Forged(b"/b")]))

    assert "'../a'" in text
    assert "'/b'" in text


def test_a_damaged_manifest_is_told_from_its_checksum(edge_file: Path) -> None:
    data = bytearray(edge_file.read_bytes())
    place = data.index(b'"temperature": 1.5')
    data[place + 15 : place + 18] = b"2.5"
    edge_file.write_bytes(data)

    with pytest.raises(BundleError, match="damaged") as caught:
        open_bundle(edge_file)
    assert_is_one_line(caught.value)


def test_the_forged_files_are_sound_but_for_what_was_forged(tmp_path: Path) -> None:
    """The forge itself is checked against another reader, or the refusals above mean nothing."""
    path = forge(tmp_path / "x.edge", [A, B])

    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("b/c.txt") == b"second"
    assert struct.unpack_from("<L", path.read_bytes(), 14)[0] == zlib.crc32(b"first")
