"""Board profiles are typed data, and a malformed one is refused with every fault named."""

import pytest

from devices.load import (
    BoardProfileError,
    load_profile,
    parse_profile,
    profile_names,
    profile_text,
)

SMALL = """
format = 1
name = "box"
title = "A box"

[match]
architectures = ["aarch64"]
source = "its maker"

[recommended]
activation = "uint8"
execution_providers = ["CPUExecutionProvider"]
source = "measured"
"""


def faults_of(text: str) -> str:
    with pytest.raises(BoardProfileError) as caught:
        parse_profile(text, name="box")
    message = str(caught.value)
    assert message.startswith("board profile box: ")
    assert "\n" not in message
    return message


def test_the_smallest_profile_says_nothing_that_it_does_not_know() -> None:
    profile = parse_profile(SMALL, name="box")
    assert profile.title == "A box"
    assert profile.cores == profile.systems == profile.known_bad == ()
    assert profile.memory is profile.thermal is profile.power is None
    assert profile.recommended.engine is profile.recommended.threads is None


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        pytest.param(
            "[thermal]\nthrottle_start_c = 80\n", "thermal.source is missing", id="no source"
        ),
        pytest.param(
            '[thermal]\nthrottle_c = 80\nsource = "x"\n',
            "thermal.throttle_c is no key; known are zone, throttle_start_c",
            id="unknown key",
        ),
        pytest.param(
            '[memory]\nsizes_mib = ["big"]\nsource = "x"\n',
            "memory.sizes_mib[0] is 'big'; give a whole number",
            id="text for a number",
        ),
        pytest.param(
            '[memory]\nsizes_mib = [1024]\nbandwidth_gb_per_s = -1\nsource = "x"\n',
            "memory.bandwidth_gb_per_s is -1; give a number above 0",
            id="below zero",
        ),
        pytest.param(
            '[memory]\nsizes_mib = [1024]\nbandwidth_gb_per_s = nan\nsource = "x"\n',
            "memory.bandwidth_gb_per_s is nan; give a number above 0",
            id="not a number",
        ),
        pytest.param(
            '[[cores]]\nkind = "A"\ncount = true\nsource = "x"\n',
            "cores[0].count is True; give a whole number",
            id="yes for a number",
        ),
        pytest.param(
            '[[cores]]\nkind = "A"\ncount = 4\nsource = " "\n',
            "cores[0].source is empty",
            id="empty source",
        ),
        pytest.param(
            '[power]\nsensors = ["guess"]\nsource = "x"\n',
            "power.sensors is 'guess'; known are pmic, ina3221",
            id="unknown sensor",
        ),
        pytest.param("cores = 4\n", "cores is 4; give a list", id="number for tables"),
        pytest.param('thermal = "hot"\n', "thermal is 'hot'; give a table", id="text for a table"),
        pytest.param(
            '[[systems]]\nname = "S"\npython = "3.11"\nsource = "x"\npackages = ["numpy"]\n',
            "systems[0].packages is ['numpy']; give a table of texts",
            id="list for a table",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(added: str, fault: str) -> None:
    is_table = added.startswith("[")
    assert fault in faults_of(SMALL + added if is_table else added + SMALL)


def test_all_faults_are_named_together() -> None:
    text = SMALL.replace("format = 1", "format = 2").replace('name = "box"', 'name = "bag"')
    message = faults_of(text + "[thermal]\n[colour]\n")
    for fault in ("format is 2", "name is 'bag'", "thermal.source is missing", "colour is no key"):
        assert fault in message


def test_what_is_not_toml_is_said_to_be_none() -> None:
    assert "not TOML" in faults_of("format = = 1")


def test_an_unknown_board_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(BoardProfileError, match=r"board 'toaster' is unknown.*raspberry_pi_5"):
        load_profile("toaster")
    with pytest.raises(BoardProfileError, match="unknown"):
        load_profile("../boards/raspberry_pi_5")


@pytest.mark.parametrize("name", ["raspberry_pi_5", "Raspberry-Pi-5", "raspberry pi 5"])
def test_a_board_is_found_however_its_name_is_spaced(name: str) -> None:
    assert load_profile(name).title == "Raspberry Pi 5"


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_that_comes_with_edgedx_is_whole(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.match.compatible or name.startswith("generic_")
    assert profile.recommended.execution_providers[-1] == "CPUExecutionProvider"
    limits = profile.thermal
    if limits and limits.throttle_start_c and limits.hard_limit_c:
        assert limits.throttle_start_c < limits.hard_limit_c


@pytest.mark.parametrize("name", profile_names())
def test_a_known_bad_version_cites_an_issue(name: str) -> None:
    for bad in load_profile(name).known_bad:
        assert "/issues/" in bad.source
        assert bad.way_out


def test_no_two_profiles_claim_the_same_board() -> None:
    claimed = [each for name in profile_names() for each in load_profile(name).match.compatible]
    assert len(claimed) == len(set(claimed))


def test_generic_profiles_recommend_neither_engine_nor_threads() -> None:
    """What is recommended on x86-64 is not even looked up."""
    for name in ("generic_x86_64", "generic_aarch64"):
        recommended = load_profile(name).recommended
        assert recommended.engine is recommended.threads is None
    others = [name for name in profile_names() if '"x86_64"' in profile_text(name)]
    assert others == ["generic_x86_64"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("pi5", "raspberry_pi_5", id="part of one name"),
        pytest.param("Orin-Nano", "jetson_orin_nano", id="capitals and separators"),
        pytest.param("pi3b", "raspberry_pi_3b", id="the plain one of two that begin alike"),
        pytest.param("pi 3b plus", "raspberry_pi_3b_plus", id="the longer one by its whole name"),
    ],
)
def test_a_board_is_found_by_a_part_of_its_name(text: str, name: str) -> None:
    """What a user types at a terminal."""
    assert load_profile(text).name == name


def test_a_part_that_several_names_have_is_refused_with_them() -> None:
    """Never a guess between boards of unlike speed."""
    with pytest.raises(BoardProfileError, match=r"could be several.*agx_orin, .*orin_nano, .*nx"):
        load_profile("orin")
