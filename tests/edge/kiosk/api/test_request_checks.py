"""Who may ask, judged by Host, Origin and Sec-Fetch-Site."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.kiosk.api.problems import ProblemError
from edge.kiosk.api.request_checks import (
    allowed_hosts,
    check_fetch_site,
    check_host,
    check_origin,
    host_of,
)
from edge.kiosk.api.settings import ApiSettings

KEY = "0123456789abcdef"
LOOPBACK = allowed_hosts(ApiSettings())


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8321", "localhost"),
        ("kiosk.local.", "kiosk.local"),
        ("127.0.0.1:1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]:8321", "::1"),
        ("localhost:", "localhost"),
        ("", None),
        (":80", None),
        ("a:b", None),
        ("a:80:80", None),
        ("[::1", None),
        ("[::1]x", None),
        ("[::1]:x", None),
        ("[localhost]", None),
    ],
)
def test_a_host_is_read_with_or_without_port(authority, host):
    assert host_of(authority) == host


@given(st.text(max_size=40))
def test_no_host_header_breaks_the_reader(authority):
    host = host_of(authority)
    assert host is None or host


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:8321", "LOCALHOST:80"])
def test_names_of_loopback_are_ours(host):
    check_host([host], LOOPBACK, "127.0.0.1")


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.1"]
)
def test_other_names_are_not_even_if_they_lead_here(host):
    with pytest.raises(ProblemError) as caught:
        check_host([host], LOOPBACK, "127.0.0.1")
    assert (caught.value.status, caught.value.code) == (421, "host_unknown")


@pytest.mark.parametrize("hosts", [[], ["a", "a"], ["a b:c"], [""]])
def test_no_readable_host_is_malformed(hosts):
    with pytest.raises(ProblemError) as caught:
        check_host(hosts, LOOPBACK, "127.0.0.1")
    assert caught.value.status == 400


def test_where_all_addresses_are_listened_on_the_one_connected_to_may_be_named():
    everywhere = "0.0.0.0"  # noqa: S104 - never listened on
    hosts = allowed_hosts(ApiSettings(host=everywhere, token=KEY, allowed_hosts=("Kiosk.Local",)))
    check_host(["192.168.1.5:8321"], hosts, "192.168.1.5")
    check_host(["192.168.1.5:8321"], hosts, "::ffff:192.168.1.5")
    check_host(["kiosk.local"], hosts, "192.168.1.5")
    for foreign in ("192.168.1.6", everywhere, "evil.example"):
        with pytest.raises(ProblemError):
            check_host([foreign], hosts, "192.168.1.5")


@pytest.mark.parametrize("origin", [None, "http://localhost:8321", "https://LOCALHOST:8321"])
def test_our_own_pages_may_ask(origin):
    assert check_origin(origin, "localhost:8321", ()) is False


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://localhost",
        "http://localhost:8322",
        "ftp://localhost:8321",
        "http://localhost:8321.evil.example",
        "http://evil.example@localhost:8321",
        "",
        "localhost:8321",
    ],
)
def test_pages_of_other_origins_may_not(origin):
    with pytest.raises(ProblemError) as caught:
        check_origin(origin, "localhost:8321", ("https://ward.example",))
    assert (caught.value.status, caught.value.code) == (403, "origin_forbidden")


def test_an_origin_that_was_allowed_may_read_the_answer():
    assert check_origin("https://Ward.example", "localhost:8321", ("https://ward.example",))


@pytest.mark.parametrize("site", [None, "same-origin", "none"])
def test_what_the_browser_says_comes_from_us_or_the_user_passes(site):
    check_fetch_site({} if site is None else {"sec-fetch-site": site}, "POST")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "anything"])
def test_what_the_browser_says_comes_from_elsewhere_does_not(site):
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    with pytest.raises(ProblemError):
        check_fetch_site(headers, "GET")


def test_a_link_to_the_kiosk_may_be_followed_but_not_posted_or_framed():
    headers = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    check_fetch_site(headers, "GET")
    with pytest.raises(ProblemError):
        check_fetch_site(headers, "POST")
    with pytest.raises(ProblemError):
        check_fetch_site(headers | {"sec-fetch-dest": "iframe"}, "GET")
