"""Whole answers of ours, from the bytes of a golden input to the result, beside the inference."""

from __future__ import annotations

from pathlib import Path

import edge
from edge.bundle.reader import open_bundle

__all__ = ["STAGES", "time_pipeline"]

STAGES = ("decode", "preprocess", "infer", "postprocess", "total")
_UNTIMED = 10


def time_pipeline(bundle: Path, *, threads: int, answers: int) -> tuple[dict[str, list[int]], str]:
    """Answer a bundle's golden inputs again and again, as a program that embeds it would.

    Args:
        bundle: the file.
        threads: inside one inference.
        answers: how many are timed.

    Returns:
        Nanoseconds by stage, and the engine that was chosen as `edge-run` chooses it.

    Raises:
        EdgeError: the bundle is refused, or its engine fails.
    """
    with open_bundle(bundle) as opened:
        inputs = [opened.read(each.input) for each in opened.manifest.golden]
    taken: dict[str, list[int]] = {stage: [] for stage in STAGES}
    with edge.load(bundle, threads=threads) as model:
        for index in range(_UNTIMED + answers):
            latency = model.run(inputs[index % len(inputs)]).latency_ns
            if index >= _UNTIMED:
                for stage in STAGES:
                    taken[stage].append(int(getattr(latency, stage)))
        return taken, f"{model.parts.engine.name} {model.parts.artifact.precision}"
