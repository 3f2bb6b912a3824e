"""The page through everything that happens in months: it never shows what no longer holds."""

from __future__ import annotations

import json
import time

import pytest
from page_scenes import latest_for
from played_kiosk import PlayedKiosk
from screen import Screen, wait_until

pytestmark = [pytest.mark.screen, pytest.mark.slow]

LABEL = "bacterial pneumonia"
HIDE = """(state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def open_answered(open_screen, kiosk: PlayedKiosk, **options) -> Screen:
    screen = open_screen(kiosk, **options)
    screen.wait_for_scene("classification")
    wait_until(lambda: screen.picture == "live", "a live picture")
    return screen


def assert_nothing_is_shown(screen: Screen) -> None:
    assert LABEL not in screen.ask("document.body.textContent")
    wait_until(lambda: screen.picture == "none", "no picture")
    assert screen.canvas_light == 0


def test_the_answer_goes_when_the_service_dies_and_comes_back_with_it(open_screen, own_kiosk, film):
    screen = open_answered(open_screen, own_kiosk)
    own_kiosk.kill()
    screen.wait_for_state("lost")
    assert "Connection to the service lost" in screen.answer
    assert_nothing_is_shown(screen)
    again = PlayedKiosk(own_kiosk.port)
    try:
        again.order(scene="classification", picture=str(film))
        screen.wait_for_scene("classification")
        wait_until(lambda: screen.picture == "live", "a live picture")
    finally:
        again.stop()
    assert screen.errors == []


def test_the_answer_goes_when_the_service_is_stuck_with_its_connections_open(
    open_screen, own_kiosk
):
    screen = open_answered(open_screen, own_kiosk)
    own_kiosk.suspend()
    screen.wait_for_state("lost")
    assert_nothing_is_shown(screen)
    own_kiosk.resume()
    screen.wait_for_scene("classification")
    assert screen.errors == []


def test_an_answer_that_nothing_changes_stays_while_the_service_lives(open_screen, own_kiosk):
    """Silence of the event stream alone is no reason to take it away: the page asks."""
    screen = open_answered(open_screen, own_kiosk)
    asked = len([each for each in screen.addresses if each.endswith("/v1/latest")])
    end_s = time.monotonic() + 6.5
    while time.monotonic() < end_s:
        assert screen.state == "answered"
        screen.page.wait_for_timeout(100)
    assert len([each for each in screen.addresses if each.endswith("/v1/latest")]) > asked


def test_a_hidden_page_asks_for_nothing_and_begins_anew_when_seen(open_screen, own_kiosk):
    screen = open_answered(open_screen, own_kiosk)
    screen.ask(HIDE, "hidden")
    assert_nothing_is_shown(screen)
    screen.page.wait_for_timeout(300)
    asked = len(screen.addresses)
    screen.page.wait_for_timeout(2500)
    assert len(screen.addresses) == asked
    screen.ask(HIDE, "visible")
    screen.wait_for_scene("classification")
    wait_until(lambda: screen.picture == "live", "a live picture")
    assert screen.errors == []


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_a_jump_of_the_clock_does_no_harm(open_screen, own_kiosk, jump_s):
    screen = open_answered(open_screen, own_kiosk)
    screen.ask(
        "(jump) => { const now = Date.now.bind(Date); Date.now = () => now() + jump; }",
        jump_s * 1000,
    )
    screen.page.wait_for_timeout(1000)
    screen.wait_for_scene("classification")
    own_kiosk.order(scene="frozen")
    screen.wait_for_scene("frozen")
    assert screen.errors == []


def test_good_and_bad_pictures_in_turn_read_no_result_without_flashing(open_screen, own_kiosk):
    screen = open_answered(open_screen, own_kiosk)
    screen.ask("""() => {
        window.changes = [];
        new MutationObserver(() => changes.push(document.documentElement.dataset.state))
            .observe(document.documentElement, { attributeFilter: ["data-state"] });
    }""")
    end_s = time.monotonic() + 3
    while time.monotonic() < end_s:
        own_kiosk.order(scene="black")
        screen.page.wait_for_timeout(30)
        own_kiosk.order(scene="classification")
        screen.page.wait_for_timeout(30)
    changes = [
        state
        for state, before in zip(
            screen.ask("changes"), ["answered", *screen.ask("changes")], strict=False
        )
        if state != before
    ]
    assert changes[:1] == ["no_result"]
    assert len(changes) <= 3 * 3  # three changes a second are not felt as flashing
    screen.wait_for_scene("classification")


def test_a_fault_of_the_page_itself_takes_the_answer_away_and_loads_it_anew(open_screen, own_kiosk):
    screen = open_answered(open_screen, own_kiosk)
    own_kiosk.order(scene="waiting")
    screen.wait_for_scene("waiting")
    screen.ask("""() => {
        window.isOldPage = true;
        Element.prototype.getAttributeNames = () => { throw new Error("a fault for the test"); };
    }""")
    own_kiosk.order(scene="classification")
    wait_until(lambda: screen.ask("window.isOldPage ?? null") is None, "a new page")
    screen.wait_for_scene("classification")
    assert set(screen.errors) == {"a fault for the test"}


def test_after_a_fault_of_the_page_no_answer_comes_back_before_it_is_loaded_anew(
    open_screen, own_kiosk
):
    screen = open_answered(open_screen, own_kiosk)
    fault = """(label) => {
        window.isOldPage = true;
        window.wereShown = [];
        const look = () => window.wereShown.push(document.body.textContent.includes(label));
        setTimeout(() => { setInterval(look, 20); throw new Error("a fault for the test"); });
    }"""
    screen.ask(fault, LABEL)
    wait_until(lambda: screen.ask("window.wereShown.length"), "the fault")
    own_kiosk.order(scene="waiting")
    own_kiosk.order(scene="classification")
    looks = []
    while (were_shown := screen.ask("window.isOldPage && window.wereShown")) is not None:
        looks = were_shown
        screen.page.wait_for_timeout(200)
    assert len(looks) > 1
    assert not any(looks)
    screen.wait_for_scene("classification")


@pytest.mark.parametrize("broken", ["guard.js", "kiosk.css"])
def test_a_page_without_all_its_parts_shows_no_answer(open_screen, own_kiosk, broken):
    asked = []

    def answer(route) -> None:
        asked.append(route.request.url)
        route.abort()

    screen = open_answered(open_screen, own_kiosk)
    screen.page.route(f"**/page/{broken}", answer)
    screen.page.reload()
    wait_until(lambda: screen.ask("true") and len(asked) > 1, "a page that loads itself anew")
    assert LABEL not in screen.ask("document.body?.textContent ?? ''")
    screen.page.unroute(f"**/page/{broken}")
    screen.wait_for_scene("classification")


def test_a_newer_service_brings_its_own_page(open_screen, own_kiosk, film):
    screen = open_answered(open_screen, own_kiosk)
    screen.ask("window.isOldPage = true")
    own_kiosk.kill()
    screen.wait_for_state("lost")
    assert screen.ask("window.isOldPage")
    again = PlayedKiosk(own_kiosk.port)
    try:
        again.order(scene="classification", picture=str(film), version="0.2.0")
        wait_until(lambda: screen.ask("window.isOldPage ?? null") is None, "a new page")
        screen.wait_for_scene("classification")
    finally:
        again.stop()


def test_a_token_behind_the_address_opens_the_page_and_leaves_the_address(open_screen):
    token = "the-token-of-this-test"  # noqa: S105 - it opens nothing
    kiosk = PlayedKiosk(token=token)
    try:
        kiosk.order(scene="classification")
        screen = open_screen(kiosk, path=f"/#token={token}")
        screen.wait_for_scene("classification")
        assert token not in screen.page.url
        screen.page.reload()
        screen.wait_for_scene("classification")
        assert screen.errors == []
    finally:
        kiosk.stop()


def test_a_page_without_the_token_asks_for_it(open_screen):
    token = "the-token-of-this-test"  # noqa: S105 - it opens nothing
    kiosk = PlayedKiosk(token=token)
    try:
        kiosk.order(scene="classification")
        screen = open_screen(kiosk)
        screen.wait_for_state("denied")
        screen.page.get_by_label("Token").fill("another token")
        screen.page.get_by_role("button", name="Enter").click()
        wait_until(lambda: "does not take this token" in screen.answer, "refused")
        screen.page.get_by_label("Token").fill(token)
        screen.page.keyboard.press("Enter")
        screen.wait_for_scene("classification")
        assert not screen.page.get_by_label("Token").is_visible()
        assert screen.errors == []
    finally:
        kiosk.stop()


def test_memory_does_not_grow_with_what_was_shown(open_screen, own_kiosk):
    """Ten minutes of answers at 30 a second, as fast as the page can read them."""
    screen = open_answered(open_screen, own_kiosk)
    body = _stream(1500)
    screen.page.route(
        "**/v1/events", lambda route: route.fulfill(body=body, content_type="text/event-stream")
    )
    own_kiosk.order(rate_hz=1)
    meter = screen.page.context.new_cdp_session(screen.page)
    screen.ask("""() => {
        window.connections = 0;
        const get = window.fetch;
        window.fetch = (path, ...rest) => {
            if (path === "/v1/events") window.connections += 1;
            return get(path, ...rest);
        };
    }""")
    grown = [_measure(screen, meter, connections) for connections in (3, 15)]
    (bytes_before, nodes_before), (bytes_after, nodes_after) = grown
    assert bytes_after - bytes_before < 256 * 1024
    assert nodes_after - nodes_before < 50
    assert screen.errors == []


def _stream(updates: int) -> str:
    import msgspec

    lines = []
    for index in range(updates):
        scene = ("classification", "black", "hostile")[index % 3]
        latest = json.loads(msgspec.json.encode(latest_for(scene, index)))
        lines.append(f"event: latest\ndata: {json.dumps(latest)}\n\n")
        if index % 10 == 0:
            event = {"id": index, "time_ns": time.time_ns(), "type": "gate", "level": "info"}
            event |= {"code": "gate_open", "message": f"message {index}"}
            lines.append(f"id: {index}\nevent: kiosk\ndata: {json.dumps(event)}\n\n")
    return "".join(lines)


def _measure(screen: Screen, meter, connections: int) -> tuple[int, int]:
    """Bytes of the heap and nodes once so many streams were read, while the page is at rest."""
    screen.ask(HIDE, "hidden")
    screen.ask(HIDE, "visible")
    wait_until(lambda: screen.ask("connections") >= connections, f"{connections} streams", 120)
    screen.ask(HIDE, "hidden")
    screen.page.wait_for_timeout(500)
    for _ in range(3):
        meter.send("HeapProfiler.collectGarbage")
    heap = meter.send("Runtime.getHeapUsage")["usedSize"]
    nodes = meter.send("Memory.getDOMCounters")["nodes"]
    return heap, nodes
