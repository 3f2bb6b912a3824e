"""OpenCV, imported when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from edge.errors import DeviceError

if TYPE_CHECKING:
    from types import ModuleType

    from edge.bundle.manifest import Input

__all__ = ["import_opencv", "prepare_for"]

# 4.10 hands out the part of a damaged JPEG that it could decode, and says nothing.
_OLDEST = (4, 11)


@cache
def import_opencv() -> ModuleType:
    """Import OpenCV and keep it from writing about bad files: they become our errors.

    Its log level is changed only where neither OPENCV_LOG_LEVEL nor the program has set it.

    Raises:
        DeviceError: OpenCV cannot be imported, or takes truncated pictures for whole ones.
    """
    try:
        import cv2
    except ImportError as error:
        why = " ".join(str(error).split())
        raise DeviceError(
            f"OpenCV cannot be imported ({why}); install opencv-python-headless>=4.11,<5"
        ) from error
    if tuple(int(part) for part in cv2.__version__.split(".")[:2]) < _OLDEST:
        raise DeviceError(
            f"OpenCV {cv2.__version__} takes truncated pictures for whole ones; "
            "install opencv-python-headless 4.11 or newer"
        )
    log = cv2.utils.logging
    if "OPENCV_LOG_LEVEL" not in os.environ and log.getLogLevel() == log.LOG_LEVEL_WARNING:
        log.setLogLevel(log.LOG_LEVEL_SILENT)
    return cv2


def prepare_for(inputs: Sequence[Input]) -> None:
    """Import OpenCV where a model takes a picture, so that it counts as loading, not as decoding.

    Args:
        inputs: what the model takes.
    """
    from edge.bundle.manifest import ImageInput

    if any(isinstance(each, ImageInput) for each in inputs):
        import_opencv()
