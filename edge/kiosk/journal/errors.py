"""What may go wrong with a journal."""

from __future__ import annotations

from edge.errors import GateError, OutputError

__all__ = ["BrokenChainError", "JournalError"]


class JournalError(OutputError):
    """An entry is not in the journal, or the journal cannot be opened."""

    code = "journal"


class BrokenChainError(GateError):
    """A line is not the one that was written there; the message says which."""

    code = "journal_broken"
