"""Raw samples come back as they were, and what is damaged is refused."""

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.records.sample_column import MISSING, SampleColumn
from edge.errors import InputError


@given(st.lists(st.integers(min_value=-(2**63), max_value=2**63 - 1), max_size=300))
def test_every_column_comes_back_as_it_was(numbers: list[int]) -> None:
    column = SampleColumn.from_values(numbers)
    assert column.count == len(numbers)
    assert column.values().tolist() == numbers


def test_a_missing_reading_among_others_stays_missing() -> None:
    assert SampleColumn.from_values([51_350, MISSING, 51_400]).values().tolist() == [
        51_350,
        MISSING,
        51_400,
    ]


def test_latencies_take_less_room_than_half_their_digits() -> None:
    latencies = np.random.default_rng(1).gamma(2.0, 2e5, 20_000).astype(np.int64) + 16_700_000
    plain = len(",".join(map(str, latencies.tolist())))
    assert len(SampleColumn.from_values(latencies).data) < plain / 2


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"data": "not base64!"}, id="no base64"),
        pytest.param({"data": base64.b64encode(b"no zlib").decode()}, id="no zlib"),
        pytest.param({"count": 4}, id="more claimed"),
        pytest.param({"count": 2}, id="fewer claimed"),
        pytest.param({"count": -1}, id="a negative count"),
        pytest.param({"count": 10**18}, id="an absurd count"),
        pytest.param({"data": base64.b64encode(zlib.compress(bytes(10**7))).decode()}, id="a bomb"),
        pytest.param({"data": SampleColumn.from_values([1, 2, 3]).data[:-8]}, id="cut"),
    ],
)
def test_a_damaged_column_is_refused(damage: dict[str, object]) -> None:
    whole = SampleColumn.from_values([1, 2, 3])
    with pytest.raises(InputError, match="column of samples"):
        replace(whole, **damage).values()
