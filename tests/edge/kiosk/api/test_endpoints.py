"""What each path answers, over a real socket."""

import base64
import hashlib
import json
import re
from pathlib import Path

import msgspec
import pytest

from edge.errors import DecodeError, EngineError, InputTooLargeError, UnsupportedInputError
from edge.kiosk.api.operations import OPERATIONS
from edge.kiosk.api.page_files import PageFiles
from edge.kiosk.api.problems import ProblemError
from edge.kiosk.messages import Answer, Health, Latest, ModelCard
from edge.kiosk.view import KioskBusyError

SAMPLES = Path(__file__).parents[4] / "docs" / "samples"


@pytest.fixture(scope="module")
def picture():
    return min(SAMPLES.glob("*.png"), key=lambda path: path.stat().st_size).read_bytes()


def test_health_tells_what_is_wrong_with_status_200(staged):
    assert msgspec.json.decode(staged.get("/v1/health").body, type=Health).status == "ok"
    staged.show("source_lost")
    reply = staged.get("/v1/health")
    health = msgspec.json.decode(reply.body, type=Health)
    assert (reply.status, health.status) == (200, "degraded")
    assert [each.code for each in health.problems] == ["source_lost"]


def test_the_model_is_404_until_one_is_loaded(staged):
    card = msgspec.json.decode(staged.get("/v1/model").body, type=ModelCard)
    assert card.model.name == "chest_xray"
    staged.show("waiting")
    reply = staged.get("/v1/model")
    assert (reply.status, reply.code) == (404, "model_not_loaded")


@pytest.mark.parametrize("scene", ["answered", "black", "source_lost", "old", "waiting"])
def test_latest_is_what_the_kiosk_says(staged, scene):
    staged.show(scene)
    latest = msgspec.json.decode(staged.get("/v1/latest").body, type=Latest)
    expected = staged.do(staged.kiosk.latest)
    assert msgspec.structs.replace(latest, age_ms=0) == msgspec.structs.replace(expected, age_ms=0)


def test_a_snapshot_is_a_picture_with_its_index_and_age(staged):
    reply = staged.get("/v1/snapshot")
    assert reply.headers["content-type"] == "image/jpeg"
    assert reply.body.startswith(b"\xff\xd8")
    assert reply.headers["x-frame-index"].isdigit()
    assert int(reply.headers["x-frame-age-ms"]) >= 0


def test_without_a_current_frame_the_snapshot_is_404(staged):
    staged.show("source_lost")
    reply = staged.get("/v1/snapshot")
    assert (reply.status, reply.code) == (404, "no_snapshot")


def test_an_upload_is_answered(kiosk, picture):
    reply = kiosk.request("POST", "/v1/infer", picture)
    answer = msgspec.json.decode(reply.body, type=Answer)
    assert (reply.status, answer.status, answer.source) == (200, "ok", "upload")


def test_an_upload_in_chunks_is_answered_the_same(kiosk, picture):
    pieces = (picture[at : at + 1000] for at in range(0, len(picture), 1000))
    reply = kiosk.request("POST", "/v1/infer", pieces)
    answer = msgspec.json.decode(reply.body, type=Answer)
    whole = msgspec.json.decode(kiosk.request("POST", "/v1/infer", picture).body, type=Answer)
    assert answer.input_digest == whole.input_digest


def test_what_cannot_be_read_is_an_answer_with_status_error(kiosk, picture):
    reply = kiosk.request("POST", "/v1/infer", picture[: len(picture) // 2])
    assert reply.status == 200
    assert reply.json()["status"] == "error"
    assert reply.json()["outputs"] == []


def test_an_empty_upload_is_refused(kiosk):
    reply = kiosk.request("POST", "/v1/infer", b"")
    assert (reply.status, reply.code) == (400, "upload_empty")


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Encoding": "gzip"}],
)
def test_a_wrapped_upload_is_refused(kiosk, headers):
    reply = kiosk.request("POST", "/v1/infer", b"x", headers)
    assert (reply.status, reply.code) == (415, "upload_wrapped")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DecodeError("cut"), 422),
        (UnsupportedInputError("a film"), 422),
        (InputTooLargeError("30000 x 30000"), 413),
        (KioskBusyError("2 wait"), 429),
        (EngineError("it died\nof this"), 503),
    ],
)
def test_an_error_of_the_kiosk_is_a_problem_with_its_code(staged, error, status):
    staged.kiosk.infer_error = error
    reply = staged.request("POST", "/v1/infer", b"x")
    assert (reply.status, reply.code) == (status, error.code)
    assert reply.json()["detail"] == " ".join(str(error).split())
    assert ("retry-after" in reply.headers) == (status in {429, 503})


