"""What charts over time have in common: an empty figure in the theme's look, trading sessions, shaded hours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from klineforge.domain.hours import Span
from klineforge.views.theme import Theme, template

SHADED_UP_TO: Final = timedelta(days=14)
"""Range up to which trading sessions are shaded; over a longer one they would be a pattern of stripes."""


class Session(NamedTuple):
    """Hours of a day in which a part of the world trades, ``[first, end)`` in UTC, by ``dim_timestamp``."""

    name: str
    first: int
    end: int
    colour: str


SESSIONS: Final = (Session("Asia", 0, 8, "violet"), Session("Europe", 7, 16, "teal"), Session("US", 13, 21, "orange"))


def figure(theme: Theme, *, height: int = 320) -> go.Figure:
    """An empty figure in the theme's look.

    Args:
        theme: Colours.
        height: Pixels.
    """
    return go.Figure(layout={"template": template(theme), "height": height})


def stacked(theme: Theme, heights: Sequence[float], *, height: int) -> go.Figure:
    """Figures one below the other over the same time.

    Args:
        theme: Colours.
        heights: Share of each, from above.
        height: Pixels of all.
    """
    rows = make_subplots(rows=len(heights), cols=1, shared_xaxes=True, row_heights=list(heights), vertical_spacing=0.03)
    rows.update_layout(template=template(theme), height=height)
    return rows


def shade_sessions(drawn: go.Figure, start: datetime, end: datetime, theme: Theme) -> bool:
    """Shade the trading sessions behind a figure over time; the legend switches them on and off.

    Args:
        drawn: The figure; its first vertical axis is shaded over its whole height.
        start: First hour, UTC.
        end: End of the hours, UTC, exclusive.
        theme: Colours.

    Returns:
        Whether they were shaded; over more than ``SHADED_UP_TO`` they are not.
    """
    if end - start > SHADED_UP_TO:
        return False
    for session in SESSIONS:
        spans = _session_spans(session, start, end)
        _shade(drawn, spans, f"{session.name} session", theme.faint(getattr(theme, session.colour), 0.10))
    return True


def shade_spans(drawn: go.Figure, spans: Iterable[Span], name: str, colour: str) -> None:
    """Shade ranges of hours behind a figure over time, under one name in the legend.

    Args:
        drawn: The figure.
        spans: Which hours.
        name: In the legend.
        colour: See-through.
    """
    _shade(drawn, [(span.start, span.end) for span in spans], name, colour)


def _session_spans(session: Session, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (end - midnight) // timedelta(days=1) + 1
    spans = []
    for day in range(days):
        opened = midnight + timedelta(days=day, hours=session.first)
        closed = midnight + timedelta(days=day, hours=session.end)
        if opened < end and closed > start:
            spans.append((max(opened, start), min(closed, end)))
    return spans


def _shade(drawn: go.Figure, spans: Sequence[tuple[datetime, datetime]], name: str, colour: str) -> None:
    """One trace for all spans: shapes would be many, and the legend could not switch them off."""
    if not spans:
        return
    x: list[datetime | None] = []
    y: list[float | None] = []
    for opened, closed in spans:
        x += [opened, opened, closed, closed, None]
        y += [0, 1, 1, 0, None]
    drawn.add_trace(
        go.Scatter(
            x=x,
            y=y,
            yaxis="y20",
            mode="none",
            fill="toself",
            fillcolor=colour,
            name=name,
            hoverinfo="skip",
            legendrank=2000,
        )
    )
    drawn.update_layout(
        yaxis20={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True, "showgrid": False}
    )
