"""Fresh processes: their stages, and how one that dies is told."""

from pathlib import Path

import pytest

from benchmarks.cold_start import measure_cold_start
from benchmarks.records.record import RunSettings
from benchmarks.subject_request import SubjectRequest
from edge.errors import EngineError

RISK = Path(__file__).parents[2] / "benchmarks/zoo/disease_risk_lstm/disease_risk_lstm.edge"


@pytest.mark.parametrize("name", ["SIGILL", "SIGSEGV"])
def test_the_signal_that_ends_a_fresh_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: RunSettings, name: str
) -> None:
    """As an engine does whose build uses instructions that the processor lacks."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "if 'benchmarks.cold_start_child' in sys.orig_argv:\n"
        "    sys.stderr.write('warming up\\n')\n"
        f"    os.kill(os.getpid(), signal.{name})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request = SubjectRequest(
        model=str(RISK),
        artifact="",
        engine="onnxruntime",
        threads=1,
        is_engine_only=False,
        inputs=(),
        golden=(),
        settings=settings,
    )
    message = f"a fresh process did not answer: it ended by {name}; see edge-run doctor"
    with pytest.raises(EngineError, match=message):
        measure_cold_start(request)
