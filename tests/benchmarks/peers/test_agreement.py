"""The comparison with the profiler and a bare loop, small but whole; nobody asserts its times."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
RISK = ROOT / "benchmarks/zoo/disease_risk_lstm"


def test_all_ways_take_the_time_of_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "agreement.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.peers.agreement", "-o", str(path)),
            *("--rounds", "4", "--block", "5"),
            *(str(RISK / "disease_risk_lstm.edge"), str(RISK / "model.onnx")),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stderr == ""
    record = json.loads(path.read_bytes())
    assert [(each["name"], each["inputs"]) for each in record["models"]] == [
        ("disease-risk-lstm", "golden"),
        ("model.onnx", "random"),
    ]
    for each in record["models"]:
        for way in ("edge_bench_ns", "bare_loop_ns", "hot_loop_ns", "profiled_ns", "profile_ns"):
            assert len(each[way]) == 4
            assert min(each[way]) > 0
        assert each["to_bare_loop"]["pairs"] == each["to_profile"]["pairs"] == 4
        # What the profiler saw lies inside what edge-bench timed.
        pairs = zip(each["profiled_ns"], each["profile_ns"], strict=True)
        assert all(outside > inside for outside, inside in pairs)
    table = path.with_suffix(".md").read_text(encoding="utf-8")
    assert done.stdout == table
    assert done.returncode == int("| missed |" in table)
    assert str(ROOT) not in table + path.read_text(encoding="utf-8")
