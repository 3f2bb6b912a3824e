"""The one error of laying a kiosk down."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["KioskSetupError", "told_kindly"]


class KioskSetupError(Exception):
    """Something could not be laid down or taken away; one line: what, why, the way out."""


@contextlib.contextmanager
def told_kindly(what: str, way_out: str) -> Iterator[None]:
    """Turn what the operating system raises into our error.

    Args:
        what: what was being done, "cannot" left out.
        way_out: what to do about it.
    """
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise KioskSetupError(
            f"cannot {what}: {error.strerror or error}{where}; {way_out}"
        ) from error
