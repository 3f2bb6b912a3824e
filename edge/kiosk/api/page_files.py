"""The files of the kiosk's page, as they lie in the package."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response  # noqa: TID253 - only `edge-kiosk serve` comes here

from edge.kiosk.api.problems import ProblemError

__all__ = ["PAGE_FOLDER", "PageFiles"]

PAGE_FOLDER = Path(__file__).parents[1] / "page"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What is not one of these is not served, whatever lies in the folder."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class PageFiles:
    """Files by the name under `/page/`; `/` is `index.html`.

    Args:
        folder: where they lie. What may be asked for is listed once, so that no path of a
            request ever reaches the file system; what they hold is read each time.
    """

    def __init__(self, folder: Path = PAGE_FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): path
            for path in folder.rglob("*")
            if path.suffix in _TYPES and path.is_file()
        }

    def response(self, name: str) -> Response:
        """The file.

        Raises:
            ProblemError: 404; 503 where it cannot be read now, as while an update replaces it.
        """
        path = self._files.get(name)
        if path is None:
            raise ProblemError(404, "not_found", f"the page has no file {name!r}")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ProblemError(
                503,
                "page_unreadable",
                f"{name} of the page cannot be read ({error.strerror}); install edgedx again",
                {"Retry-After": "2"},
            ) from error
        return Response(
            content,
            media_type=_TYPES[path.suffix],
            headers={"Content-Security-Policy": _POLICY},
        )
