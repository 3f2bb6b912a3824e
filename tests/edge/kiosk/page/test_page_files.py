"""The page's files as they lie there, without a browser: texts, markup, nothing from outside."""

from __future__ import annotations

import json
import re
import typing
from html.parser import HTMLParser
from pathlib import Path

import pytest
from page_scenes import GATES, LINK_STATES

import edge.kiosk
from edge.kiosk.messages import (
    Answer,
    Event,
    Health,
    JournalHealth,
    Latest,
    ModelCard,
    SourceHealth,
    UpdateHealth,
    WorkerHealth,
)

PAGE = Path(edge.kiosk.__file__).parent / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
STATES = ("answered", "no_result", "waiting", *LINK_STATES)


def read_texts() -> dict[str, dict[str, str]]:
    """The table in texts.js, which is JSON between its braces."""
    script = (PAGE / "texts.js").read_text(encoding="utf-8")
    start = script.index("{", script.index("export const TEXTS"))
    return json.loads(script[start : script.rindex("}") + 1])


class _Markup(HTMLParser):
    """All elements of index.html with their attributes, and the text right inside each."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed((PAGE / "index.html").read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_data(self, data: str) -> None:
        if self.elements and data.strip():
            self.elements[-1][2].append(data.strip())


@pytest.fixture(scope="module")
def texts() -> dict[str, dict[str, str]]:
    return read_texts()


@pytest.fixture(scope="module")
def markup() -> _Markup:
    return _Markup()


def test_every_text_is_there_in_both_languages(texts):
    lacking = [key for key, text in texts.items() if set(text) != {"en", "zh"}]
    empty = [key for key, text in texts.items() if not all(map(str.strip, text.values()))]
    assert (lacking, empty) == ([], [])


def test_both_languages_fill_in_the_same_values(texts):
    def names(text: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)\}", text))

    assert [key for key, text in texts.items() if names(text["en"]) != names(text["zh"])] == []


def test_a_chinese_text_holds_chinese_and_an_english_one_none(texts):
    signs = re.compile(r"[\u4e00-\u9fff]")
    same = [key for key, text in texts.items() if text["en"] == text["zh"]]
    english = [key for key, text in texts.items() if signs.search(text["en"])]
    chinese = [
        key for key, text in texts.items() if key not in same and not signs.search(text["zh"])
    ]
    assert english == []
    assert chinese == ["number.percent"]
    assert same == ["number.milliseconds", "number.none", "keys.escape", "keys.tab"]


@pytest.mark.parametrize("gate", [*GATES, "unknown", "unreadable"])
def test_every_gate_says_what_is_wrong_and_what_to_do(texts, gate):
    assert {f"gate.{gate}", f"hint.{gate}"} <= set(texts)


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_words(texts, state):
    assert f"state.{state}" in texts
    assert state in {"answered", "no_result"} or f"hint.{state}" in texts


def test_every_gate_that_a_message_may_hold_is_known():
    """The words are those that the messages' own documentation lists."""
    refused = re.search(r"refused it: ([^;]*);", Answer.__doc__ or "")
    others = re.search(r"and also: ([^;]*);", Latest.__doc__ or "")
    assert refused is not None
    assert others is not None
    listed = f"{refused[1]}, {re.sub(r'[(][^)]*[)]', '', others[1])}"
    assert {word.strip() for word in listed.split(",")} == set(GATES)


@pytest.mark.parametrize(
    ("group", "message", "field"),
    [
        ("state", Latest, "state"),
        ("health", Health, "status"),
        ("source", SourceHealth, "state"),
        ("worker", WorkerHealth, "state"),
        ("journal", JournalHealth, "state"),
        ("update", UpdateHealth, "state"),
        ("selftest", ModelCard, "selftest"),
        ("level", Event, "level"),
    ],
)
def test_every_word_of_a_message_has_a_text(texts, group, message, field):
    words = typing.get_args(typing.get_type_hints(message)[field])
    assert words
    assert [word for word in words if f"{group}.{word}" not in texts] == []


def test_the_markup_names_only_texts_that_exist_and_holds_their_english(texts, markup):
    for _, attributes, words in markup.elements:
        key = attributes.get("data-text")
        if key is not None:
            assert words == [texts[key]["en"]]
        label = attributes.get("data-label")
        assert label is None or label in texts


def test_every_text_is_used(texts):
    """By its whole name somewhere, or as one of a group whose name a script completes."""
    sources = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.stem != "texts")
    sources += (PAGE / "index.html").read_text(encoding="utf-8")
    groups = set(re.findall(r"`(\w+)\.\$\{", sources))
    groups |= set(re.findall(r"(?:word|since)\(language, \"(\w+)\"", sources))
    unused = [
        key for key in texts if f'"{key}"' not in sources and key.partition(".")[0] not in groups
    ]
    assert unused == []


def test_every_text_that_a_script_names_exists(texts):
    named = set()
    for path in SCRIPTS:
        named |= set(re.findall(r"\btext\(\"([\w.]+)\"", path.read_text(encoding="utf-8")))
    assert named
    assert named <= set(texts)


def test_the_markup_holds_no_script_no_style_and_no_handler_of_its_own(markup):
    for tag, attributes, words in markup.elements:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        if tag == "script":
            assert words == []
            assert str(attributes["src"]).startswith("/page/")


def test_nothing_is_loaded_from_elsewhere():
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8")
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name
        assert "@import" not in text
        assert "url(" not in text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_no_markup_from_text(script):
    text = script.read_text(encoding="utf-8")
    banned = ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "Function(")
    assert [word for word in banned if word in text] == []


@pytest.mark.parametrize("script", [*SCRIPTS, PAGE / "kiosk.css"], ids=lambda path: path.name)
def test_files_keep_within_the_length_of_a_module(script):
    lines = script.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= (600 if script.suffix == ".css" else 400)
    assert max(map(len, lines)) <= 100
