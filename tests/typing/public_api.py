"""Type-checked, never run: how an embedder uses the public names."""

from pathlib import Path

import numpy as np

import edge


def answer(path: Path) -> str:
    with edge.load("x.edge", engine="litert", threads=2) as model:
        result: edge.Result = model.run(path)
        top: edge.Score = result.top
        return f"{top.label} {top.score:.3f} in {result.latency_ns.total} ns"


def answer_camera_frame(model: edge.Model) -> tuple[str, ...]:
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    return model.run(edge.Frame(pixels, "bgr", source="camera:0")).decision


def answer_camera(model: edge.Model) -> list[str]:
    with edge.stream(model, "camera:0", policy="nth:5") as answers:
        return [f"{each.result.gate} {each.result.decision}" for each in answers]


def replay() -> edge.Model:
    spec = edge.TensorSpec("image", (1, 1, 8, 8), "float32")
    out = edge.TensorSpec("logits", (1, 2), "float32")
    engine: edge.Engine = edge.ReplayEngine([spec], [out], [{"logits": np.zeros((1, 2))}])
    return edge.load("x.edge", engine=engine)
