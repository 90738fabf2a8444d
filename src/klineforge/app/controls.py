"""The controls all pages share, and the URL they are kept in: the URL is what counts, the controls show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import streamlit as st

from klineforge.app.literal import literally
from klineforge.domain.hours import HOUR
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.selection import (
    INTERVAL_NAMES,
    INTERVALS,
    PRESET_NAMES,
    PRESETS,
    Selection,
    read_selection,
    whole_days,
)

SHARED: Final = ("exchange", "coin", "coins", "interval", "range", "start", "end")
_REMEMBERED: Final = "klineforge_shared"
_CUSTOM: Final = "custom"


def chosen(catalogue: Catalogue) -> Selection:
    """The selection of the URL, with its controls in the sidebar and remarks on what of the URL made no sense.

    A page that is opened without parameters, as by the menu, shows what the session showed last.

    Args:
        catalogue: What the lake has to offer.
    """
    given = {name: value for name, value in st.query_params.items() if name in SHARED}
    if not given:
        given = st.session_state.get(_REMEMBERED, {})
    read = read_selection(given, catalogue)
    for remark in read.remarks:
        st.warning(literally(remark), icon=":material/link_off:")
    set_shared(read.selection.query())
    _show(read.selection, catalogue)
    return read.selection


def set_shared(query: Mapping[str, str]) -> None:
    """Write the shared parameters into the URL; those of the page itself stay.

    Args:
        query: Of ``Selection.query``.
    """
    others = {name: value for name, value in st.query_params.items() if name not in SHARED}
    wanted = {**query, **others}
    if dict(st.query_params.items()) != wanted:
        st.query_params.from_dict(wanted)
    st.session_state[_REMEMBERED] = dict(query)


def _show(selection: Selection, catalogue: Catalogue) -> None:
    """The controls, set to what the URL says before they are drawn."""
    last = (selection.end - HOUR).date()
    state = st.session_state
    state["w_exchange"] = selection.exchange
    state["w_coin"] = selection.coin
    state["w_coins"] = list(selection.coins)
    state["w_interval"] = selection.interval
    state["w_range"] = selection.preset or _CUSTOM
    state["w_dates"] = (selection.start.date(), last)
    offered = catalogue.coins[selection.exchange]
    with st.sidebar:
        st.subheader("What is shown")
        st.segmented_control(
            "Range",
            [*PRESETS, _CUSTOM],
            format_func=lambda name: PRESET_NAMES.get(name, "Dates"),
            key="w_range",
            on_change=_range_changed,
            required=True,
            help="Counted back from the newest hour; Dates keeps to the days below.",
        )
        st.date_input(
            "Dates, both included (UTC)",
            min_value=catalogue.first.date(),
            max_value=(catalogue.end - HOUR).date(),
            key="w_dates",
            format="YYYY-MM-DD",
            on_change=_dates_changed,
        )
        st.segmented_control(
            "Interval", INTERVALS, key="w_interval", on_change=_write, args=("interval",), required=True,
            help=", ".join(f"{short}: {INTERVAL_NAMES[short]}" for short in INTERVALS),
        )  # fmt: skip
        st.multiselect(
            "Coins",
            offered,
            format_func=catalogue.label,
            key="w_coins",
            on_change=_write,
            args=("coins",),
            placeholder=f"All {len(offered)} coins",
            help="Of pages about several coins.",
        )
        st.selectbox(
            "Coin in focus", offered, format_func=catalogue.label, key="w_coin", on_change=_write, args=("coin",),
            help="Of pages about one coin.",
        )  # fmt: skip
        st.selectbox(
            "Exchange", catalogue.exchanges, key="w_exchange", on_change=_exchange_changed,
            disabled=len(catalogue.exchanges) == 1,
        )  # fmt: skip


def _write(name: str) -> None:
    value = st.session_state[f"w_{name}"]
    text = ",".join(value) if isinstance(value, list) else value
    if text:
        st.query_params[name] = text
    elif name in st.query_params:
        del st.query_params[name]


def _exchange_changed() -> None:
    """Coins of another exchange are others."""
    _write("exchange")
    for name in ("coin", "coins"):
        if name in st.query_params:
            del st.query_params[name]


def _range_changed() -> None:
    preset = st.session_state["w_range"]
    if preset in PRESETS:
        for name in ("start", "end"):
            if name in st.query_params:
                del st.query_params[name]
        st.query_params["range"] = preset
    else:
        _dates_changed()


def _dates_changed() -> None:
    """Both days are needed; the first click of two gives only one."""
    days: tuple[date, ...] = st.session_state["w_dates"]
    if len(days) != 2:
        return
    start, end = whole_days(*days)
    if "range" in st.query_params:
        del st.query_params["range"]
    st.query_params["start"] = f"{start:%Y-%m-%d}"
    st.query_params["end"] = f"{end:%Y-%m-%d}"
