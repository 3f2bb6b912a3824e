"""Token buckets: what passes never exceeds the rate plus the burst."""

from hypothesis import given
from hypothesis import strategies as st

from edge.kiosk.api.rate_limit import RateLimits, TokenBucket


@given(
    rate=st.floats(0.1, 1000),
    size=st.floats(1, 100),
    pauses=st.lists(st.floats(0, 2), max_size=200),
)
def test_no_more_pass_than_rate_and_burst_allow(rate, size, pauses):
    bucket = TokenBucket(rate, size, 0.0)
    now = passed = 0.0
    for pause in pauses:
        now += pause
        passed += bucket.take(now) == 0.0
    assert passed <= size + rate * now + 1e-6


@given(rate=st.floats(0.1, 1000), size=st.floats(1, 20), used=st.integers(0, 40))
def test_who_waits_as_long_as_told_passes(rate, size, used):
    bucket = TokenBucket(rate, size, 0.0)
    for _ in range(used):
        bucket.take(0.0)
    wait = bucket.take(0.0)
    if wait:
        assert bucket.take(wait * (1 + 1e-9) + 1e-9) == 0.0


def test_a_clock_that_stands_or_goes_back_gives_nothing_away():
    bucket = TokenBucket(1.0, 1.0, 100.0)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(50.0) > 0.0
    assert bucket.take(50.5) > 0.0


def test_one_address_does_not_use_up_anothers_rate():
    limits = RateLimits(1.0, 0.0)
    while not limits.take_address("10.0.0.1", 0.0):
        pass
    assert limits.take_address("10.0.0.2", 0.0) == 0.0
    assert limits.take_address("10.0.0.1", 0.0) > 0.0


def test_addresses_of_one_ipv6_site_are_one_client():
    limits = RateLimits(1.0, 0.0)
    taken = [limits.take_address(f"2001:db8::{number:x}", 0.0) for number in range(9)]
    assert sum(wait == 0.0 for wait in taken) == 2
    assert limits.take_address("2001:db8:0:1::1", 0.0) == 0.0


def test_a_mapped_address_is_the_same_client_as_the_plain_one():
    limits = RateLimits(1.0, 0.0)
    while not limits.take_address("::ffff:10.0.0.1", 0.0):
        pass
    assert limits.take_address("10.0.0.1", 0.0) > 0.0


def test_a_million_addresses_take_no_more_memory_than_a_thousand():
    limits = RateLimits(1.0, 0.0)
    for number in range(3000):
        limits.take_address(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(limits._of_address) == 1024


def test_what_is_no_address_is_a_client_too():
    assert RateLimits(1.0, 0.0).take_address("", 0.0) == 0.0
