"""Child process of `torch_export`: a checked `.pt2` archive -> an ONNX file.

The last line on standard output says why it could not be done.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

__all__ = ["main"]


def main(source: Path, target: Path) -> int:
    """Convert one archive.

    Args:
        source: an archive that `torch_archive` wrote.
        target: the ONNX file to write.

    Returns:
        0, or 1 with the reason printed.
    """
    import torch

    try:
        program = torch.export.load(io.BytesIO(source.read_bytes()))
        exported = torch.onnx.export(program, dynamo=True, optimize=True, verbose=False)
        exported.save(str(target), external_data=False)
    except Exception as error:  # noqa: BLE001 - whatever PyTorch raises becomes one line
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        print(f"{type(cause).__name__}: {' '.join(str(cause).split())[:350]}")  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
