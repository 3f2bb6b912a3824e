"""The settings of the unit: what systemd would read, and what a hand wrote, stay."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.kiosk.settings_file import read_settings, with_settings
from devices.kiosk.setup_error import KioskSetupError

FILE = """# a remark with KEY="not set"
; another
SOURCE="camera:0"
  PORT = 8321
PORT=8321
QUOTED='a "b" c'
EMPTY=
"""
PRINTABLE = st.text().filter(str.isprintable)


def test_values_are_read_as_systemd_reads_them() -> None:
    assert read_settings(FILE) == {
        "SOURCE": "camera:0",
        "PORT": "8321",
        "QUOTED": 'a "b" c',
        "EMPTY": "",
    }


def test_only_the_lines_of_what_changes_are_touched() -> None:
    changed = with_settings(FILE, {"SOURCE": "rtsp://u:p$1@camera/", "NEW": "x"})
    assert changed == (
        FILE.replace('"camera:0"', '"rtsp://u:p\\$1@camera/"').replace("", "") + 'NEW="x"\n'
    )


def test_a_setting_that_stands_twice_is_left_once() -> None:
    assert with_settings('A="1"\nB="2"\nA="3"\n', {"A": "4"}) == 'A="4"\nB="2"\n'


@given(value=PRINTABLE, other=PRINTABLE)
def test_every_value_comes_back(value: str, other: str) -> None:
    text = with_settings(with_settings("# remark\n", {"A": other, "B": other}), {"A": value})
    assert read_settings(text) == {"A": value, "B": other}


@pytest.mark.parametrize("value", ["a\nEXTRA=1", "a\0", "a\x1b[2J", "a\u2028b"])
def test_a_value_cannot_carry_another_line(value: str) -> None:
    with pytest.raises(KioskSetupError, match="control characters"):
        with_settings("", {"A": value})


@pytest.mark.parametrize("value", ['"a" "b"', '"a', 'a"b', "a\\", "'a"])
def test_a_value_that_is_no_single_one_is_named(value: str) -> None:
    with pytest.raises(KioskSetupError, match=r"line 2 of kiosk\.env"):
        read_settings(f"# remark\nA={value}\n")


@given(st.text())
def test_any_text_that_is_read_can_be_written_again(text: str) -> None:
    with contextlib.suppress(KioskSetupError):
        values = read_settings(text)
        assert read_settings(with_settings(text, values)) == values
