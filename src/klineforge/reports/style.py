"""The look of the report, on screen and on A4 landscape."""

from __future__ import annotations

from klineforge.views.theme import FONT, Theme

_RULES = """
* { box-sizing: border-box; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
html { background: var(--page); color: var(--text); font: 13px/1.45 var(--font); }
body { margin: 0; }
main { max-width: 1560px; margin: 0 auto; padding: 0 28px; }
.sheet { padding: 22px 0; }
.sheet + .sheet { border-top: 1px solid var(--border); }
h1 { font-size: 24px; margin: 2px 0; }
h2 { font-size: 15px; margin: 14px 0 6px; color: var(--soft); }
.made, .about, .note { color: var(--muted); margin: 2px 0; font-size: 12px; }
.notice { margin: 4px 0; padding: 4px 10px; border-left: 3px solid var(--border); background: var(--card); }
.notice { font-size: 12px; }
.notice.warn { border-color: var(--warn); }
.notice.bad { border-color: var(--bad); }
.kpis { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 12px 0; }
.kpi, .block, .words { background: var(--card); border: 1px solid var(--border); }
.kpi, .block, .words { border-radius: 12px; padding: 10px 14px; }
.kpi p { margin: 0; }
.label { color: var(--soft); font-size: 12px; }
.figure { font-size: 22px; font-weight: 600; overflow-wrap: anywhere; }
.blocks { display: grid; gap: 12px; }
.blocks > * { min-width: 0; margin: 0; }
.columns-2 { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.columns-3 { grid-template-columns: repeat(3, minmax(0, 1fr)); }
figcaption { font-weight: 600; margin-bottom: 6px; }
.rows { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 11.5px; font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 500; border-bottom: 1px solid var(--border); vertical-align: bottom; }
th, td { padding: 3px 7px; }
td { border-bottom: 1px solid var(--border); white-space: nowrap; }
.left { text-align: left; }
.right { text-align: right; }
.bar { background: linear-gradient(to right, var(--faint) var(--bar), transparent var(--bar)); }
.spark polyline { fill: none; stroke: currentColor; stroke-width: 1.4; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.accent { color: var(--accent); } .muted { color: var(--muted); }
.notice.bad, .notice.warn { color: var(--text); }
a { color: inherit; text-decoration: none; border-bottom: 1px dotted var(--muted); }
dl { display: grid; grid-template-columns: minmax(120px, 200px) 1fr; gap: 5px 16px; font-size: 12px; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
code { color: var(--muted); font-size: 11px; }
.words { color: var(--soft); font-size: 12px; }
.words p { margin: 0 0 6px; }
@media screen and (max-width: 760px) {
  main { padding: 0 12px; }
  .columns-2, .columns-3, dl { grid-template-columns: minmax(0, 1fr); }
}
@page { size: A4 landscape; margin: 9mm 0; background: var(--page); }
@media print {
  main { zoom: 0.72; }
  .sheet { padding: 0; border: 0 !important; }
  .sheet + .sheet { break-before: page; }
  .block, .kpi, .notice, dt, dd, tr { break-inside: avoid; }
  h1, h2, figcaption, header { break-after: avoid; }
  .rows { overflow: visible; }
}
"""


def style(theme: Theme) -> str:
    """The style sheet.

    Args:
        theme: Colours.
    """
    colours = {
        "page": theme.page,
        "card": theme.card,
        "border": theme.border,
        "text": theme.text,
        "soft": theme.soft,
        "muted": theme.muted,
        "accent": theme.accent,
        "good": theme.green,
        "bad": theme.red,
        "warn": theme.orange,
        "faint": theme.faint(theme.blue, 0.25),
        "font": FONT,
    }
    declared = " ".join(f"--{name}: {value};" for name, value in colours.items())
    rules = _RULES.replace("background: var(--page); }\n@media print", f"background: {theme.page}; }}\n@media print")
    return f":root {{ {declared} }}\n{rules}"
