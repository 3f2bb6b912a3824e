"""A FlatBuffers builder that stores equal small vectors once.

An unrolled recurrent layer has thousands of tensors and operators, and most of their shapes and
operand lists are alike. The format lets tables share a vector, as builders do with vtables
(FlatBuffers internals, "vtables"); FlatBuffers' own builder for Python does it for nothing else.
"""

from __future__ import annotations

from typing import Any

__all__ = ["sharing_builder"]

_LARGEST_BYTES = 64
"""Of a vector that is looked for: shapes and operands, and not constants."""


def sharing_builder(size: int) -> Any:
    """A `flatbuffers.Builder` with room for so many bytes at first."""
    import flatbuffers

    class SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
        """Takes a vector back out when the same one is there already."""

        head: int

        def __init__(self, size: int) -> None:
            super().__init__(size)
            self._found: dict[tuple[int, int, bytes], int] = {}
            self._open: tuple[int, int, int, int] | None = None

        def StartVector(self, each: int, count: int, alignment: int) -> int:  # noqa: N802
            self._open = (self.Offset(), each, each * count, alignment)
            return int(super().StartVector(each, count, alignment))

        def PrependUOffsetTRelative(self, offset: int) -> None:  # noqa: N802
            # Equal distances are not equal targets.
            self._open = None
            super().PrependUOffsetTRelative(offset)

        def EndVector(self, *count: int) -> int:  # noqa: N802
            offset = int(super().EndVector(*count))
            opened, self._open = self._open, None
            if opened is None or opened[2] > _LARGEST_BYTES:
                return offset
            before, each, length, alignment = opened
            content = bytes(self.Bytes[self.head : self.head + 4 + length])
            known = self._found.setdefault((each, alignment, content), offset)
            if known != offset:
                self.head = len(self.Bytes) - before
            return known

    return SharingBuilder(size)
