"""The page as somebody before the screen sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from page_scenes import OUTPUTS, card_for, latest_for
from played_kiosk import PlayedKiosk

__all__ = ["Screen", "wait_until"]

_DEADLINE_S = 40.0
_DIGEST_CHARACTERS = 12


def wait_until(condition: Callable[[], object], what: str, deadline_s: float = _DEADLINE_S) -> None:
    """Wait for a condition; fails with `what` did not happen."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.02)


class Screen:
    """One page in its own browser context.

    Attributes:
        page: playwright's page. Its `wait_for_function` needs `eval`, which the page's policy
            forbids, so this class asks again and again instead.
        addresses: of every request that was made.
        errors: what the console said is wrong, refused and missing resources left out.
    """

    def __init__(self, context: Any, kiosk: PlayedKiosk, path: str = "/") -> None:
        self.kiosk = kiosk
        self.addresses: list[str] = []
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(_DEADLINE_S * 1000)
        context.on("request", lambda request: self.addresses.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._hear)
        self.page.goto(kiosk.address + path)

    def _hear(self, message: Any) -> None:
        # Chromium writes every answer of 400 and more there, and every lost connection. What it
        # says of reading a canvas is about these tests.
        is_expected = message.text.startswith(("Failed to load resource", "Canvas2D"))
        if message.type in {"error", "warning"} and not is_expected:
            self.errors.append(message.text)

    def ask(self, script: str, argument: object = None) -> Any:
        """Evaluate JavaScript in the page; once more where the page is loaded anew meanwhile."""
        try:
            return self.page.evaluate(script, argument)
        except Exception as error:
            if "Execution context was destroyed" not in str(error):
                raise
            self.page.wait_for_load_state()
            return self.page.evaluate(script, argument)

    @property
    def state(self) -> str:
        """What the page is in, as it tells its style sheet."""
        return str(self.ask("document.documentElement?.dataset.state ?? ''"))

    @property
    def gate(self) -> str:
        """The gate it shows."""
        return str(self.ask("document.documentElement?.dataset.gate ?? ''"))

    @property
    def picture(self) -> str:
        """How it shows the picture: live, unusable, older or none."""
        return str(self.ask("preview.dataset.picture"))

    @property
    def answer(self) -> str:
        """All words in the place of the answer."""
        return str(self.ask("answer.innerText"))

    @property
    def words(self) -> str:
        """All words that can be seen."""
        return str(self.ask("document.body.innerText"))

    @property
    def canvas_light(self) -> int:
        """Sum over the picture's bytes; 0 where nothing is drawn."""
        script = """() => {
            const { width, height } = picture;
            const data = picture.getContext("2d").getImageData(0, 0, width, height).data;
            return data.reduce((sum, value) => sum + value, 0);
        }"""
        return int(self.ask(script))

    def show(self, scene: str) -> None:
        """Let the kiosk say what a scene says and wait until the page shows that.

        By way of "waiting", after which nothing is held back to keep the page calm.
        """
        self.kiosk.order(scene="waiting")
        self.wait_for_scene("waiting")
        self.kiosk.order(scene=scene)
        self.wait_for_scene(scene)

    def wait_for_scene(self, scene: str) -> None:
        """Wait until the page shows a scene."""
        if scene in OUTPUTS:
            digest = card_for(scene).model.digest[:_DIGEST_CHARACTERS]
            wait_until(
                lambda: self.state == "answered" and digest in self.words, f"answer of {scene}"
            )
        else:
            latest = latest_for(scene)
            wait_until(
                lambda: (self.state, self.gate) == (latest.state, latest.gate), f"scene {scene}"
            )

    def wait_for_state(self, state: str) -> None:
        """Wait until the page is in a state."""
        wait_until(lambda: self.state == state, f"state {state}, not {self.state}")
