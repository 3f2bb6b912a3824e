"""The comparison with the hand-written script, small but whole."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.model_loader import DEFAULT_BUNDLE

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.skipif(
    not DEFAULT_BUNDLE.is_file(), reason=f"{DEFAULT_BUNDLE.name} has not been built yet"
)
def test_both_sides_do_the_same_work_and_every_comparison_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "overhead.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.peers.runtime_overhead", "-o", str(path)),
            *("--rounds", "1", "--images", "10", "--growth", "40"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    record = json.loads(path.read_bytes())
    assert record["score_difference"] <= 1e-3
    assert record["imports"]["foreign"] == []
    assert {(each["name"], each["bar"]) for each in record["comparisons"]} == {
        ("whole process, time", 1.2),
        ("whole process, time", None),
        ("whole process, processor time", None),
        ("whole process, peak memory", 1.15),
        ("whole process, peak memory", None),
        ("warm image", 1.03),
        ("warm image", None),
    }
    for each in record["comparisons"]:
        assert each["ratio"]["pairs"] == len(each["ours"]) == len(each["theirs"]) == 1
    assert len(record["growth"]["resident_bytes"]) == 40
    table = path.with_suffix(".md").read_text(encoding="utf-8")
    assert done.stdout == table
    assert table.count("\n| w") == len(record["comparisons"]) + 1
    assert str(ROOT) not in table + path.read_text(encoding="utf-8")
