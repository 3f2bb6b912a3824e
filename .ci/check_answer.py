#!/usr/bin/env python3
"""check_answer.py ANSWER.json ENGINE: it holds one line of `edge-run --json`, by that engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def find_faults(answer: dict[str, Any], engine: str) -> list[str]:
    """What is wrong with an answer; nothing where it is right."""
    faults = [
        f"{key} is {answer.get(key)!r}, not {wanted!r}"
        for key, wanted in {
            "schema_version": 1,
            "status": "ok",
            "engine": engine,
            "precision": "int8",
        }.items()
        if answer.get(key) != wanted
    ]
    outputs = answer.get("outputs") or []
    if not outputs or not all(output["scores"] for output in outputs):
        faults.append("an output or its scores are missing")
    if answer.get("latency_ns", {}).get("infer", 0) <= 0:
        faults.append("no time was measured for infer")
    return faults


def main(words: list[str]) -> int:
    """Print the scores, or the faults."""
    path, engine = words
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if len(lines) != 1:
        sys.stderr.write(f"{len(lines)} lines of JSON where one answer was expected\n")
        return 1
    answer = json.loads(lines[0])
    faults = find_faults(answer, engine)
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    for output in answer["outputs"]:
        scores = ", ".join(f"{each['label']} {each['score']:.4f}" for each in output["scores"])
        print(f"  - {answer['model']['name']}: {scores} -> {output['decision']}")  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
