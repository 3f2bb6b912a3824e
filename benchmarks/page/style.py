"""The page's style: light and dark by the reader's setting, black on white in print."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --page: #fcfcfb; --ink: #14171a; --soft: #5a6169;
  --line: #d9dcdf; --one: #0b63c5; --two: #c2500a; --three: #0a7d5a; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --ink: #eceff1; --soft: #a3abb3;
  --line: #363c42; --one: #6cb0ff; --two: #ff9a57; --three: #4cc9a0; --bad: #ff8a80; } }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .3rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .2rem; } p { margin: .3rem 0; max-width: 48rem; }
.soft { color: var(--soft); } .bad { color: var(--bad); } b.valid { color: var(--three); }
ul { margin: .3rem 0; padding-left: 1.2rem; } .scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .9rem .2rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { max-width: 100%; height: auto; display: block; margin: .3rem 0; }
svg text { fill: var(--soft); font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
svg text.name { fill: var(--ink); }
.grid { stroke: var(--line); stroke-width: 1; } .mark { stroke: var(--ink); stroke-width: 1;
  stroke-dasharray: 4 3; }
.bar { fill: var(--one); } .bar.cold { fill: var(--two); } .range { fill: var(--one);
  fill-opacity: .25; } .curve { fill: none; stroke: var(--one); stroke-width: 1.5; }
.curve.two { stroke: var(--two); } .curve.three { stroke: var(--three); }
@media print { :root { --page: #fff; --ink: #000; --soft: #444; --line: #bbb; }
  h2 { break-before: page; } main { max-width: none; padding: 0; } }
"""
