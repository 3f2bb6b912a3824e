"""The README and the docs say what is there."""

import re
import shlex
from pathlib import Path

import pytest

from edge.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def marked_block(name: str) -> str:
    """The fenced block that follows an HTML comment."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1].strip()


def test_the_install_and_run_command_is_one_line_that_ends_in_the_main_job() -> None:
    block = marked_block("readme-run")
    assert len(block.splitlines()) == 1
    assert block.split("&&")[-1].split()[0] == ".venv/bin/edge-run"


def test_the_readmes_run_command_prints_an_answer_and_its_latency(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here from the checkout; the whole command runs where the wheel is tested."""
    monkeypatch.chdir(ROOT)
    words = shlex.split(marked_block("readme-run").split("&&")[-1])[1:]
    with pytest.raises(SystemExit) as ended:
        main(words)
    out = capsys.readouterr().out
    assert not ended.value.code
    shown = README.split("```text\n")[1].split("```")[0]
    labels = re.findall(r"(?:normal|bacterial pneumonia|viral pneumonia)", shown)
    assert set(labels) == {"normal", "bacterial pneumonia", "viral pneumonia"}
    assert [label for label in labels if label in out] == labels
    for line in shown.splitlines():
        if "%" in line:
            assert line.split("%")[0] in out


def test_the_test_command_runs_pytest() -> None:
    assert marked_block("readme-test").endswith(".venv/bin/python -m pytest")


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_option_of_edge_run_for_bare_files_is_documented() -> None:
    from edge.cli import answer_command

    documented = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
    options = {
        name
        for parameter in answer_command.params
        for name in parameter.opts
        if name.startswith("--")
    }
    undocumented = {name for name in options if name not in documented}
    assert undocumented == set()
