"""edge-run takes what was found fastest on this machine, and only while it still holds."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.reader import open_bundle
from edge.cli import answer_command
from edge.engines.selection import is_installed
from edge.model_loader import DEFAULT_BUNDLE, LoadOptions, load
from edge.stored_choice import (
    STATE_FOLDER_VARIABLE,
    Choice,
    ChoiceBook,
    choice_conditions,
    choice_to_json,
    choices_folder,
)

BOARD = "a board of this test"


def _choice(engine: str) -> Choice:
    with open_bundle(DEFAULT_BUNDLE) as bundle:
        artifact = next(each for each in bundle.manifest.artifacts if each.engine == engine)
        return Choice(
            schema_version=1,
            digest=bundle.digest,
            artifact=artifact.path,
            engine=engine,
            precision=artifact.precision,
            threads=1,
            median_ns=9_000_000,
            conditions=choice_conditions(BOARD),
        )


@pytest.fixture
def book(tmp_path: Path) -> ChoiceBook:
    return ChoiceBook(tmp_path, BOARD)


def _keep(book: ChoiceBook, choice: Choice) -> Choice:
    book.path(choice.digest).write_bytes(choice_to_json(choice))
    return choice


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_the_stored_file_and_engine_are_loaded(engine: str, book: ChoiceBook) -> None:
    if not is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    choice = _keep(book, _choice(engine))
    with load(None, options=LoadOptions(choices=book)) as model:
        assert model.parts.artifact.path == choice.artifact
        assert model.parts.engine.name == engine


def test_without_a_choice_nothing_changes_and_nothing_is_said(book: ChoiceBook) -> None:
    notes: list[str] = []
    with (
        load(None, options=LoadOptions(choices=book, note=notes.append)) as model,
        load(None) as plain,
    ):
        assert model.parts.artifact == plain.parts.artifact
    assert notes == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"board": "another"}, "board was another and is a board of", id="board"),
        pytest.param({"processors": "99"}, "processors was 99", id="processors"),
        pytest.param({"onnxruntime": "0.1"}, "onnxruntime was 0.1", id="engine version"),
        pytest.param({"openvino": "1"}, "openvino was 1 and is absent", id="a package gone"),
    ],
)
def test_a_choice_of_other_conditions_is_not_used_and_says_why(change, reason, book) -> None:
    choice = _choice("onnxruntime")
    _keep(book, msgspec.structs.replace(choice, conditions=choice.conditions | change))
    found, said = book.find(choice.digest)
    assert found is None
    assert reason in said
    assert "edge-bench choose" in said


def test_a_choice_for_a_file_that_the_bundle_lacks_is_not_used(book: ChoiceBook) -> None:
    _keep(book, msgspec.structs.replace(_choice("onnxruntime"), artifact="gone.onnx"))
    notes: list[str] = []
    with load(None, options=LoadOptions(choices=book, note=notes.append)) as model:
        assert model.parts.artifact.path != "gone.onnx"
    assert notes == ["the stored choice names gone.onnx; run edge-bench choose again"]


@given(data=st.binary(max_size=200))
def test_a_damaged_choice_is_a_reason_and_never_a_crash(data: bytes, tmp_path_factory) -> None:
    book = ChoiceBook(tmp_path_factory.mktemp("choices"), BOARD)
    book.path("ab").write_bytes(data)
    found, reason = book.find("ab")
    assert found is None
    assert "edge-bench choose" in reason
    assert "\n" not in reason


def test_edge_run_uses_the_choice_unless_the_user_says_otherwise(monkeypatch, tmp_path) -> None:
    """As a user meets it: the engine in the answer is the chosen one."""
    if not is_installed("litert"):
        pytest.skip("litert is not installed")
    from devices.detect import detect_board

    monkeypatch.setenv(STATE_FOLDER_VARIABLE, str(tmp_path))
    choice = _choice("litert")
    board = detect_board().identity
    choice = msgspec.structs.replace(choice, conditions=choice_conditions(board))
    choices_folder().mkdir()
    _keep(ChoiceBook(choices_folder(), board), choice)
    film = next((Path(__file__).parents[2] / "docs" / "samples").glob("*.png"))

    def engine_of(*words: str) -> str:
        found = CliRunner().invoke(
            answer_command, [str(film), "--json", *words], standalone_mode=False
        )
        return str(json.loads(found.stdout.splitlines()[0])["engine"])

    assert engine_of() == "litert"
    assert engine_of("--engine", "onnxruntime") == "onnxruntime"
    assert engine_of("--threads", "1") == "onnxruntime"


def test_the_state_folder_follows_the_environment(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv(STATE_FOLDER_VARIABLE, str(tmp_path))
    assert choices_folder() == tmp_path / "choices"
    monkeypatch.delenv(STATE_FOLDER_VARIABLE)
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert choices_folder() == Path("/var/state/edgedx/choices")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/user")
    assert choices_folder() == Path("/home/user/.local/state/edgedx/choices")
