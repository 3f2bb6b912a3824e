"""A real Chromium for the tests of the page, and kiosks for it to show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from played_kiosk import PlayedKiosk
from screen import Screen

OpenScreen = Callable[..., Screen]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chest X-ray as a JPEG, as the snapshot gives it."""
    import cv2

    source = Path(__file__).parents[4] / "docs" / "samples" / "bacterial.png"
    path = tmp_path_factory.mktemp("film") / "film.jpg"
    picture = cv2.resize(cv2.imread(str(source)), (640, 640), interpolation=cv2.INTER_CUBIC)
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return path


@pytest.fixture(scope="module")
def shared_kiosk(film: Path) -> Iterator[PlayedKiosk]:
    """One kiosk for the tests that do it no harm."""
    kiosk = PlayedKiosk()
    kiosk.order(scene="classification", picture=str(film))
    yield kiosk
    kiosk.stop()


@pytest.fixture
def own_kiosk(film: Path) -> Iterator[PlayedKiosk]:
    """A kiosk that the test may end."""
    kiosk = PlayedKiosk()
    kiosk.order(scene="classification", picture=str(film))
    yield kiosk
    kiosk.stop()


@pytest.fixture
def open_screen(browser) -> Iterator[OpenScreen]:
    """Open the page of a kiosk; see `Screen`."""
    contexts = []

    def open_one(
        kiosk: PlayedKiosk,
        *,
        size: tuple[int, int] = (1024, 600),
        language: str = "en",
        theme: str = "light",
        path: str = "/",
    ) -> Screen:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale={"en": "en-GB", "zh": "zh-CN"}[language],
            color_scheme=theme,
            reduced_motion="reduce",
        )
        contexts.append(context)
        return Screen(context, kiosk, path)

    yield open_one
    for context in contexts:
        context.close()
