"""Which texts are streams, and how an address is shown without its secrets."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.sources.base import is_stream_address, open_source, without_credentials

SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1)


@pytest.mark.parametrize(
    "text",
    [
        "camera:0",
        "camera:12",
        "camera:/dev/video0",
        "camera:first",
        "picamera:",
        "rtsp://192.168.1.9/main",
        "rtsps://camera/main",
        "http://camera:8080/video",
        "HTTPS://camera/video",
        "clip.mp4",
        "folder/CLIP.AVI",
        "a.mkv",
        "a.mov",
        "a.mjpg",
        "a.mjpeg",
        "a.webm",
    ],
)
def test_a_camera_a_video_or_a_network_stream_is_a_stream_address(text: str) -> None:
    assert is_stream_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "film.png", "films", "film.mp4.png", "ftp://host/a", "mp4", ".mp4", "camera0"],
)
def test_an_image_a_folder_or_anything_else_is_no_stream_address(text: str) -> None:
    assert not is_stream_address(text)


def test_what_is_no_stream_is_refused_with_what_would_be() -> None:
    with pytest.raises(UsageError, match=r"'film\.png' names no camera.*camera:N.*\.avi"):
        open_source("film.png")


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("which", ["open_timeout_s", "read_timeout_s"])
def test_a_deadline_is_a_positive_number_of_seconds(which: str, seconds: float) -> None:
    with pytest.raises(UsageError, match="not a positive number of seconds"):
        open_source("camera:0", **{which: seconds})


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("rtsp://", id="no host"),
        pytest.param("http:///video", id="no host but a path"),
        pytest.param("rtsp://user:s3cret/word@host/", id="unescaped slash in the password"),
        pytest.param("http://user:s3cret@host:port/", id="port is no number"),
        pytest.param("http://user:s3cret@host:99999/", id="port out of range"),
        pytest.param("http://user:s3cret@[::1/", id="broken IPv6"),
        pytest.param("http://host/a\r\nX-Injected: s3cret", id="line break"),
        pytest.param("http://user:s3cret pass@host/", id="space"),
    ],
)
def test_a_malformed_address_is_refused_on_one_line_without_its_secrets(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(address)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("camera:0", "camera:0"),
        ("clip@home.mp4", "clip@home.mp4"),
        ("rtsp://host:554/main", "rtsp://host:554/main"),
        ("RTSP://user:pass@host:554/main", "rtsp://host:554/main"),
        ("rtsp://user@host/", "rtsp://host/"),
        ("rtsp://user:p@ss@host/main", "rtsp://host/main"),
        ("rtsp://user:pa/ss@host/main", "rtsp://..."),
        ("rtsp://user:12/3@host/main", "rtsp://..."),
        ("rtsp://user:pa#ss@host/main", "rtsp://..."),
        ("http://host/video?user=a&pwd=p@ss", "http://..."),
        ("http://host/video?channel=1;pwd=x", "http://host/video?channel=1&..."),
        ("http://host/?action=stream&dG9rZW4=", "http://host/?action=stream&..."),
        ("http://host/video#token", "http://host/video"),
        ("rtsp://host/user=a_password=b_channel=1/0.sdp", "rtsp://host/user=.../0.sdp"),
    ],
)
def test_an_address_is_shown_without_what_could_be_a_secret(address: str, shown: str) -> None:
    assert without_credentials(address) == shown


@given(
    user=SECRETS,
    password=SECRETS,
    scheme=st.sampled_from(["rtsp", "http", "https"]),
    escape=st.booleans(),
)
def test_no_password_survives_whatever_its_characters(
    user: str,
    password: str,
    scheme: str,
    escape: bool,
) -> None:
    """The marks make the secrets recognisable wherever they would end up."""
    user, password = f"<{user}<", f">{password}>"
    if escape:
        user, password = quote(user, safe=""), quote(password, safe="")
    shown = without_credentials(f"{scheme}://{user}:{password}@host:80/path")
    assert shown in (f"{scheme}://host:80/path", f"{scheme}://...")
