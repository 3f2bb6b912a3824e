"""The words of labelled data, held against the labels of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.source_name import show_source

if TYPE_CHECKING:
    from edge.bundle.manifest import Output

__all__ = ["match_class_names", "match_labels", "plain_name", "read_flag"]

_NOTHING = frozenset(
    {"nofinding", "nofindings", "none", "normal", "negative", "no", "healthy", "other"}
)
"""What data calls an example of which no label of a multilabel model is true."""

_FLAGS = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "y", "positive"), 1.0),
    **dict.fromkeys(("0", "0.0", "false", "no", "n", "negative"), 0.0),
    **dict.fromkeys(("", "-1", "-1.0", "nan", "na", "none", "unknown"), float("nan")),
}
_MOST_SHOWN = 6


def plain_name(text: str) -> str:
    """A label without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", text.strip().casefold())


def read_flag(text: str) -> float | None:
    """1.0, 0.0, NaN for not known; None for a word that says none of these."""
    return _FLAGS.get(text.strip().casefold())


def match_labels(
    words: Iterable[str], labels: Sequence[str], renamed: Mapping[str, str]
) -> dict[str, int]:
    """The position of the label that each word means; words that mean none are left out."""
    positions = {plain_name(label): at for at, label in enumerate(labels)}
    found: dict[str, int] = {}
    for word in words:
        at = positions.get(plain_name(renamed.get(word, word)))
        if at is not None:
            found[word] = at
    return found


def match_class_names(
    words: Sequence[str], output: Output, renamed: Mapping[str, str], source: Path
) -> dict[str, float | NDArray[np.float64]]:
    """What is true of an example that data calls by a word.

    Args:
        words: each different word of the data.
        output: classification or multilabel.
        renamed: the model's label by the data's.
        source: for messages.

    Returns:
        By word: the label's position; for multilabel a row of 0 and 1.

    Raises:
        InputError: a word means no label.
    """
    found = match_labels(words, output.labels, renamed)
    if output.kind == "classification":
        _refuse_strangers([word for word in words if word not in found], output, source)
        return {word: float(at) for word, at in found.items()}
    rows: dict[str, float | NDArray[np.float64]] = {}
    strangers: list[str] = []
    for word in words:
        parts = [part.strip() for part in word.split("|") if part.strip()]
        positions = match_labels(parts, output.labels, renamed)
        strangers += [
            part
            for part in parts
            if part not in positions and plain_name(renamed.get(part, part)) not in _NOTHING
        ]
        row = np.zeros(len(output.labels))
        row[list(positions.values())] = 1.0
        rows[word] = row
    _refuse_strangers(list(dict.fromkeys(strangers)), output, source)
    return rows


def _refuse_strangers(strangers: Sequence[str], output: Output, source: Path) -> None:
    if not strangers:
        return
    raise InputError(
        f"{show_source(str(source))}: label {_list(strangers)} not among the model's "
        f"({_list(output.labels)}); say what it means with --data-label '{strangers[0]}=LABEL', "
        "or choose another column with --data-columns label=..."
    )


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_MOST_SHOWN])
    rest = len(names) - _MOST_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
