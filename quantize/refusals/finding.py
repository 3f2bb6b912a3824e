"""One reason not to ship, in a form that a user can overrule by name."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FINDINGS", "Finding"]

FINDINGS = (
    "constant-output",
    "few-calibration-examples",
    "input-barely-varies",
    "input-saturates",
    "too-few-for-claim",
    "unlike-reference",
    "unlike-training-data",
    "untrained-normalisation",
    "untrained-weights",
    "unusual-first-layer",
)
"""All names; docs/calibration.md says what each means."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a model or its examples that should not be so.

    Attributes:
        name: stable, in words joined by "-"; what a user names to accept it all the same.
        message: one line: what, the values seen, and the way out.
        is_fatal: whether to refuse; otherwise it is told and nothing more.
    """

    name: str
    message: str
    is_fatal: bool

    def __post_init__(self) -> None:
        """A finding that could not be accepted by its name is a mistake of ours."""
        if self.name not in FINDINGS:
            raise ValueError(f"'{self.name}' is not among the findings; add it to FINDINGS")
