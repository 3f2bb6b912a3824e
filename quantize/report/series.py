"""Which model has which colour and dash, the same in every plot of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from quantize.report.model import QuantizationReport
from quantize.report.plots.svg import IdSource, element

__all__ = ["PageContext", "legend", "page_context"]

_KINDS = ("one", "two", "three", "four")


@dataclass(frozen=True, slots=True)
class PageContext:
    """What all sections of a page share.

    Attributes:
        ids: identifiers.
        kinds: the class of each model by its name.
    """

    ids: IdSource
    kinds: Mapping[str, str]


def page_context(report: QuantizationReport) -> PageContext:
    """Give every model of a report its class: the first is the reference, others take turns."""
    names = [each.name for each in report.files]
    if report.evaluation is not None:
        names += [each.model for each in report.evaluation.models]
    names += [each.model for each in report.speed]
    return PageContext(IdSource(), _kinds(list(dict.fromkeys(names))))


def _kinds(names: Sequence[str]) -> dict[str, str]:
    found = dict.fromkeys(names[:1], "reference")
    found.update({name: _KINDS[at % len(_KINDS)] for at, name in enumerate(names[1:])})
    return found


def legend(page: PageContext, names: Sequence[str]) -> str:
    """A list of line samples and names."""
    items = []
    for name in names:
        kind = page.kinds[name]
        line = element("line", {"x1": 0, "x2": 28, "y1": 6, "y2": 6, "class": f"curve {kind}"})
        sample = element("svg", {"width": 28, "height": 12, "aria-hidden": "true"}, line)
        items.append(f"<li>{sample}{escape(name)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'
