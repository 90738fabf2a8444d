"""The pages' colours and fonts as Streamlit's options, and the little style that has none."""

from __future__ import annotations

from typing import Final, get_args

from klineforge.views.page import Tone
from klineforge.views.theme import DARK, LIGHT, THEMES, Theme

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0B0F14"/>'
    '<path d="M5 3v10M11 2v9" stroke="#9DA7B3"/><rect x="3.5" y="5" width="3" height="5" fill="#FF5252"/>'
    '<rect x="9.5" y="4" width="3" height="5" fill="#00E676"/></svg>'
)
"""The browser's tab; a picture by name would be fetched from another host."""
_SHARED: Final = {"font": "sans-serif", "baseRadius": "12px", "showWidgetBorder": "true"}


def theme_options() -> dict[str, str]:
    """Options of the server; which of the two themes is shown follows the browser, and the menu changes it."""
    options = {f"theme.{name}": value for name, value in _SHARED.items()}
    for theme in THEMES.values():
        colours = _colours(theme)
        options |= {f"theme.{theme.name}.{name}": value for name, value in colours.items()}
        sidebar = {**colours, "backgroundColor": theme.card}
        options |= {f"theme.{theme.name}.sidebar.{name}": sidebar[name] for name in ("backgroundColor", "borderColor")}
    return options


def theme_named(name: str | None) -> Theme:
    """The theme that a browser shows; dark until it has said so."""
    return LIGHT if name == "light" else DARK


def tone_style(theme: Theme) -> str:
    """Style of figures by their tone, and of the app's frame.

    Args:
        theme: Colours.
    """
    tones: tuple[Tone, ...] = get_args(Tone)
    figures = "\n".join(
        f'[class*="st-key-kpi-{tone}-"] [data-testid="stMetricValue"] {{color: {theme.tone(tone)};}}' for tone in tones
    )
    return f"""
<style>
{figures}
[data-testid="stMetric"] {{background: {theme.card}; border-color: {theme.border}; padding: 0 !important;}}
[data-testid="stMetricLabel"] * {{white-space: normal !important;}}
[data-testid="stMetricValue"] {{font-size: 1.65rem; font-weight: 600; line-height: 1.25;}}
[data-testid="stMetricDelta"] {{color: {theme.muted} !important; background: none !important; padding-left: 0;
    white-space: normal; font-size: .8rem;}}
[data-testid="stMetricDelta"] div, [data-testid="stMetricDelta"] p {{color: {theme.muted} !important;
    white-space: normal; overflow: visible;}}
[class*="st-key-block-"] {{background: {theme.card}; border: 1px solid {theme.border}; border-radius: 12px;
    padding: .8rem .9rem;}}
[data-testid="stMultiSelect"] [data-tag] {{background: {theme.border} !important; color: {theme.text} !important;}}
[data-testid="stMultiSelect"] [data-tag] * {{color: {theme.text} !important;}}
h1 {{font-size: 2rem !important; padding: .2rem 0 0 !important;}}
h2 {{font-size: 1.3rem !important; padding: .8rem 0 .1rem !important; color: {theme.soft};}}
h3 {{font-size: 1.05rem !important; padding: 0 !important;}}
.stMainBlockContainer {{padding-top: 4rem; padding-bottom: 3rem; max-width: 1500px;}}
@media (max-width: 640px) {{
    .stMainBlockContainer {{padding-left: .8rem; padding-right: .8rem;}}
    [data-testid="stMetricValue"] {{font-size: 1.3rem;}}
    h1 {{font-size: 1.6rem !important;}}
}}
</style>
"""


def _colours(theme: Theme) -> dict[str, str]:
    return {
        "primaryColor": theme.accent,
        "backgroundColor": theme.page,
        "secondaryBackgroundColor": theme.card if theme.name == "dark" else "#EAEEF2",
        "textColor": theme.text,
        "borderColor": theme.border,
        "linkColor": theme.blue,
        "redColor": theme.red,
        "greenColor": theme.green,
        "blueColor": theme.blue,
        "orangeColor": theme.orange,
        "violetColor": theme.violet,
        "grayColor": theme.grey,
        "yellowColor": theme.accent,
    }
