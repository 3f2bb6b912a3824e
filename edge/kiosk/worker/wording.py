"""Messages as they may be told: they are logged, shown and kept in the memory of a service."""

from __future__ import annotations

from edge.source_name import show_source
from edge.sources.base import without_credentials

__all__ = ["Wording"]

_MOST_CHARACTERS = 500


class Wording:
    """Makes a message one line without the source's password.

    The sources themselves hide passwords and names of files already; this holds also for what a
    library says.

    Args:
        address: of the source, credentials included; "" for none.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._shown = without_credentials(address)

    def clean(self, text: str, *, file_name: str = "") -> str:
        """The message, printable and cut to a length that nothing minds.

        Args:
            text: any text, undecodable names of files included.
            file_name: of the picture that it is about: it may be a patient's.
        """
        if self._address != self._shown:
            text = text.replace(self._address, self._shown)
        if file_name:
            text = text.replace(file_name, "the file")
        return show_source(" ".join(text.split()))[:_MOST_CHARACTERS]