def test_a_worker_that_is_being_replaced_is_503(staged):
    staged.show("worker")
    reply = staged.request("POST", "/v1/infer", b"x")
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "busy", "2")


def test_a_fault_of_ours_shows_no_traceback_and_goes_to_the_log(staged, caplog):
    staged.kiosk.infer_error = ZeroDivisionError("secret detail")
    reply = staged.request("POST", "/v1/infer", b"x")
    assert (reply.status, reply.code) == (500, "internal")
    assert b"secret" not in reply.body
    assert "secret detail" in caplog.text
    assert staged.get("/v1/health").status == 200


@pytest.mark.parametrize("path", ["/v2/health", "/v1", "/v1/health/", "/page/../api/app.py", "//"])
def test_other_paths_are_404(kiosk, path):
    reply = kiosk.get(path)
    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_405_and_told_which_there_are(kiosk, method):
    for operation in OPERATIONS:
        reply = kiosk.request(method, operation.path)
        assert (reply.status, reply.code) == (405, "method_not_allowed")
        assert operation.method in reply.headers["allow"]


def test_options_names_the_methods(kiosk):
    assert kiosk.request("OPTIONS", "/v1/health").headers["allow"] == "GET, HEAD, OPTIONS"
    assert kiosk.request("OPTIONS", "/v1/infer").headers["allow"] == "POST, OPTIONS"


def test_head_is_get_without_the_body(kiosk):
    for operation in OPERATIONS:
        if operation.method == "GET":
            reply = kiosk.request("HEAD", operation.path)
            assert (reply.status, reply.body) == (200, b"")


def test_every_answer_says_not_to_keep_guess_or_frame_it(kiosk):
    for path in ("/v1/health", "/v1/snapshot", "/docs", "/page/", "/nothing", "/metrics"):
        headers = kiosk.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_the_page_asks_nothing_of_other_machines(tmp_path):
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "secret.py").write_text("x = 1")
    (tmp_path / "style.css").write_text("p {}")
    files = PageFiles(tmp_path)
    page = files.response("index.html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    assert "http" not in page.headers["content-security-policy"]
    assert files.response("style.css").headers["content-type"] == "text/css; charset=utf-8"
    for name in ("secret.py", "../conftest.py", "/etc/passwd", "", "index.html\x00"):
        with pytest.raises(Exception, match="has no file"):
            files.response(name)


def test_a_file_of_the_page_that_cannot_be_read_is_no_fault_of_the_request(tmp_path):
    script = tmp_path / "kiosk.js"
    script.write_text("show();")
    files = PageFiles(tmp_path)
    script.unlink()
    with pytest.raises(ProblemError, match=r"kiosk\.js .*cannot be read") as refused:
        files.response("kiosk.js")
    assert (refused.value.status, refused.value.code) == (503, "page_unreadable")
    script.write_text("show();")
    assert files.response("kiosk.js").body == b"show();"


def test_the_page_of_docs_is_self_contained(kiosk):
    text = kiosk.get("/docs").body.decode()
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="(?!#|/openapi\.json)', text)
    for operation in OPERATIONS:
        assert operation.path in text
        assert operation.summary in text


def test_the_style_of_docs_is_the_one_its_policy_allows(kiosk):
    reply = kiosk.get("/docs")
    style = re.search(r"<style>(.*)</style>", reply.body.decode(), re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in reply.headers["content-security-policy"]


def test_openapi_is_json_of_version_3_1(kiosk):
    assert json.loads(kiosk.get("/openapi.json").body)["openapi"] == "3.1.0"
