"""`edge-run` as its user meets it: the default bundle, real films, both engines."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cli import main
from edge.model_loader import DEFAULT_BUNDLE

LABELS = ["normal", "bacterial pneumonia", "viral pneumonia"]
STAGES = {"capture", "decode", "preprocess", "infer", "postprocess", "total"}


class Ran:
    """What a command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def edge_run(capsys: pytest.CaptureFixture[str]):
    """Run `edge-run` in this process."""

    def run(*words: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(int(ended.value.code or 0), out, err)

    return run


def edge_run_process(*words: object, **options: object) -> subprocess.CompletedProcess:
    """Run `edge-run` in a process of its own."""
    options = {"capture_output": True, "timeout": 120, **options}
    return subprocess.run([sys.executable, "-m", "edge", *map(str, words)], check=False, **options)


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_a_film_gets_an_answer_and_its_latency_by_stage(
    edge_run, sample_films: list[Path], engine: str
) -> None:
    ran = edge_run("--engine", engine, sample_films[0])
    assert ran.code == 0
    assert all(label in ran.out for label in LABELS)
    assert "load" in ran.out
    assert "infer" in ran.out
    assert f"int8 · {engine}" in ran.out
    assert "not a medical device" in ran.out


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_json_lines_have_the_promised_fields(
    edge_run, sample_films: list[Path], engine: str
) -> None:
    ran = edge_run("--json", "--engine", engine, *sample_films)
    assert ran.code == 0
    assert [line["source"] for line in ran.lines] == list(map(str, sample_films))
    for line in ran.lines:
        assert line["schema_version"] == 1
        assert (line["status"], line["reason"], line["index"]) == ("ok", None, 0)
        assert set(line["model"]) == {"name", "version", "digest"}
        assert (line["engine"], line["precision"]) == (engine, "int8")
        assert set(line["latency_ns"]) == STAGES
        stages = sum(line["latency_ns"][stage] for stage in STAGES - {"total"})
        assert 0 < stages <= line["latency_ns"]["total"]
        [output] = line["outputs"]
        assert output["kind"] == "classification"
        assert [score["label"] for score in output["scores"]] == LABELS
        assert sum(score["score"] for score in output["scores"]) == pytest.approx(1)
        best = max(output["scores"], key=lambda score: score["score"])
        assert output["decision"] == [best["label"]]


def test_both_engines_decide_the_same_on_the_sample_films(
    edge_run, sample_films: list[Path]
) -> None:
    decisions = [
        [
            line["outputs"][0]["decision"]
            for line in edge_run("--json", "--engine", engine, *sample_films).lines
        ]
        for engine in ("onnxruntime", "litert")
    ]
    assert decisions[0] == decisions[1]


def test_folders_globs_and_files_are_all_inputs(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    for film in sample_films:
        shutil.copy(film, tmp_path)
    count = len(sample_films)
    ran = edge_run("--json", tmp_path, str(tmp_path / "*.png"), sample_films[0])
    assert ran.code == 0
    assert len(ran.lines) == 2 * count + 1


def test_standard_input_is_an_input(sample_films: list[Path]) -> None:
    ran = edge_run_process("--json", "-", input=sample_films[0].read_bytes())
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["source"] == "-"


def test_the_same_picture_as_file_bytes_and_frame_is_the_same_answer(
    sample_films: list[Path],
) -> None:
    import edge

    pixels = cv2.imread(str(sample_films[0]), cv2.IMREAD_GRAYSCALE)
    with edge.load() as model:
        answers = {
            model.run(sample_films[0]).outputs,
            model.run(str(sample_films[0])).outputs,
            model.run(sample_films[0].read_bytes()).outputs,
            model.run(pixels).outputs,
            model.run(edge.Frame(pixels[:, :, np.newaxis], "grey")).outputs,
            model.run(edge.Frame(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), "bgr")).outputs,
        }
    assert len(answers) == 1


def test_one_bad_file_among_many_is_reported_in_its_place_and_the_rest_are_done(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    cut = tmp_path / "cut.png"
    cut.write_bytes(sample_films[0].read_bytes()[:5000])
    text = tmp_path / "text.png"
    text.write_text("this is no picture")
    missing = tmp_path / "missing.png"
    ran = edge_run("--json", sample_films[0], empty, cut, text, missing, sample_films[1])
    assert ran.code == 3
    assert [line["status"] for line in ran.lines] == ["ok", *["error"] * 4, "ok"]
    for line, path in zip(ran.lines[1:5], [empty, cut, text, missing], strict=True):
        assert line["source"] == str(path)
        assert path.name in line["error"]["message"]
        assert "\n" not in line["error"]["message"]
        assert line["error"]["code"].startswith("input")


def test_a_person_sees_each_bad_file_in_one_line_and_a_count(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    ran = edge_run(sample_films[0], tmp_path / "missing.png", sample_films[1])
    assert ran.code == 3
    assert len(ran.err.splitlines()) == 1
    assert "missing.png" in ran.err
    assert "2 answered, 0 refused, 1 failed" in ran.out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        pytest.param([], 2, "no input given", id="nothing"),
        pytest.param(["--no-such-option"], 2, "no-such-option", id="unknown-option"),
        pytest.param(["--engine", "tpu", "x.png"], 2, "tpu", id="unknown-engine"),
        pytest.param(["--threads", "0", "x.png"], 2, "threads is 0", id="no-threads"),
        pytest.param(["-", "-"], 2, "more than once", id="stdin-twice"),
        pytest.param(["--scale", "2", "x.png"], 2, "bare files", id="bare-option-for-a-bundle"),
        pytest.param(["missing.png"], 3, "missing.png", id="missing-input"),
        pytest.param(["picamera:"], 5, "picamera", id="picamera"),
        pytest.param(["--model", "missing.edge", "x.png"], 4, "missing.edge", id="missing-bundle"),
        pytest.param(["--model", "missing.onnx", "x.png"], 4, "missing.onnx", id="missing-model"),
    ],
)
def test_wrong_use_and_bad_input_are_one_line_and_the_right_exit_code(
    edge_run, words: list[str], code: int, says: str
) -> None:
    ran = edge_run(*words)
    assert ran.code == code
    assert len(ran.err.strip().splitlines()) == 1
    assert says in ran.err


def test_an_empty_folder_is_bad_input(edge_run, tmp_path: Path) -> None:
    ran = edge_run(tmp_path)
    assert ran.code == 3
    assert str(tmp_path) in ran.err


def test_a_huge_picture_of_a_few_kib_is_refused_within_bounded_memory(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    bomb = tmp_path / "bomb.png"
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(3751 * 100)) for _ in range(300)) + rows.flush()
    bomb.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", packed)
        + chunk(b"IEND", b"")
    )
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "from edge.cli import main\nmain(sys.argv[1:])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "--json", bomb], capture_output=True, check=False, timeout=60
    )
    assert ran.returncode == 3
    assert json.loads(ran.stdout)["error"]["code"] == "input_too_large"


