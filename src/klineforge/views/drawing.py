"""What charts have in common: one look, panels over the same time, trading sessions, shaded hours.

A figure is put together as plain dictionaries and made at once: plotly checks every property that is set later on
again, which takes longer than reading the lake. Times go in as NumPy arrays for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import plotly.graph_objects as go
import polars as pl

from klineforge.domain.hours import Span
from klineforge.views.theme import Theme, template

SHADED_UP_TO: Final = timedelta(days=14)
"""Range up to which trading sessions are shaded; over a longer one they would be a pattern of stripes."""
_BETWEEN: Final = 0.04
_SHADES: Final = "y20"


class Session(NamedTuple):
    """Hours of a day in which a part of the world trades, ``[first, end)`` in UTC, by ``dim_timestamp``."""

    name: str
    first: int
    end: int
    colour: str


SESSIONS: Final = (Session("Asia", 0, 8, "violet"), Session("Europe", 7, 16, "teal"), Session("US", 13, 21, "orange"))


class Canvas:
    """A figure in the making.

    Args:
        theme: Colours.
        height: Pixels.
        panels: Shares of the height of the panels one below the other, from above; they share the horizontal axis.
    """

    def __init__(self, theme: Theme, height: int, panels: Sequence[float] = (1.0,)) -> None:
        self.theme = theme
        self.height = height
        self._traces: list[dict[str, Any]] = []
        self._shapes: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        last = "y" if len(panels) == 1 else f"y{len(panels)}"
        self._layout: dict[str, Any] = {"template": template(theme), "height": height, "xaxis": {"anchor": last}}
        room = (1 - _BETWEEN * (len(panels) - 1)) / sum(panels)
        top = 1.0
        for panel, share in enumerate(panels):
            self._layout[_axis(panel)] = {"domain": [max(0.0, top - share * room), top], "anchor": "x"}
            top -= share * room + _BETWEEN

    def add(self, trace: dict[str, Any], panel: int | None = 0) -> None:
        """Add a trace as plotly describes it.

        Args:
            trace: With its ``type``.
            panel: Where, from above; None for a trace without axes, such as a pie.
        """
        axes = {} if panel is None else {"xaxis": "x", "yaxis": _short(panel)}
        self._traces.append({**axes, **trace})

    def line(
        self,
        x: pl.Series,
        y: pl.Series,
        name: str,
        colour: str,
        *,
        panel: int = 0,
        width: float = 1.5,
        scale: float = 1,
    ) -> None:
        """Add a line; nulls leave it open.

        Args:
            x: Times.
            y: Values.
            name: In the legend.
            colour: Of the line.
            panel: Where, from above.
            width: Pixels.
            scale: What values are multiplied by; 100 draws fractions as percentages.
        """
        drawn = {"color": colour, "width": width}
        values = numbers(y) * scale
        self.add({"type": "scatter", "mode": "lines", "x": times(x), "y": values, "name": name, "line": drawn}, panel)

    def bars(self, x: pl.Series, y: np.ndarray, name: str, colour: str | list[str], *, panel: int = 0) -> None:
        """Add bars.

        Args:
            x: Times.
            y: Heights.
            name: In the legend.
            colour: Of all, or of each.
            panel: Where, from above.
        """
        marker = {"color": colour, "line": {"width": 0}}
        self.add({"type": "bar", "x": times(x), "y": y, "name": name, "marker": marker}, panel)

    def level(self, y: float, colour: str, text: str = "", *, panel: int = 0, dash: str = "dash") -> None:
        """Add a horizontal line over the whole width.

        Args:
            y: Where.
            colour: Of the line and its text.
            text: Above its left end.
            panel: Which panel, from above.
            dash: ``solid``, ``dash`` or ``dot``.
        """
        axis = _short(panel)
        line = {"color": colour, "width": 1, "dash": dash}
        self._shapes.append(
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "y0": y, "y1": y, "line": line}
        )
        if text:
            place = {"xref": "paper", "x": 0.005, "xanchor": "left", "yref": axis, "y": y, "yanchor": "bottom"}
            font = {"color": colour, "size": 11}
            self._annotations.append({**place, "text": text, "showarrow": False, "font": font})

    def axis(self, panel: int = 0, **options: Any) -> None:
        """Set properties of a panel's vertical axis."""
        self._layout[_axis(panel)].update(options)

    def layout(self, **options: Any) -> None:
        """Set properties of the whole figure."""
        self._layout.update(options)

    def shade_sessions(self, start: datetime, end: datetime) -> bool:
        """Shade the trading sessions behind the first panel; the legend switches them on and off.

        Args:
            start: First hour, UTC.
            end: End of the hours, UTC, exclusive.

        Returns:
            Whether they were shaded; over more than ``SHADED_UP_TO`` they are not.
        """
        if end - start > SHADED_UP_TO:
            return False
        for session in SESSIONS:
            colour = self.theme.faint(getattr(self.theme, session.colour), 0.10)
            self.shade(_session_spans(session, start, end), f"{session.name} session", colour)
        return True

    def shade(self, spans: Iterable[Span], name: str, colour: str) -> None:
        """Shade ranges of hours behind the first panel: one trace for all, so that the legend can switch them off.

        Args:
            spans: Which hours; none draws nothing.
            name: In the legend.
            colour: See-through.
        """
        x: list[np.datetime64] = []
        y: list[float] = []
        for span in spans:
            opened, closed = instant(span.start), instant(span.end)
            x += [opened, opened, closed, closed, np.datetime64("NaT", "us")]
            y += [0, 1, 1, 0, np.nan]
        if not x:
            return
        self._layout["yaxis20"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
        self._traces.append(
            {
                "type": "scatter",
                "x": np.array(x),
                "y": np.array(y),
                "xaxis": "x",
                "yaxis": _SHADES,
                "mode": "none",
                "fill": "toself",
                "fillcolor": colour,
                "name": name,
                "hoverinfo": "skip",
                "legendrank": 2000,
            }
        )

    def figure(self) -> go.Figure:
        """The figure."""
        layout = {**self._layout, "shapes": self._shapes, "annotations": self._annotations}
        return go.Figure(data=self._traces, layout=layout)


def times(values: pl.Series) -> np.ndarray:
    """Instants as plotly draws them: UTC, without a zone."""
    return values.cast(pl.Datetime("us")).to_numpy()


def numbers(values: pl.Series) -> np.ndarray:
    """Numbers as plotly draws them; null is not-a-number."""
    return values.cast(pl.Float64).to_numpy()


def instant(moment: datetime) -> np.datetime64:
    """An instant as plotly draws it: UTC, without a zone."""
    return np.datetime64(moment.replace(tzinfo=None), "us")


def _session_spans(session: Session, start: datetime, end: datetime) -> Iterable[Span]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range((end - midnight) // timedelta(days=1) + 1):
        opened = midnight + timedelta(days=day, hours=session.first)
        closed = midnight + timedelta(days=day, hours=session.end)
        if opened < end and closed > start:
            yield Span(max(opened, start), min(closed, end))


def _axis(panel: int) -> str:
    return f"yaxis{panel + 1}" if panel else "yaxis"


def _short(panel: int) -> str:
    return f"y{panel + 1}" if panel else "y"
