"""What a figure means: the help beside its name, and the page that tells it in full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import streamlit as st

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import Column
from klineforge.measures.registry import PAGES, Metric, metrics

PATH: Final = "definitions"
_ASKED: Final = "metric"


def explained(key: str) -> str | None:
    """The definition of a metric as Markdown, with a link to read more; None where it has none.

    Args:
        key: In the metric registry.
    """
    metric = metrics().get(key)
    return None if metric is None else f"{metric.explanation} [More](/{PATH}?{_ASKED}={key})"


def explained_all(keys: Iterable[str]) -> str | None:
    """The definitions of several metrics as Markdown; None where there is none.

    Args:
        keys: In the metric registry.
    """
    told = [text for text in map(explained, dict.fromkeys(keys)) if text]
    return "\n\n".join(told) or None


def show_definitions() -> None:
    """Draw the page of definitions: the one the link asks for first, then all, by page and searchable."""
    st.title("Definitions", anchor=False)
    st.caption("Every figure of the pages: what it is, how it is computed, where it comes from.")
    known = metrics()
    asked = st.query_params.get(_ASKED, "")
    if asked in known:
        with st.container(border=True, key="asked"):
            _show(known[asked])
    sought = st.text_input("Search", placeholder="volatility, VaR, VWAP ...").casefold()
    found = [
        metric for metric in known.values() if sought in f"{metric.label} {metric.definition} {metric.key}".casefold()
    ]
    if not found:
        st.info(f"No definition mentions {sought!r}.")
    for page, title in PAGES.items():
        here = [metric for metric in found if metric.pages[0] == page]
        if here:
            st.header(title, anchor=False)
        for metric in here:
            with st.expander(metric.label):
                _show(metric)


def _show(metric: Metric) -> None:
    st.markdown(f"**{metric.label}**, {metric.unit}. {metric.definition}")
    st.code(metric.formula, language=None, wrap_lines=True)
    st.markdown(f"From `{metric.source}`; more in `docs/{metric.see}` and `{metric.anchor}`.")
    column = _column(metric)
    if column is not None:
        st.markdown(
            f"**Data dictionary**, column `{column.name}`: {column.comment}"
            + (f" Unit: {column.unit}." if column.unit else "")
            + (f" Null where {column.null_means}." if column.null_means else " Never null.")
        )
    shown = ", ".join(PAGES[page] for page in metric.pages)
    st.caption(f"Shown on {shown}. Key `{metric.key}`.")


def _column(metric: Metric) -> Column | None:
    """The column of a contract that a metric is read from."""
    if metric.column is None or metric.column[0] not in CONTRACTS:
        return None
    table, name = metric.column
    return next((column for column in CONTRACTS[table].columns if column.name == name), None)