def test_a_bundle_with_one_changed_byte_is_refused_whole(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    data = bytearray(DEFAULT_BUNDLE.read_bytes())
    data[len(data) // 2] ^= 1
    changed = tmp_path / "changed.edge"
    changed.write_bytes(data)
    ran = edge_run("--model", changed, sample_films[0])
    assert ran.code == 4
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1


def test_selftest_passes_on_this_machine_with_both_engines(edge_run) -> None:
    ran = edge_run("selftest", "--json")
    assert ran.code == 0
    assert {line["engine"] for line in ran.lines} == {"onnxruntime", "litert"}
    for line in ran.lines:
        assert line["is_passed"]
        assert line["same_tensor"]
        assert line["steps"] <= (0 if line["engine"] == "litert" else 3)


def test_selftest_fails_on_a_bundle_whose_golden_answers_are_others(
    edge_run, tmp_path: Path
) -> None:
    import msgspec

    from edge.bundle.reader import open_bundle
    from edge.bundle.writer import write_bundle

    with open_bundle(DEFAULT_BUNDLE) as bundle:
        manifest = bundle.manifest
        files = {entry.path: bundle.read(entry.path) for entry in manifest.files}
    golden = manifest.golden[0]
    wrong = tuple(
        msgspec.structs.replace(output, values=tuple(value + 1.0 for value in output.values))
        for output in golden.outputs
    )
    changed = msgspec.structs.replace(
        manifest,
        golden=(msgspec.structs.replace(golden, outputs=wrong), *manifest.golden[1:]),
    )
    write_bundle(changed, files, tmp_path / "wrong.edge")
    ran = edge_run("selftest", "--model", tmp_path / "wrong.edge")
    assert ran.code == 1
    assert "FAIL" in ran.out


def test_doctor_says_what_works_here(edge_run) -> None:
    ran = edge_run("doctor", "--json")
    assert ran.code == 0
    [found] = ran.lines
    assert {engine["name"]: engine["works"] for engine in found["engines"]} == {
        "onnxruntime": True,
        "litert": True,
    }
    assert found["board"]["architecture"]


ENGINE_THAT_DIES = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"


def test_doctor_turns_a_crash_of_an_engine_into_a_sentence(tmp_path: Path) -> None:
    package = tmp_path / "onnxruntime"
    package.mkdir()
    (package / "__init__.py").write_text(ENGINE_THAT_DIES)
    ran = edge_run_process(
        "doctor", env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"}
    )
    out = ran.stdout.decode()
    assert ran.returncode == 0
    assert "onnxruntime: DOES NOT WORK: died of SIGILL" in out
    assert "litert: works" in out


def test_an_engine_that_is_not_installed_is_one_line_with_the_way_out(
    tmp_path: Path, sample_films: list[Path]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('ai_edge_litert', 'tflite_runtime'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    ran = edge_run_process(
        "--engine",
        "litert",
        sample_films[0],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}"},
    )
    assert ran.returncode == 5
    [line] = ran.stderr.decode().splitlines()
    assert "pip install 'edgedx[litert]'" in line


def test_a_full_disk_for_the_output_is_one_line(sample_films: list[Path]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = edge_run_process(
            "--json", sample_films[0], stdout=full, stderr=subprocess.PIPE, capture_output=False
        )
    assert ran.returncode == 5
    [line] = ran.stderr.decode().splitlines()
    assert "No space left" in line


def test_a_reader_that_goes_away_ends_it_quietly(sample_films: list[Path]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", "--json", *map(str, sample_films * 50)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


def test_frames_of_a_video_are_answered_in_order_and_counted(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    video = tmp_path / "films.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (224, 224))
    for film in sample_films:
        writer.write(cv2.resize(cv2.imread(str(film)), (224, 224)))
    writer.release()
    ran = edge_run("--json", video)
    assert ran.code == 0
    assert [line["index"] for line in ran.lines] == list(range(len(sample_films)))
    assert [line["index"] for line in edge_run("--json", "--frames", 2, video).lines] == [0, 1]


def test_a_pattern_for_videos_names_each_of_them(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    for name in ("a.avi", "b.avi"):
        writer = cv2.VideoWriter(
            str(tmp_path / name), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64)
        )
        writer.write(cv2.resize(cv2.imread(str(sample_films[0])), (64, 64)))
        writer.release()
    ran = edge_run("--json", tmp_path / "*.avi")
    assert [Path(line["source"]).name for line in ran.lines] == ["a.avi", "b.avi"]
    assert edge_run(tmp_path / "*.mkv").code == 3


def test_the_password_of_a_stream_is_never_printed(edge_run) -> None:
    ran = edge_run("--json", "--open-timeout", 1, "rtsp://doctor:secret@127.0.0.1:9/film")
    assert ran.code == 5
    assert "secret" not in ran.out + ran.err
    assert "127.0.0.1:9" in ran.lines[0]["source"]


def test_an_interrupt_ends_a_stream_with_130_and_a_summary(tmp_path: Path) -> None:
    video = tmp_path / "long.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    ramp = np.ascontiguousarray(
        np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None], (64, 64, 3))
    )
    for index in range(3000):
        writer.write(np.roll(ramp, index, axis=1))
    writer.release()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", str(video)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test run in the background ignores interrupts, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"answered" in out
    assert err.decode().splitlines() == ["edge-run: interrupted"]


def test_a_model_taken_out_of_its_bundle_gives_the_same_answers(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    from edge.bundle.reader import open_bundle

    with open_bundle(DEFAULT_BUNDLE) as bundle:
        artifacts = bundle.manifest.artifacts
        for artifact in artifacts:
            (tmp_path / artifact.path).write_bytes(bundle.read(artifact.path))
    for artifact in artifacts:
        bare = edge_run("--json", "--model", tmp_path / artifact.path, sample_films[0])
        inside = edge_run("--json", "--engine", artifact.engine, sample_films[0])
        assert bare.code == 0
        assert bare.lines[0]["outputs"] == inside.lines[0]["outputs"]
        assert bare.lines[0]["precision"] == "int8"


def test_progress_is_drawn_on_a_terminal_only(sample_films: list[Path]) -> None:
    import pty

    films = [str(film) for film in sample_films]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", *films], stdout=subprocess.PIPE, stderr=follower
    )
    os.close(follower)
    out, _ = process.communicate(timeout=60)
    drawn = os.read(leader, 65536).decode()
    os.close(leader)
    assert f"{len(films)}/{len(films)}" in drawn
    assert "\r" not in out.decode()


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        pytest.param("<&-", 0, id="stdin"),
        pytest.param(">&-", 5, id="stdout"),
        pytest.param("2>&-", 0, id="stderr"),
    ],
)
def test_a_closed_stream_is_no_crash(sample_films: list[Path], redirection: str, code: int) -> None:
    ran = subprocess.run(
        ["sh", "-c", f'exec "$0" -m edge "$1" {redirection}', sys.executable, sample_films[0]],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == code
    assert b"Traceback" not in ran.stderr


def test_a_fifo_for_a_model_does_not_hang(edge_run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    ran = edge_run("--model", tmp_path / "pipe.onnx", "x.png")
    assert ran.code == 4
    assert "no regular file" in ran.err


def test_a_file_name_cannot_steer_the_terminal(
    edge_run, sample_films: list[Path], tmp_path: Path
) -> None:
    film = tmp_path / "a\x1b]0;title\x07\nb.png"
    shutil.copy(sample_films[0], film)
    ran = edge_run(film)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    not_utf8 = tmp_path / os.fsdecode(b"bad\xff.png")
    shutil.copy(sample_films[0], not_utf8)
    assert "\ufffd" in edge_run("--json", not_utf8).lines[0]["source"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="-P came with Python 3.11")
def test_doctor_runs_nothing_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('hijacked')")
    ran = subprocess.run(
        [sys.executable, "-P", "-c", "from edge.cli import main; main(['doctor'])"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=120,
    )
    assert ran.returncode == 0
    assert "hijacked" not in ran.stdout + ran.stderr


def test_selftest_names_an_artifact_that_does_not_load_and_checks_the_others(
    edge_run, tmp_path: Path
) -> None:
    from edge.bundle.reader import open_bundle
    from edge.bundle.writer import write_bundle

    with open_bundle(DEFAULT_BUNDLE) as bundle:
        manifest = bundle.manifest
        files = {entry.path: bundle.read(entry.path) for entry in manifest.files}
    files["model.int8.tflite"] = b"\x1c\x00\x00\x00TFL3" + bytes(100)
    write_bundle(manifest, files, tmp_path / "broken.edge")
    ran = edge_run("selftest", "--json", "--model", tmp_path / "broken.edge")
    assert ran.code == 1
    passed = {line["artifact"] for line in ran.lines if line["is_passed"]}
    failed = {line["artifact"]: line["reason"] for line in ran.lines if not line["is_passed"]}
    assert passed == {"model.int8.onnx"}
    assert "does not load" in failed["model.int8.tflite"]


def test_options_for_bare_files_do_not_go_with_one_that_says_it_itself(
    edge_run, tmp_path: Path
) -> None:
    from edge.bundle.reader import open_bundle

    with open_bundle(DEFAULT_BUNDLE) as bundle:
        (tmp_path / "m.onnx").write_bytes(bundle.read("model.int8.onnx"))
    ran = edge_run("--model", tmp_path / "m.onnx", "--labels", "x,y,z", "film.png")
    assert ran.code == 2
    assert "says itself" in ran.err
