"""`edge-run` on a live source: policy, gates, reconnecting, as its user meets them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cli import main


@pytest.fixture
def edge_run(capsys: pytest.CaptureFixture[str]):
    """Run `edge-run --json`; gives its exit code, its lines and what it said beside them."""

    def run(*words: object) -> tuple[int, list[dict], str]:
        with pytest.raises(SystemExit) as ended:
            main(["--json", *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(ended.value.code or 0), [json.loads(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def fake(tmp_path: Path, sample_films: list[Path]):
    """The address of a fake camera that shows films, with one fault or none."""

    def write(fault: str = "", *, for_s: float = 1e6, **options: object) -> str:
        address = f"fake:{sample_films[0].parent}"
        if fault:
            script = tmp_path / "faults.json"
            faults = [{"at_s": 0, "for_s": for_s, "fault": fault}]
            script.write_text(json.dumps({"faults": faults}), encoding="utf-8")
            options["faults"] = script
        named = "&".join(f"{name}={value}" for name, value in options.items())
        return f"{address}?{named}" if named else address

    return write


def test_a_live_source_is_answered_frame_by_frame(edge_run, fake) -> None:
    code, lines, _ = edge_run("--frames", 3, fake())
    assert code == 0
    assert [line["status"] for line in lines] == ["ok"] * 3
    assert [line["gate"] for line in lines] == [""] * 3
    assert all(line["capture_time_ns"] > 10**18 for line in lines)


@pytest.mark.parametrize("fault", ["torn", "black", "saturated", "stale"])
def test_a_frame_that_must_not_be_answered_says_which_gate_refused_it(
    edge_run, fake, fault: str
) -> None:
    code, lines, _ = edge_run("--frames", 3, fake(fault))
    assert code == 1
    assert {(line["status"], line["gate"]) for line in lines} == {("refused", fault)}
    assert all(line["outputs"] == [] and line["reason"] for line in lines)


def test_a_frozen_camera_is_refused_past_the_limit_that_was_asked_for(edge_run, fake) -> None:
    code, lines, _ = edge_run("--frames", 20, "--gate", "frozen_s=0.1", fake("frozen"))
    assert code == 1
    assert [line["gate"] for line in lines][-1] == "frozen"
    code, lines, _ = edge_run(
        *("--frames", 20, "--policy", "every:100", "--gate", "frozen_s=0", "--gate", "stale_s=0"),
        fake("frozen"),
    )
    assert code == 0
    assert [line["gate"] for line in lines] == [""] * 20


def test_a_gate_can_be_switched_off_and_the_model_still_refuses_one_even_tone(
    edge_run, fake
) -> None:
    code, lines, _ = edge_run("--frames", 2, "--gate", "black_level=0", fake("black"))
    assert code == 1
    assert {line["gate"] for line in lines} == {"even"}


def test_a_lost_source_is_an_error_unless_it_is_to_be_opened_anew(edge_run, fake) -> None:
    code, lines, _ = edge_run("--frames", 2, fake("lost"))
    assert code == 5
    assert [line["status"] for line in lines] == ["error"]
    assert lines[0]["error"]["code"] == "device"
    code, lines, err = edge_run("--frames", 2, "--reconnect", fake("lost", for_s=0.3))
    assert code == 0
    assert [line["status"] for line in lines] == ["ok", "ok"]
    assert "edge-run: " in err
    assert "the source gives frames again" in err


def test_every_nth_frame_can_be_asked_for(edge_run, fake) -> None:
    code, lines, _ = edge_run("--frames", 3, "--policy", "nth:4", fake(fps=200))
    assert code == 0
    blocks = [line["index"] // 4 for line in lines]
    assert blocks == sorted(set(blocks))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--policy", "oldest"], "write newest, every"),
        (["--policy", "nth:0"], "write newest, every"),
        (["--gate", "frozen"], "NAME=VALUE"),
        (["--gate", "colour=1"], "no gate has the limit colour"),
        (["--gate", "frozen_s=-1"], "frozen_s is -1"),
    ],
)
def test_a_policy_or_a_gate_that_means_nothing_is_one_line(
    edge_run, words: list[str], says: str
) -> None:
    code, lines, err = edge_run(*words, "camera:0")
    assert (code, lines) == (2, [])
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_of_a_video_file_every_frame_is_answered_black_ones_too(edge_run, tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    for at in range(12):
        writer.write(np.random.default_rng(at).integers(0, 20, (48, 64, 3), dtype=np.uint8))
    writer.release()
    code, lines, _ = edge_run(path)
    assert code == 0
    assert [(line["index"], line["status"]) for line in lines] == [(at, "ok") for at in range(12)]
