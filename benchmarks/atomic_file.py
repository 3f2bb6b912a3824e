"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from edge.errors import OutputError

__all__ = ["write_file"]


def write_file(path: Path, data: bytes) -> None:
    """Write beside the file, then put it in its place.

    Raises:
        OutputError: it cannot be written; what was there before is untouched.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise OutputError(
            f"cannot write {path}: {error.strerror}; free the disk or name another place"
        ) from error
