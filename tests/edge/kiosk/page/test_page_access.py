"""Whether everybody can use the page: contrast, touch, keyboard, enlargement, screen readers."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_scenes import OUTPUTS, SCENES
from played_kiosk import PlayedKiosk
from screen import Screen, wait_until

pytestmark = [pytest.mark.screen, pytest.mark.slow]

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
LEAST_TOUCH_PX = 48
SIZES = ((1024, 600), (1280, 800), (1920, 1080), (800, 1280), (512, 300))
FAINT = {
    **dict.fromkeys(("--quiet", "--ink", "--line", "--bar"), "#a4b3bc"),
    "--on-screen": "#4a555b",
}
FOCUSED = "document.activeElement.id || document.activeElement.dataset.language"


def contrast_faults(screen: Screen, least: int) -> list[str]:
    """Faults, where at least so many things were looked at."""
    found = screen.ask(f"({CONTRAST.strip().removesuffix(';')})()")
    assert found["count"] >= least
    return found["faults"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_stands_out_from_its_ground(open_screen, shared_kiosk, language, theme):
    """Wherever there is a scene, in each theme."""
    shared_kiosk.order(event=["source", "error", "source_lost", "gone"])
    shared_kiosk.order(event=["source", "warning", "source_slow", "slow"])
    screen = open_screen(shared_kiosk, language=language, theme=theme)
    for scene in SCENES:
        screen.show(scene)
        assert contrast_faults(screen, least=20) == [], scene
    screen.page.keyboard.press("F2")
    wait_until(lambda: "camera:0" in screen.ask("details.innerText"), "details")
    assert contrast_faults(screen, least=60) == []
    screen.page.keyboard.press("Escape")
    shared_kiosk.order(scene="classification", picture_age_ms=90_000)
    wait_until(lambda: screen.picture == "older", "an older picture")
    assert contrast_faults(screen, least=20) == []
    shared_kiosk.order(picture_age_ms=40)


def test_the_measure_of_contrast_finds_what_does_not_stand_out(open_screen, shared_kiosk):
    """Else all the others of its kind would prove nothing."""
    screen = open_screen(shared_kiosk)
    screen.show("classification")
    assert contrast_faults(screen, least=20) == []
    for name, colour in FAINT.items():
        screen.ask("(pair) => document.documentElement.style.setProperty(...pair)", [name, colour])
        assert contrast_faults(screen, least=20) != [], name
        screen.ask("(name) => document.documentElement.style.removeProperty(name)", name)
    assert contrast_faults(screen, least=20) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_the_page_says_by_itself_stands_out_too(open_screen, theme):
    token = "the-token-of-this-test"  # noqa: S105 - it opens nothing
    kiosk = PlayedKiosk(token=token)
    try:
        screen = open_screen(kiosk, theme=theme)
        screen.wait_for_state("denied")
        screen.page.get_by_label("Token").fill("another token")
        screen.page.get_by_role("button", name="Enter").click()
        wait_until(lambda: "does not take" in screen.answer, "refused")
        assert contrast_faults(screen, least=20) == []
    finally:
        kiosk.stop()
    screen.wait_for_state("lost")
    assert contrast_faults(screen, least=15) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_touched_is_large_enough_for_a_finger(open_screen, shared_kiosk, language):
    shared_kiosk.order(scene="many findings")
    screen = open_screen(shared_kiosk, language=language)
    screen.wait_for_scene("many findings")
    for width, height in SIZES:
        screen.page.set_viewport_size({"width": width, "height": height})
        for is_open in (False, True):
            if is_open:
                screen.page.keyboard.press("F2")
            boxes = screen.ask(
                """() => [...(document.querySelector("dialog[open]") ?? document)
                    .querySelectorAll("button, input, a, [role=button]")]
                    .filter((each) => each.checkVisibility())
                    .map((each) => {
                        const { width, height } = each.getBoundingClientRect();
                        return [each.textContent, width, height];
                    })"""
            )
            assert boxes
            assert [box for box in boxes if min(box[1:]) < LEAST_TOUCH_PX] == []
        screen.page.keyboard.press("Escape")


def test_everything_can_be_done_with_the_keyboard(open_screen, shared_kiosk):
    shared_kiosk.order(scene="classification")
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("classification")
    keyboard = screen.page.keyboard
    walk = []
    for _ in range(3):
        keyboard.press("Tab")
        walk.append(screen.ask(FOCUSED))
        outline = screen.ask("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "4px"
    assert walk == ["en", "zh", "openDetails"]
    keyboard.press("Enter")
    wait_until(lambda: screen.ask("details.open"), "details open")
    inside = set()
    for _ in range(6):
        keyboard.press("Tab")
        inside.add(screen.ask(FOCUSED))
    assert {"closeDetails", "detailsBody"} <= inside
    assert not inside & {"en", "zh", "openDetails"}
    keyboard.press("Escape")
    wait_until(lambda: not screen.ask("details.open"), "details closed")
    assert screen.ask(FOCUSED) == "openDetails"
    keyboard.press("F2")
    wait_until(lambda: screen.ask("details.open"), "details open")
    keyboard.press("F2")
    wait_until(lambda: not screen.ask("details.open"), "details closed")
    keyboard.press("F4")
    wait_until(lambda: "最可能为" in screen.answer, "Chinese")
    keyboard.press("F4")
    wait_until(lambda: "Most likely" in screen.answer, "English")


def test_details_can_be_closed_by_touching_beside_them(open_screen, shared_kiosk):
    screen = open_screen(shared_kiosk, size=(1280, 800))
    screen.page.locator("#openDetails").click()
    wait_until(lambda: screen.ask("details.open"), "details open")
    screen.page.mouse.click(50, 400)
    wait_until(lambda: not screen.ask("details.open"), "details closed")


def test_what_does_not_fit_is_reached_by_the_button_and_by_the_keyboard(open_screen, shared_kiosk):
    screen = open_screen(shared_kiosk)
    screen.show("several outputs")
    wait_until(lambda: not screen.ask("more.hidden"), "the button")
    assert screen.ask("answerBody.tabIndex") == 0
    for _ in range(9):
        screen.page.locator("#more").click()
        if screen.ask(
            "answerBody.scrollTop + answerBody.clientHeight >= answerBody.scrollHeight - 1"
        ):
            break
    else:
        pytest.fail("the end is never reached")
    screen.page.locator("#more").click()
    assert screen.ask("answerBody.scrollTop") == 0
    screen.show("sure")
    wait_until(lambda: screen.ask("more.hidden"), "no button")
    assert screen.ask("answerBody.getAttribute('tabindex')") is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_enlarged_to_twice_the_size_nothing_is_lost(open_screen, shared_kiosk, language):
    """A screen of 1024 x 600 at 200 % has 512 x 300 CSS pixels: it scrolls down, never sideways."""
    screen = open_screen(shared_kiosk, size=(512, 300), language=language)
    for scene in (*OUTPUTS, "even", "source"):
        screen.show(scene)
        cut = screen.ask(
            """() => {
                const root = document.documentElement;
                const cut = [];
                if (root.scrollWidth > innerWidth) cut.push("the page is wider than the screen");
                for (const node of document.querySelectorAll("main *, header *, footer *")) {
                    const apart = ".answer:not(.has-answer) h2, svg";
                    if (!node.checkVisibility() || node.closest(apart)) continue;
                    const box = node.getBoundingClientRect();
                    if (box.left < -1 || box.right > innerWidth + 1) cut.push(node.outerHTML);
                    const style = getComputedStyle(node);
                    if (style.overflow === "hidden" && node.className !== "model-name" &&
                        node.scrollHeight > node.clientHeight + 1) cut.push(node.outerHTML);
                }
                return cut;
            }"""
        )
        assert cut == [], scene
        notice = screen.page.locator("footer .notice").bounding_box()
        assert notice["y"] + notice["height"] <= 301


def test_a_screen_reader_is_told_what_changes_and_not_every_answer(open_screen, shared_kiosk):
    shared_kiosk.order(scene="classification")
    screen = open_screen(shared_kiosk)
    screen.wait_for_scene("classification")
    said = "document.querySelector('[aria-live]').textContent"
    wait_until(lambda: screen.ask(said) == "Most likely: bacterial pneumonia", "the answer said")
    screen.ask("""() => {
        window.sayings = 0;
        new MutationObserver(() => { window.sayings += 1; })
            .observe(announcer, { childList: true, characterData: true, subtree: true });
    }""")
    shared_kiosk.order(rate_hz=30)
    screen.page.wait_for_timeout(2000)
    assert screen.ask("sayings") == 0
    shared_kiosk.order(rate_hz=0)
    screen.show("frozen")
    wait_until(lambda: "frozen" in screen.ask(said), "the gate said")
    assert screen.ask("sayings") <= 4
    inside = screen.ask(
        "document.querySelector('#answer [aria-live], main [role=alert]:not(form *)')"
    )
    assert inside is None


def test_parts_have_names_for_a_screen_reader(open_screen, shared_kiosk):
    screen = open_screen(shared_kiosk, language="zh")
    screen.show("classification")
    page = screen.page
    assert page.get_by_role("heading", name="分析结果").count() == 1
    assert page.get_by_role("region", name="分析结果").count() == 1
    assert page.get_by_role("img", name="摄像头实时画面").count() == 1
    assert page.get_by_role("group", name="语言").count() == 1
    assert page.get_by_role("button", name="详情").count() == 1
    screen.show("frozen")
    assert page.get_by_role("heading", name="无结果").count() == 1


def test_who_wants_less_motion_gets_none(open_screen, shared_kiosk):
    screen = open_screen(shared_kiosk)
    screen.show("classification")
    script = "getComputedStyle(document.querySelector('.bar-fill')).transitionDuration"
    assert screen.ask(script) == "0s"
    screen.page.emulate_media(reduced_motion="no-preference")
    assert screen.ask(script) != "0s"
