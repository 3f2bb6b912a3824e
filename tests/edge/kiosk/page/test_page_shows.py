"""What the page shows of what the kiosk says, in a real Chromium."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from page_scenes import GATES, HOSTILE, OUTPUTS, SCENES, card_for, latest_for
from screen import wait_until

pytestmark = [pytest.mark.screen, pytest.mark.slow]

TEXTS_SCRIPT = "import('/page/texts.js').then((module) => module.TEXTS)"
SIZES = ((1024, 600), (1280, 800), (1920, 1080), (800, 1280))
LONGEST = ("even", "journal", "source", "of the future", "waiting")
IN_WORDS = {
    "classification": ("Most likely", "bacterial pneumonia", "65 %", "viral pneumonia", "25 %"),
    "sure": ("Most likely", "normal", "> 99 %", "< 1 %"),
    "logits": ("Most likely", "b", "7.5", "not a probability"),
    "multilabel": ("2 findings over their thresholds", "Atelectasis", "82 %", "threshold 50 %"),
    "one finding": ("1 finding over its threshold", "Cardiomegaly", "91 %", "49.96 %"),
    "no finding": ("No finding over its threshold", "does not rule out disease", "Hernia"),
    "many findings": ("10 findings over their thresholds", "Edema"),
    "regression": ("Ejection fraction", "54.27", "%"),
    "several outputs": ("stage II", "Atelectasis", "54.27"),
    "hostile": (HOSTILE,),
}
PICTURES = {
    **dict.fromkeys(OUTPUTS, "live"),
    **dict.fromkeys(("black", "saturated", "even", "torn", "input"), "unusable"),
    **dict.fromkeys(("frozen", "stale", "source"), "none"),
}


@pytest.fixture(scope="module")
def texts(browser, shared_kiosk) -> dict[str, dict[str, str]]:
    page = browser.new_page()
    page.goto(shared_kiosk.address)
    table = page.evaluate(TEXTS_SCRIPT)
    page.close()
    return table


@pytest.mark.parametrize("scene", list(OUTPUTS))
def test_an_answer_is_said_in_words_with_its_certainty(open_screen, shared_kiosk, scene):
    shared_kiosk.order(scene=scene)
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene(scene)
    for words in IN_WORDS[scene]:
        wait_until(lambda words=words: words in screen.answer, f"{words} in the answer")
    assert "No result" not in screen.words
    assert screen.errors == []


def test_all_that_was_decided_stands_before_the_rest(open_screen, shared_kiosk):
    """With several outputs a finding must not stand below another output's other labels."""
    shared_kiosk.order(scene="several outputs")
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("several outputs")
    said = screen.answer
    decided = [said.index(words) for words in ("stage II", "Atelectasis", "54.27")]
    assert max(decided) < said.index("Other possibilities") < said.index("Below the threshold")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_gate_is_told_with_a_hint_and_no_answer(open_screen, shared_kiosk, texts, language):
    screen = open_screen(shared_kiosk, language=language)
    for gate in GATES:
        screen.show(gate)
        said = screen.answer
        for key in ("state.no_result", f"gate.{gate}", f"hint.{gate}"):
            assert texts[key][language] in said
        assert not [label for label in ("pneumonia", "%") if label in said.partition("\n\n")[0]]
        assert screen.ask("document.querySelector('#answer [data-icon=none]') !== null")
    assert screen.errors == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_always_there_is_there_in_every_scene(open_screen, shared_kiosk, texts, language):
    screen = open_screen(shared_kiosk, language=language)
    for scene in SCENES:
        screen.show(scene)
        assert texts["app.notice"][language] in screen.words
        assert screen.ask("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]
        assert f"{card_for(scene).model.version} ·" in screen.words
    assert screen.errors == []


def test_latency_and_age_stand_below_an_answer_and_nothing_below_none(open_screen, shared_kiosk):
    shared_kiosk.order(scene="classification")
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("classification")
    assert screen.ask("inference.textContent") == "21 ms"
    assert screen.ask("captureToAnswer.textContent") == "48 ms"
    assert screen.ask("age.textContent").endswith(" s")
    screen.show("black")
    figures = screen.ask("[inference, captureToAnswer, age].map((each) => each.textContent)")
    assert figures == ["\N{EN DASH}"] * 3


def test_a_model_that_was_updated_is_named_before_it_answers(open_screen, shared_kiosk):
    shared_kiosk.order(scene="classification")
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("classification")
    event = ["update", "info", "update_confirmed", "the new model stays"]
    shared_kiosk.order(scene="worker", event=event)
    digest = card_for("worker").model.digest[:12]
    wait_until(lambda: digest in screen.ask("model.textContent"), "the new model's digest")


def test_an_answer_that_cannot_be_read_is_no_answer(open_screen, shared_kiosk):
    """A newer or broken service must not make the page show half an answer."""
    screen = open_screen(shared_kiosk)
    sound = json.loads(_encode(latest_for("classification")))
    output = sound["answer"]["outputs"][0]
    broken = [
        {**sound, "answer": {**sound["answer"], "outputs": []}},
        {**sound, "answer": None},
        {**sound, "answer": {**sound["answer"], "status": "error"}},
        {**sound, "answer": {**sound["answer"], "outputs": [{**output, "decision": []}]}},
        {**sound, "answer": {**sound["answer"], "outputs": [{**output, "kind": "heatmap"}]}},
        {**sound, "answer": {**sound["answer"], "outputs": [{**output, "decision": ["other"]}]}},
    ]
    screen.show("classification")
    for latest in broken:
        shared_kiosk.order(latest=latest)
        wait_until(lambda: screen.gate == "unreadable", "not readable")
        assert "pneumonia" not in screen.answer
        screen.show("waiting")
    assert screen.errors == []


def _encode(message: object) -> bytes:
    import msgspec

    return msgspec.json.encode(message)


def test_a_label_that_is_markup_stays_text(open_screen, shared_kiosk):
    shared_kiosk.order(scene="hostile", event=["gate", "error", "<i>code</i>", HOSTILE])
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("hostile")
    assert HOSTILE in screen.answer
    identity = f" 1.0.0 · {card_for('hostile').model.digest[:12]}"
    assert screen.ask("model.textContent") == HOSTILE + identity
    screen.page.keyboard.press("F2")
    wait_until(lambda: screen.ask("detailsEvents.innerText").count(HOSTILE), "the event")
    wait_until(lambda: HOSTILE in screen.ask("detailsModel.innerText"), "the model's name")
    assert screen.ask("window.hacked ?? null") is None
    assert (
        screen.ask("document.querySelectorAll('img, #answer script, #details script').length") == 0
    )
    assert screen.errors == []


def test_the_picture_is_live_or_marked_or_gone(open_screen, shared_kiosk, film):
    screen = open_screen(shared_kiosk)
    for scene, picture in PICTURES.items():
        screen.show(scene)
        wait_until(lambda picture=picture: screen.picture == picture, f"{scene}: {picture}")
        wait_until(
            lambda picture=picture: (screen.canvas_light > 0) == (picture != "none"),
            f"{scene}: pixels",
        )
    screen.show("classification")
    wait_until(lambda: screen.picture == "live", "live")
    shared_kiosk.order(picture_age_ms=90_000)
    wait_until(lambda: screen.picture == "older", "older")
    assert "Picture, 90 s old" in screen.words
    assert "Live" not in screen.words
    shared_kiosk.order(picture="", picture_age_ms=40)
    wait_until(lambda: screen.picture == "none", "no picture")
    assert screen.canvas_light == 0
    assert "No live picture" in screen.words
    shared_kiosk.order(picture=str(film))
    assert screen.errors == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_details_tell_model_health_events_and_keys(open_screen, shared_kiosk, texts, language):
    shared_kiosk.order(scene="multilabel", event=["source", "error", "source_lost", "camera gone"])
    screen = open_screen(shared_kiosk, language=language)
    screen.wait_for_scene("multilabel")
    screen.page.locator("#openDetails").click()
    card = card_for("multilabel")
    expected = (card.model.digest, card.intended_use, card.licence, "camera:0", "camera gone")
    for words in (*expected, texts["selftest.passed"][language], texts["level.error"][language]):
        wait_until(lambda words=words: words in screen.ask("details.innerText"), words)
    for key in ("model", "health", "events", "keys"):
        assert texts[f"details.{key}"][language] in screen.ask("details.innerText")
    assert texts["app.notice"][language] in screen.ask("details.innerText")
    assert screen.errors == []


def test_the_language_is_that_of_the_browser_until_another_is_chosen(open_screen, shared_kiosk):
    shared_kiosk.order(scene="black")
    screen = open_screen(shared_kiosk, language="zh")
    screen.wait_for_scene("black")
    assert "无结果" in screen.answer
    screen.page.get_by_role("button", name="English").click()
    wait_until(lambda: "No result" in screen.answer, "English")
    screen.page.reload()
    screen.wait_for_scene("black")
    assert "No result" in screen.answer
    assert screen.ask("document.documentElement.lang") == "en"


def test_the_address_may_name_the_language(open_screen, shared_kiosk):
    """For a browser that forgets everything; a choice made on the screen comes before it."""
    shared_kiosk.order(scene="black")
    screen = open_screen(shared_kiosk, path="/#language=zh")
    screen.wait_for_scene("black")
    assert "无结果" in screen.answer
    screen.page.keyboard.press("F4")
    screen.page.reload()
    screen.wait_for_scene("black")
    assert "No result" in screen.answer


def test_the_page_works_where_nothing_may_be_stored(open_screen, shared_kiosk):
    shared_kiosk.order(scene="classification")
    screen = open_screen(shared_kiosk)
    screen.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } });"
    )
    screen.page.reload()
    screen.wait_for_scene("classification")
    screen.page.keyboard.press("F4")
    wait_until(lambda: "最可能为" in screen.answer, "Chinese")
    assert screen.errors == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_fits_the_screen_without_scrolling(open_screen, shared_kiosk, language):
    """But for what no size of letters could hold, which a button leads to."""
    screen = open_screen(shared_kiosk, language=language)
    for scene in (*OUTPUTS, *LONGEST):
        screen.show(scene)
        for width, height in SIZES:
            screen.page.set_viewport_size({"width": width, "height": height})
            overflow = screen.ask(
                """async () => {
                    for (let frame = 0; frame < 3; frame += 1) {
                        await new Promise((resolve) => requestAnimationFrame(resolve));
                    }
                    const root = document.documentElement;
                    const body = answerBody;
                    const isCut = body.scrollHeight > body.clientHeight;
                    return [root.scrollWidth - innerWidth, root.scrollHeight - innerHeight,
                            body.scrollWidth - body.clientWidth, isCut === more.hidden];
                }"""
            )
            assert overflow == [0, 0, 0, False], (scene, width)


def test_nothing_is_asked_of_anybody_but_the_kiosk(open_screen, shared_kiosk):
    shared_kiosk.order(scene="classification")
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("classification")
    screen.page.keyboard.press("F2")
    wait_until(lambda: "camera:0" in screen.words, "details")
    assert [each for each in screen.addresses if not each.startswith(shared_kiosk.address)] == []
    paths = {each.removeprefix(shared_kiosk.address).partition("?")[0] for each in screen.addresses}
    page = {path.name for path in Path("edge/kiosk/page").iterdir()}
    known = {"/", "/v1/latest", "/v1/events", "/v1/health", "/v1/model", "/v1/snapshot"}
    assert paths - known <= {f"/page/{name}" for name in page}
