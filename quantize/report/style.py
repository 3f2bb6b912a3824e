"""The page's style: light and dark by the reader's setting, black on white in print."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark;
  --page: #fcfcfb; --card: #ffffff; --ink: #14171a; --soft: #5a6169; --line: #d9dcdf;
  --reference: #6b7280; --one: #0b63c5; --two: #c2500a; --three: #0a7d5a; --four: #7a3db8;
  --bad: #b3261e; --bad-page: #fdecea; --warn: #8a5a00; --warn-page: #fff4dc; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171a; --card: #1c2024; --ink: #eceff1; --soft: #a3abb3; --line: #363c42;
  --reference: #9aa3ad; --one: #6cb0ff; --two: #ff9a57; --three: #4cc9a0; --four: #c79bf2;
  --bad: #ff8a80; --bad-page: #3a1f1d; --warn: #ffcf70; --warn-page: #382d14; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
a { color: var(--one); }
section { break-inside: avoid-page; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .7rem;
  margin: 1rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.35rem; line-height: 1.3; font-weight: 600; }
.finding { border-left: 4px solid var(--line); padding: .35rem .7rem; margin: .35rem 0; }
.finding.refused, .finding.overruled { border-color: var(--bad); background: var(--bad-page); }
.finding.warning { border-color: var(--warn); background: var(--warn-page); }
.finding b { text-transform: capitalize; }
.plots { display: flex; flex-wrap: wrap; gap: .5rem; margin: .6rem 0; }
.plots > svg { flex: 0 0 auto; width: 220px; }
svg { max-width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .88rem; width: 100%; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 400; overflow-wrap: break-word; min-width: 7.5rem; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number:has(.bounds) { white-space: normal; } .bounds { white-space: nowrap; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--one); }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .85em;
  overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .4rem 0; padding: 0;
  list-style: none; font-size: .88rem; }
.legend svg { display: inline-block; vertical-align: middle; margin-right: .4rem; }
svg text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg text.tick { fill: var(--soft); font-size: 11px; }
svg text.value { font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); stroke-width: 1; }
.zero { stroke: var(--soft); stroke-width: 1; }
.diagonal { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 4; }
.seen { stroke: var(--ink); stroke-width: 1.5; }
.whisker { stroke-width: 2; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.bar.reference, .point.reference { fill: var(--reference); }
.bar.one, .point.one { fill: var(--one); } .bar.two, .point.two { fill: var(--two); }
.bar.three, .point.three { fill: var(--three); } .bar.four, .point.four { fill: var(--four); }
.curve.reference, .whisker.reference { stroke: var(--reference); }
.curve.one, .whisker.one { stroke: var(--one); }
.curve.two, .whisker.two { stroke: var(--two); } .curve.two { stroke-dasharray: 7 3; }
.curve.three, .whisker.three { stroke: var(--three); } .curve.three { stroke-dasharray: 2 3; }
.curve.four, .whisker.four { stroke: var(--four); } .curve.four { stroke-dasharray: 9 3 2 3; }
.covered.one { fill: var(--one); fill-opacity: .35; }
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --reference: #666; --one: #0b63c5; --two: #c2500a; --three: #0a7d5a; --four: #7a3db8;
    --bad-page: #fff; --warn-page: #fff; }
  nav, summary { display: none; } main { max-width: none; padding: 0; }
  body { font-size: 10.5pt; } .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; } }
"""
