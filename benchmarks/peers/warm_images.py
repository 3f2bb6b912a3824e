"""Warm answers side by side in one process, image by image, in alternating blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["WarmBlocks", "alternate_blocks"]


@dataclass(frozen=True, slots=True)
class WarmBlocks:
    """Nanoseconds an image, by block; the two sides' blocks at one place make a pair.

    Attributes:
        images: how many images each side answered for, one uncounted at each block's start apart.
        ours_ns: mean of each block.
        theirs_ns: the same of the other side.
    """

    images: int
    ours_ns: tuple[float, ...]
    theirs_ns: tuple[float, ...]


def alternate_blocks(
    ours: Callable[[str], object],
    theirs: Callable[[str], object],
    pictures: Sequence[str],
    *,
    images: int,
    block: int = 10,
) -> WarmBlocks:
    """Time both sides on the same images: ours first in even pairs, theirs in odd ones.

    Args:
        ours: answers for an image file.
        theirs: the same.
        pictures: image files, taken in turn.
        images: for each side.
        block: images in a row. The first call of a block is not counted: the other side's
            engine threads may still spin.
    """
    times: dict[bool, list[float]] = {True: [], False: []}
    for pair in range(-1, max(1, images // block)):
        chosen = [pictures[(pair * block + index) % len(pictures)] for index in range(block)]
        for is_ours in (True, False) if pair % 2 == 0 else (False, True):
            taken = _time_block(ours if is_ours else theirs, chosen)
            if pair >= 0:
                times[is_ours].append(taken)
    return WarmBlocks(
        images=block * len(times[True]),
        ours_ns=tuple(times[True]),
        theirs_ns=tuple(times[False]),
    )


def _time_block(answer: Callable[[str], object], pictures: Sequence[str]) -> float:
    answer(pictures[0])
    start = time.perf_counter_ns()
    for picture in pictures:
        answer(picture)
    return (time.perf_counter_ns() - start) / len(pictures)
