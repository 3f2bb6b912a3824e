"""What cannot work is one line and an exit code, at the start."""

import pytest
from kiosk_bundles import brightness_bundle
from real_service import serve_to_the_end
from record_samples import risk_bundle

from edge.kiosk.cli import main

NONE = ("--source", "none")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param((), 2, "Missing option '--source'", id="no source"),
        pytest.param(("--source", "nonsense"), 2, "names no camera", id="source"),
        pytest.param(("--source", "a\udcff"), 2, "not UTF-8", id="undecodable source"),
        pytest.param((*NONE, "--policy", "often"), 2, "no policy for frames", id="policy"),
        pytest.param((*NONE, "--gate", "frozen_s"), 2, "LIMIT=NUMBER", id="gate"),
        pytest.param((*NONE, "--gate", "cold=1"), 2, "no gate has the limit cold", id="limit"),
        pytest.param((*NONE, "--model", "x.onnx"), 2, "bare model file", id="bare model"),
        pytest.param((*NONE, "--model", "x.edge"), 3, "no such bundle", id="no bundle"),
        pytest.param((*NONE, "--model", "x.edge", "--state", "s"), 2, "both given", id="two"),
        pytest.param((*NONE, "--open-timeout", "nan"), 2, "positive number", id="timeout"),
        pytest.param((*NONE, "--answer-limit", "0"), 2, "positive number", id="answer limit"),
        pytest.param((*NONE, "--host", "192.0.2.1"), 2, "no token is set", id="open to all"),
        pytest.param((*NONE, "--token-file", "none.txt"), 3, "cannot be read", id="token"),
        pytest.param((*NONE, "--require-signature", "k.pem"), 3, "no such file", id="key"),
        pytest.param((*NONE, "--log-file", "/nowhere/log"), 5, "cannot log there", id="log"),
        pytest.param((*NONE, "--journal-days", "0"), 2, "journal-days", id="journal"),
    ],
)
def test_a_wrong_option_is_one_line(arguments, code, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["serve", *arguments])
    said = capsys.readouterr().err
    assert (end.value.code, said.count("\n")) == (code, 1)
    assert words in said


def test_help_names_every_option_with_what_it_does(capsys):
    with pytest.raises(SystemExit) as end:
        main(["serve", "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    options = [line for line in shown.splitlines() if line.startswith("  --")]
    assert len(options) > 20
    assert "EDGEDX_KIOSK_SOURCE" in shown


@pytest.mark.slow
def test_an_address_that_only_its_source_can_read_ends_the_service_with_its_reason(tmp_path):
    bundle = brightness_bundle(tmp_path / "brightness.edge")
    code, said = serve_to_the_end("--source", "camera:first", "--model", str(bundle))
    assert code == 2
    assert "'camera:first' is no camera" in said.splitlines()[-1]
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_named_bundle_that_takes_no_picture_ends_the_service_with_its_reason(tmp_path):
    bundle = risk_bundle(tmp_path / "risk.edge")
    code, said = serve_to_the_end("--source", "fake:pattern", "--model", str(bundle))
    assert code == 2
    assert "give --source none" in said.splitlines()[-1]


@pytest.mark.slow
def test_a_named_bundle_that_is_wrong_ends_the_service_with_its_reason(tmp_path):
    bundle = brightness_bundle(tmp_path / "brightness.edge", is_right=False)
    code, said = serve_to_the_end("--source", "none", "--model", str(bundle))
    assert code == 4
    assert "does not answer here as in the lab" in said.splitlines()[-1]
