"""`edge-kiosk journal verify` and `export`, as a user meets them."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from journal_samples import SMALL, answer, filled, segments, stored_lines

from edge.kiosk.journal.csv_rows import CSV_COLUMNS
from edge.kiosk.journal.journal import Journal

ROOT = Path(__file__).parents[4]


def edge_kiosk(*words: object) -> subprocess.CompletedProcess:
    code = "import sys; from edge.kiosk.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "journal", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def folder(tmp_path):
    filled(tmp_path / "j", 6)
    return tmp_path / "j"


def test_a_whole_journal_is_told_in_one_line_with_its_last_receipt(folder):
    last = stored_lines(folder)[-1]
    ended = edge_kiosk("verify", folder)
    assert ended.returncode == 0
    assert ended.stdout == (
        f"{folder}: entries 1 to {last['sequence']} are whole and in order; the last is "
        f"{last['sequence']}:{last['sha256']}\n"
    )


def test_a_broken_journal_ends_with_1_and_one_line_that_says_what_and_where(folder):
    segment = segments(folder)[0]
    segment.write_bytes(segment.read_bytes().replace(b'"index":1,', b'"index":7,'))
    ended = edge_kiosk("verify", folder)
    assert ended.returncode == 1
    assert ended.stdout == (
        f"BROKEN chain-000001/{segment.name} after entry 2: the line's content does not have the "
        "line's digest\n"
    )
    assert not ended.stderr


def test_receipts_are_compared(folder):
    last = stored_lines(folder)[-1]
    receipt = f"{last['sequence']}:{last['sha256']}"
    ended = edge_kiosk("verify", folder, "--receipt", receipt, "--expect-last", receipt)
    assert ended.returncode == 0
    assert "1 receipts found" in ended.stdout
    ended = edge_kiosk("verify", folder, "--receipt", f"99:{last['sha256']}")
    assert ended.returncode == 1
    assert "its end was cut off" in ended.stdout
    ended = edge_kiosk("verify", folder, "--expect-last", f"1:{last['sha256']}")
    assert ended.returncode == 1
    assert "the journal ends with" in ended.stdout


def test_the_finding_can_be_had_as_json(folder):
    found = json.loads(edge_kiosk("verify", folder, "--json").stdout)
    assert found["schema_version"] == 1
    assert found["is_whole"] is True
    assert found["last_digest"] == stored_lines(folder)[-1]["sha256"]
    segments(folder)[0].unlink()
    ended = edge_kiosk("verify", folder, "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["breaks"][0]["what"].startswith("the entries before")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["verify", "nowhere"], 3, "nowhere is no folder; name the journal's"),
        (["verify", "."], 3, "holds no journal; name the one that the service uses"),
        (["verify"], 2, "Missing argument"),
        (["verify", "j", "--receipt", "12"], 2, "'12' is no receipt"),
        (["verify", "j", "--expect-last", "1:xyz"], 2, "'1:xyz' is no receipt"),
        (["export", "j"], 2, "Missing option"),
        (["export", "j", "-o", "x", "--since", "yesterday"], 2, "'yesterday' is no time"),
        (["export", "j", "-o", "x", "--format", "xml"], 2, "xml"),
        (["export", "nowhere", "-o", "x"], 3, "nowhere is no folder"),
        (["export", "j", "-o", "none/x"], 5, "cannot write none/x"),
    ],
)
def test_wrong_use_is_one_line_and_its_exit_code(folder, monkeypatch, words, code, message):
    monkeypatch.chdir(folder.parent)
    ended = edge_kiosk(*words)
    assert ended.returncode == code
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_journal_of_another_account_is_told_so(folder):
    segments(folder)[0].chmod(0)
    ended = edge_kiosk("verify", folder)
    assert ended.returncode == 3
    assert "use the account of the service" in ended.stderr


def test_exported_json_lines_are_the_lines_as_they_are(folder, tmp_path):
    ended = edge_kiosk("export", folder, "-o", tmp_path / "out.jsonl")
    assert ended.returncode == 0
    before = b"".join(each.read_bytes() for each in segments(folder))
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600


def test_exported_csv_has_one_row_an_entry(folder, tmp_path):
    edge_kiosk("export", folder, "--format", "csv", "--output", tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["index"] for row in rows] == list("012345")
    first = rows[0]
    assert first["model_name"] == "chest"
    assert first["decision"] == "Mass"
    assert json.loads(first["outputs"])[0]["scores"][0] == {"label": "Ödem", "score": 0.25}
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}\+00:00", first["time"])
    assert first["temperature_c"] == "51.5"
    assert first["is_throttled"] == "false"
    assert first["gate"] == ""


def test_entries_are_chosen_by_time(tmp_path):
    folder = tmp_path / "j"
    with Journal(folder, SMALL) as journal:
        for seconds in (100, 200, 300):
            entry = answer(seconds)
            journal.append(type(entry)(kind="answer", time_ns=seconds * 10**9, index=seconds))
    for words, expected in [
        (["--since", "1970-01-01T00:03:20Z"], ["200", "300"]),
        (["--until", "1970-01-01T00:03:20"], ["100"]),
        (["--since", "1970-01-01T01:03:20+01:00", "--until", "1970-01-02"], ["200", "300"]),
    ]:
        edge_kiosk("export", folder, "--format", "csv", "-o", tmp_path / "out", *words)
        rows = csv.DictReader(io.StringIO((tmp_path / "out").read_text("utf-8")))
        assert [row["index"] for row in rows] == expected


def test_a_broken_journal_is_not_exported_unless_told_to_leave_out_what_is_broken(folder, tmp_path):
    segment = segments(folder)[0]
    segment.write_bytes(segment.read_bytes().replace(b'"index":1,', b'"index":7,'))
    out = tmp_path / "out"
    out.write_text("before")
    ended = edge_kiosk("export", folder, "-o", out, "--format", "csv")
    assert ended.returncode == 1
    assert "after entry 2" in ended.stderr
    assert out.read_text() == "before"
    assert not list(tmp_path.glob("*.partial"))
    ended = edge_kiosk("export", folder, "-o", out, "--format", "csv", "--keep-going")
    assert ended.returncode == 1
    assert "BROKEN in 1 places" in ended.stdout
    rows = csv.DictReader(io.StringIO(out.read_text("utf-8")))
    assert [row["index"] for row in rows] == list("02345")


def run_short_verifier(code: str, files: list[Path], monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["verifier", *map(str, files)])
    exec(code, {})  # noqa: S102 - the documentation's own


def test_the_short_verifier_of_the_documentation_finds_what_ours_finds(folder, monkeypatch, capsys):
    page = (ROOT / "docs" / "journal.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(import hashlib.*?)```", page, re.DOTALL)
    assert code.count("\n") <= 16
    run_short_verifier(code, segments(folder), monkeypatch)
    last = stored_lines(folder)[-1]
    assert capsys.readouterr().out.split() == [str(last["sequence"]), last["sha256"]]
    segment = segments(folder)[-1]
    data = segment.read_bytes()
    for place in range(0, len(data), 37):
        segment.write_bytes(data[:place] + bytes([data[place] ^ 2]) + data[place + 1 :])
        with pytest.raises(SystemExit, match="changed after"):
            run_short_verifier(code, segments(folder), monkeypatch)
    segment.write_bytes(data)
    with pytest.raises(SystemExit, match="does not follow"):
        run_short_verifier(code, [segments(folder)[0], *segments(folder)], monkeypatch)
