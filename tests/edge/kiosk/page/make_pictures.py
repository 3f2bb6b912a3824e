"""Makes the pictures of the page in docs/: `python tests/edge/kiosk/page/make_pictures.py`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import cv2
from played_kiosk import PlayedKiosk
from screen import Screen, wait_until

DOCS = Path(__file__).parents[4] / "docs"
SIZE = {"width": 1024, "height": 600}
PICTURES = (
    ("kiosk-page.png", "classification", "en-GB", "live"),
    ("kiosk-page-no-result.png", "frozen", "zh-CN", "none"),
)
MOST_BYTES = 200_000


def main() -> None:
    """Write them."""
    from playwright.sync_api import sync_playwright

    kiosk = PlayedKiosk()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = Path(folder) / "film.jpg"
        pixels = cv2.imread(str(DOCS / "samples" / "bacterial.png"))
        pixels = cv2.resize(pixels, (640, 640), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(film), pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, scene, locale, picture in PICTURES:
            context = browser.new_context(viewport=SIZE, locale=locale, reduced_motion="reduce")
            kiosk.order(scene=scene, picture=str(film))
            screen = Screen(context, kiosk)
            screen.wait_for_scene(scene)
            wait_until(lambda s=screen, p=picture: s.picture == p, f"picture {picture}")
            _save(screen.page.screenshot(), DOCS / name)
        browser.close()
    kiosk.stop()


def _save(png: bytes, path: Path) -> None:
    """As small as PNG gets without a change that could be seen."""
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert path.stat().st_size <= MOST_BYTES, f"{path.name}: {path.stat().st_size} bytes"


if __name__ == "__main__":
    main()
