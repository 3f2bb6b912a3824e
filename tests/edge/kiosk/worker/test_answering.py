"""What a worker says of a result, and which bundles it answers from."""

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from kiosk_bundles import GOOD, brightness_bundle
from record_samples import risk_bundle
from slot_samples import MAKER_KEY, sign

import edge
from edge.errors import BundleError, EngineError, SignatureError, UsageError
from edge.frame import Frame
from edge.kiosk.worker.answers import answer_upload, answered
from edge.kiosk.worker.loading import GoldenFailureError, load_checked_model
from edge.kiosk.worker.watched_model import MOST_FAILURES, WatchedModel
from edge.kiosk.worker.wire import Start
from edge.kiosk.worker.wording import Wording

PLAIN = Wording("")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return brightness_bundle(tmp_path_factory.mktemp("bundles") / "brightness.edge")


@pytest.fixture
def model(bundle):
    with edge.load(bundle) as model:
        yield model


class FailingModel:
    """Fails as often as it is told, then answers as the real one."""

    def __init__(self, model, failures: int) -> None:
        self._model = model
        self._left = failures
        self.parts = model.parts
        self.no_result = model.no_result

    def run(self, source):
        if self._left > 0:
            self._left -= 1
            raise EngineError("output brightness holds NaN; the model was damaged")
        return self._model.run(source)


def noise() -> Frame:
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 1), dtype=np.uint8)
    return Frame(pixels, "grey", source="camera:0", index=3)


def test_an_upload_is_answered_with_its_digest_and_no_name(model):
    said = answer_upload(WatchedModel(model), GOOD, PLAIN)
    assert (said.status, said.source, said.gate, len(said.outputs)) == ("ok", "upload", "", 1)
    assert len(said.input_digest) == 64


@pytest.mark.parametrize("data", [b"", b"text", GOOD[:-30]])
def test_what_cannot_be_read_says_so(model, data):
    said = answer_upload(WatchedModel(model), data, PLAIN)
    assert (said.status, said.gate, said.outputs) == ("error", "input", ())
    assert said.reason
    assert said.error_code.startswith("input")


def test_an_engine_that_fails_on_one_frame_has_no_answer_for_it(model):
    watched = WatchedModel(FailingModel(model, 1))
    first, second = watched.run(noise()), watched.run(noise())
    assert (first.status, first.gate) == ("error", "engine")
    assert second.status == "ok"
    assert answered(first, PLAIN).error_code == "engine"


def test_an_engine_that_fails_on_every_frame_is_given_up(model):
    watched = WatchedModel(FailingModel(model, 99))
    for _ in range(MOST_FAILURES - 1):
        assert watched.run(noise()).gate == "engine"
    with pytest.raises(EngineError, match="NaN"):
        watched.run(noise())


def test_failures_that_are_not_in_a_row_do_not_add_up(model):
    for _ in range(3):
        watched = WatchedModel(FailingModel(model, MOST_FAILURES - 1))
        found = [answer_upload(watched, GOOD, PLAIN).status for _ in range(MOST_FAILURES + 1)]
        assert found[-1] == "ok"


def test_it_is_known_how_long_an_inference_takes(model):
    begun, may_end = threading.Event(), threading.Event()

    class SlowModel(FailingModel):
        def run(self, source):
            begun.set()
            may_end.wait(60)
            return super().run(source)

    watched = WatchedModel(SlowModel(model, 0))
    assert watched.busy_ns == 0
    thread = threading.Thread(target=watched.run, args=(noise(),))
    thread.start()
    assert begun.wait(60)
    first = watched.busy_ns
    time.sleep(0.01)
    assert watched.busy_ns > first > 0
    may_end.set()
    thread.join()
    assert watched.busy_ns == 0


def test_a_model_is_loaded_and_has_shown_its_golden_answers(bundle):
    model, card = load_checked_model(Start(str(bundle), "camera:0"))
    model.close()
    assert (card.selftest, card.engine, card.outputs[0].labels) == (
        "passed",
        "onnxruntime",
        ("dark", "bright"),
    )


def test_a_model_that_answers_its_golden_examples_wrongly_is_refused(tmp_path):
    wrong = brightness_bundle(tmp_path / "wrong.edge", is_right=False)
    with pytest.raises(GoldenFailureError, match="does not answer here as in the lab"):
        load_checked_model(Start(str(wrong), "camera:0"))


def test_a_model_that_takes_no_picture_goes_with_no_camera(tmp_path):
    risk = risk_bundle(tmp_path / "risk.edge")
    with pytest.raises(UsageError, match="takes no picture but labs; give --source none"):
        load_checked_model(Start(str(risk), "camera:0"))
    model, card = load_checked_model(Start(str(risk), ""))
    model.close()
    assert card.selftest == "passed"


def test_a_bundle_that_nobody_signed_is_refused_where_a_key_is_asked_for(bundle):
    with pytest.raises(SignatureError, match="is not signed"):
        load_checked_model(Start(str(bundle), "", trusted_keys=("ab" * 32,)))


def test_a_bundle_that_the_right_maker_signed_is_taken(bundle, tmp_path):
    signed = sign(shutil.copy(bundle, tmp_path / "signed.edge"))
    model, card = load_checked_model(Start(str(signed), "", trusted_keys=(MAKER_KEY.hex(),)))
    model.close()
    assert card.model.name == "sample"


def test_a_damaged_bundle_is_refused(bundle, tmp_path):
    damaged = tmp_path / "damaged.edge"
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(BundleError):
        load_checked_model(Start(str(damaged), ""))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("two\nlines  here", "two lines here"),
        ("rtsp://a:b@host/x: gone", "rtsp://host/x: gone"),
        ("MUSTERMANN.png is damaged", "the file is damaged"),
        ("bell \x07", "'bell \\x07'"),
        ("name \udcff", "'name \\udcff'"),
        ("x" * 9999, "x" * 500),
    ],
)
def test_a_message_is_one_printable_line_without_what_it_must_not_hold(text, clean):
    wording = Wording("rtsp://a:b@host/x")
    assert wording.clean(text, file_name="MUSTERMANN.png") == clean
