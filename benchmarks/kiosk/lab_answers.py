"""The lab's answers for the frames that a fake camera plays, by the digest of their pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edge
from edge.sources.picture_files import as_camera_pixels, read_picture

__all__ = ["LabAnswers"]


@dataclass(frozen=True, slots=True)
class LabAnswers:
    """What the model says of each picture, loaded alone in this process.

    Attributes:
        scores: by the SHA-256 in hex of a picture's pixels: label and score, in order.
        file_scores: the same by the SHA-256 of the file, for pictures that are sent in.
    """

    scores: dict[str, list[tuple[str, float]]]
    file_scores: dict[str, list[tuple[str, float]]]

    @classmethod
    def of(cls, bundle: Path, folder: Path) -> LabAnswers:
        """Ask the model about every picture of a folder."""
        scores, file_scores = {}, {}
        with edge.load(bundle) as model:
            for path in sorted(folder.glob("*.png")):
                pixels = as_camera_pixels(read_picture(str(path)), str(path))
                result = model.run(edge.Frame(pixels, "bgr"))
                scores[hashlib.sha256(pixels.tobytes()).hexdigest()] = _pairs(result)
                data = path.read_bytes()
                file_scores[hashlib.sha256(data).hexdigest()] = _pairs(model.run(data))
        return cls(scores, file_scores)

    def is_right(self, digest: str, outputs: list[dict[str, Any]]) -> bool:
        """Whether an answer is the lab's, to the last bit of its scores."""
        expected = self.scores.get(digest) or self.file_scores.get(digest)
        given = [(each["label"], each["score"]) for each in outputs[0]["scores"]] if outputs else []
        return expected is not None and given == expected


def _pairs(result: edge.Result) -> list[tuple[str, float]]:
    return [(each.label, each.score) for each in result.outputs[0].scores]
