"""Settings that cannot mean anything safe are refused in one line."""

from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.kiosk.api.settings import ApiSettings, is_loopback

KEY = "0123456789abcdef"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "LOCALHOST"])
def test_on_loopback_no_token_is_needed(host):
    assert is_loopback(host)
    assert ApiSettings(host=host).token is None


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "192.168.1.5", "::", "fe80::1", "kiosk.local"],  # noqa: S104 - never listened on
)
def test_anything_wider_needs_a_token(host):
    with pytest.raises(UsageError, match="no token is set"):
        ApiSettings(host=host)
    assert ApiSettings(host=host, token=KEY).host == host


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"token": "short"}, "the least is 16", id="short token"),
        pytest.param({"token": "0123456789 abcdef"}, "without spaces", id="token with a space"),
        pytest.param({"token": "0123456789abcdé€"}, "printable ASCII", id="token not ASCII"),
        pytest.param({"host": "http://x"}, "neither an address nor a name", id="host is a URL"),
        pytest.param({"host": ""}, "neither an address nor a name", id="host is empty"),
        pytest.param({"port": 65536}, "port 65536", id="port too high"),
        pytest.param({"port": -1}, "port -1", id="port below 0"),
        pytest.param({"allowed_hosts": ("a b",)}, "'a b' is no name", id="allowed host"),
        pytest.param({"allowed_hosts": ("a:80",)}, "without scheme and port", id="host with port"),
        pytest.param({"allowed_origins": ("null",)}, "'null' is no origin", id="null origin"),
        pytest.param({"allowed_origins": ("*",)}, "is no origin", id="any origin"),
        pytest.param({"allowed_origins": ("http://a/",)}, "is no origin", id="origin with path"),
        pytest.param({"max_upload_bytes": 0}, "max_upload_bytes is 0", id="no upload"),
        pytest.param({"header_timeout_s": float("nan")}, "header_timeout_s", id="not a number"),
        pytest.param({"unix_socket_mode": 0o1777}, "0o1777", id="mode"),
        pytest.param(
            {"unix_socket": Path("/" + "x" * 107)}, "108 bytes, the most is 107", id="long path"
        ),
    ],
)
def test_each_fault_is_one_line_with_the_value_and_the_way_out(changed, words):
    with pytest.raises(UsageError, match=words) as caught:
        ApiSettings(**changed)
    assert "\n" not in str(caught.value)


def test_the_token_is_not_in_any_message():
    with pytest.raises(UsageError) as caught:
        ApiSettings(token="sécret")  # noqa: S106 - what must not be shown
    assert "cret" not in str(caught.value)


def test_the_token_is_not_in_the_representation():
    assert KEY not in repr(ApiSettings(token=KEY))
