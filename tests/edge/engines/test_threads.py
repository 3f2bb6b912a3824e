"""How many threads an engine uses."""

import os

import pytest

from edge.engines.threads import resolve_threads
from edge.errors import UsageError

AVAILABLE = len(os.sched_getaffinity(0))


def test_a_wish_is_granted() -> None:
    assert [resolve_threads(wish) for wish in (1, 3, 256)] == [1, 3, 256]
    assert resolve_threads(7, most_by_default=2) == 7


def test_without_a_wish_every_processor_works_up_to_what_is_known_to_pay() -> None:
    assert resolve_threads(None) == min(4, AVAILABLE)
    assert resolve_threads(None, most_by_default=6) == min(6, AVAILABLE)
    assert resolve_threads(None, most_by_default=1) == 1


@pytest.mark.parametrize("wish", [0, -1, 257])
def test_a_wish_that_makes_no_sense_is_refused(wish: int) -> None:
    with pytest.raises(UsageError, match=f"threads is {wish}"):
        resolve_threads(wish)
