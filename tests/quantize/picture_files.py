"""Small pictures on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tiny_onnx_models as tiny


def write_pictures(folder: Path, count: int = 12) -> Path:
    """Fill a new folder with colour pictures of 20 x 24 pixels."""
    folder.mkdir()
    for at, example in enumerate(tiny.pictures(count, (1, 3, 24, 20), seed=4)):
        pixels = np.clip(example["image"][0].transpose(1, 2, 0) * 127.5 + 127.5, 0, 255)
        cv2.imwrite(str(folder / f"{at:02d}.png"), pixels.astype(np.uint8))
    return folder
