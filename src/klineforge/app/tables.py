"""A table of a page as Streamlit's data frame: sortable by the figures, written as everywhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import pandas as pd
import polars as pl
import streamlit as st

from klineforge.app.definitions import explained
from klineforge.domain.writing import NOTHING, Format, written
from klineforge.views.page import Column, Table, Tone
from klineforge.views.theme import Theme

STYLED_UP_TO: Final = 400
"""Rows up to which every cell is written by our own rules; beyond, printf's do, which are the same but for prices."""
_TALLEST: Final = 620
_ROW: Final = 35
_PRINTED: Final[Mapping[Format, tuple[str, float]]] = {
    "percent": ("%.2f %%", 100),
    "signed_percent": ("%+.2f %%", 100),
    "correlation": ("%+.2f", 1),
    "ratio": ("%.2f", 1),
    "number": ("%.2f", 1),
    "money": ("%.2f", 1),
    "integer": ("%d", 1),
    "hours": ("%d h", 1),
    "price": ("%.6g", 1),
    "compact": ("compact", 1),
}


def show_table(table: Table, key: str, theme: Theme | None) -> str | None:
    """Draw a table.

    Args:
        table: What is in it.
        key: Unique among the page's elements.
        theme: Colours of tones; None draws none.

    Returns:
        The coin of the row that was chosen, where choosing one leads somewhere.
    """
    if table.frame.is_empty():
        st.info(table.note or "There are no rows to show.")
        return None
    shown = table.frame.select([column.name for column in table.columns])
    is_small = table.frame.height <= STYLED_UP_TO
    data: Any = _styled(table, shown, theme) if is_small else _scaled(table, shown)
    settings: dict[str, Any] = {
        "width": "stretch",
        "height": min(_TALLEST, _ROW * (table.frame.height + 1) + 3),
        "hide_index": True,
        "column_config": {column.name: _configuration(column, is_small=is_small) for column in table.columns},
        "placeholder": NOTHING,
        "key": key,
        "alt": f"{table.title}: {table.frame.height:,} rows, {', '.join(column.label for column in table.columns)}",
    }
    if not table.drill:
        st.dataframe(data, **settings)
        return None
    event = st.dataframe(data, **settings, on_select="rerun", selection_mode=["single-row", "single-cell"])
    rows = [*event.selection.rows, *(row for row, _ in event.selection.cells)]
    return str(table.frame[table.drill][rows[0]]) if rows else None


def _styled(table: Table, shown: pl.DataFrame, theme: Theme | None) -> Any:
    formats: dict[str, Callable[[object], str]] = {
        column.name: partial(_cell, how=column.format)
        for column in table.columns
        if column.format != "spark" and column.bar is None
    }
    style = shown.to_pandas().style.format(formats)
    for column in table.columns:
        if column.tone and theme is not None:
            colours = [f"color: {theme.tone(_tone(tone))}" for tone in table.frame[column.tone]]
            style = style.apply(lambda _, colours=colours: colours, subset=[column.name], axis=0)
    return style


def _cell(value: Any, how: Format) -> str:
    return written(None if pd.isna(value) else value, how)


def _tone(name: str | None) -> Tone:
    return name or "neutral"  # type: ignore[return-value]  # the column holds tones


def _scaled(table: Table, shown: pl.DataFrame) -> pl.DataFrame:
    factors = {column.name: _PRINTED.get(column.format, ("", 1))[1] for column in table.columns}
    return shown.with_columns(pl.col(name) * factor for name, factor in factors.items() if factor != 1)


def _configuration(column: Column, *, is_small: bool) -> Any:
    told: dict[str, Any] = {"label": column.label, "help": explained(column.metric) if column.metric else None}
    kinds = st.column_config
    if column.format == "spark":
        return kinds.LineChartColumn(**told, width="small")
    if column.bar is not None:
        return kinds.ProgressColumn(**told, min_value=0.0, max_value=column.bar, format="%.2f")
    if column.format == "time":
        return kinds.DatetimeColumn(**told, format="YYYY-MM-DD HH:mm", timezone="UTC")
    if is_small or column.format not in _PRINTED:
        return kinds.Column(**told)
    return kinds.NumberColumn(**told, format=_PRINTED[column.format][0])
