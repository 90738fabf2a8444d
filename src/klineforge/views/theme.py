"""Colours of the pages, dark and light, and the look of their charts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import plotly.graph_objects as go

from klineforge.views.page import Tone

ThemeName = Literal["dark", "light"]
FONT: Final = '"Segoe UI", system-ui, -apple-system, "Helvetica Neue", "DejaVu Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours, as ``#RRGGBB``. Text has a contrast of at least 4.5 to 1 on page and card.

    Args:
        name: ``dark`` or ``light``.
        page: Behind everything.
        card: Behind figures and charts.
        border: Lines around cards, grid of charts.
        text: Headings and figures.
        soft: Labels.
        muted: Notes, axes.
        accent: What is selected or stands out.
        green: Gains, calm.
        red: Losses, stress.
        blue: The first series, volume.
        violet: A second one.
        teal: A third one.
        orange: Warnings.
        grey: What counts less.
    """

    name: ThemeName
    page: str
    card: str
    border: str
    text: str
    soft: str
    muted: str
    accent: str
    green: str
    red: str
    blue: str
    violet: str
    teal: str
    orange: str
    grey: str

    @property
    def series(self) -> tuple[str, ...]:
        """Colours of lines, in order; more lines than colours begin again."""
        return (self.blue, self.accent, self.violet, self.teal, self.orange, self.green, self.red, self.grey)

    @property
    def diverging(self) -> tuple[tuple[float, str], ...]:
        """Colours from -1 to 1 for correlations: low and negative green, zero neutral, high red."""
        return ((0.0, self.green), (0.5, self.card), (1.0, self.red))

    @property
    def gains(self) -> tuple[tuple[float, str], ...]:
        """Colours from loss to gain: red, neutral, green."""
        return ((0.0, self.red), (0.5, self.card), (1.0, self.green))

    def tone(self, tone: Tone) -> str:
        """The colour of a tone."""
        colours: dict[Tone, str] = {
            "neutral": self.text,
            "good": self.green,
            "bad": self.red,
            "warn": self.orange,
            "accent": self.accent,
            "muted": self.muted,
        }
        return colours[tone]

    def faint(self, colour: str, opacity: float = 0.15) -> str:
        """A colour that lets what lies behind it shine through.

        Args:
            colour: ``#RRGGBB``.
            opacity: 0 to 1.
        """
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        return f"rgba({red},{green},{blue},{opacity})"


DARK: Final = Theme(
    name="dark",
    page="#0B0F14",
    card="#0D1117",
    border="#1F2933",
    text="#F0F6FC",
    soft="#D0D7DE",
    muted="#9DA7B3",
    accent="#FFD54F",
    green="#00E676",
    red="#FF5252",
    blue="#40C4FF",
    violet="#B388FF",
    teal="#1DE9B6",
    orange="#FF8A65",
    grey="#90A4AE",
)
LIGHT: Final = Theme(
    name="light",
    page="#F6F8FA",
    card="#FFFFFF",
    border="#D0D7DE",
    text="#1F2328",
    soft="#424A53",
    muted="#59636E",
    accent="#8A5A00",
    green="#1A7F37",
    red="#C4232B",
    blue="#0969DA",
    violet="#7A3FC4",
    teal="#0B7A75",
    orange="#B4460A",
    grey="#57606A",
)
THEMES: Final[dict[ThemeName, Theme]] = {"dark": DARK, "light": LIGHT}


@cache
def template(theme: Theme) -> go.layout.Template:
    """The look of every chart in a theme."""
    axis = {
        "gridcolor": theme.border,
        "zerolinecolor": theme.border,
        "linecolor": theme.border,
        "tickfont": {"color": theme.muted, "size": 11},
        "title": {"font": {"color": theme.muted, "size": 12}},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": theme.card,
            "plot_bgcolor": theme.card,
            "font": {"family": FONT, "color": theme.soft, "size": 12},
            "colorway": list(theme.series),
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": theme.card, "bordercolor": theme.border, "font": {"color": theme.text}},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "font": {"color": theme.soft}},
            "xaxis": axis,
            "yaxis": axis,
            "dragmode": "zoom",
        }
    )
