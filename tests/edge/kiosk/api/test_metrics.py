"""The kiosk's figures for Prometheus."""

import re

SAMPLE = re.compile(r"([a-z_]+)(\{[^}]*\})? (\S+)")


def read(served):
    reply = served.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in reply.body.decode().splitlines() if not line.startswith("#")]
    return {f"{found[1]}{found[2] or ''}": float(found[3]) for found in map(SAMPLE.match, lines)}


def test_what_happened_is_counted(serve):
    served = serve()
    for _ in range(3):
        served.do(served.kiosk.next_frame)
    served.show("frozen")
    served.request("POST", "/v1/infer", b"no picture")
    figures = read(served)
    assert figures["edgedx_kiosk_frames_captured_total"] == 3
    assert figures['edgedx_kiosk_refused_total{gate="frozen"}'] == 1
    assert figures['edgedx_kiosk_refused_total{gate="input"}'] == 1
    assert figures["edgedx_kiosk_uploads_total"] == 1
    assert figures["edgedx_kiosk_answer_age_seconds"] >= 0
    assert figures['edgedx_kiosk_http_requests_total{status="200"}'] == 1


def test_the_state_is_one_of_its_names(serve):
    served = serve()
    served.show("source_lost")
    figures = read(served)
    assert figures['edgedx_kiosk_status{status="degraded"}'] == 1
    assert figures['edgedx_kiosk_status{status="ok"}'] == 0
    assert figures["edgedx_kiosk_source_open"] == 0
    assert figures["edgedx_kiosk_worker_ready"] == 1
    assert "edgedx_kiosk_answer_age_seconds" not in figures


def test_every_family_has_help_and_a_type_and_counters_end_in_total(serve):
    text = serve().get("/metrics").body.decode()
    names = re.findall(r"^# HELP (\S+) \S", text, re.MULTILINE)
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert names == list(types)
    assert all((kind == "counter") == name.endswith("_total") for name, kind in types.items())


def test_without_a_model_it_is_left_out_of_the_info(serve):
    served = serve()
    served.show("waiting")
    assert 'edgedx_kiosk_info{version="0.1.0"}' in read(served)
