"""Controls of single pages, each kept in one parameter of the URL; what it says counts, the control shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, TypeVar

import streamlit as st

from klineforge.app.literal import literally

Name = TypeVar("Name", bound=str)
MOST_WEIGHTS: Final = 20
"""Coins of a basket at most: each has a control of its own."""


def choice(name: str, label: str, offered: Sequence[Name], default: Name, written: Callable[[Name], str] = str) -> Name:
    """One of several.

    Args:
        name: Parameter of the URL.
        label: Of the control.
        offered: What can be chosen.
        default: Without the parameter, or where it is none of them.
        written: What a choice is called.
    """
    asked = st.query_params.get(name)
    value = next((one for one in offered if one == asked), default)
    if asked is not None and value != asked:
        _remark(name, asked, written(default))
    st.session_state[_key(name)] = value
    st.selectbox(label, offered, format_func=written, key=_key(name), on_change=_keep, args=(name, default))
    return value


def number(name: str, label: str, default: float, *, low: float, high: float, step: float, told: str = "") -> float:
    """A number within bounds.

    Args:
        name: Parameter of the URL.
        label: Of the control.
        default: Without the parameter, or where it is no such number.
        low: Least.
        high: Most.
        step: Of the control.
        told: What it means.
    """
    asked = st.query_params.get(name)
    value = _number(asked, default, low, high)
    if value is None:
        _remark(name, str(asked), f"{default:g}")
        value = default
    st.session_state[_key(name)] = value
    st.number_input(
        label,
        min_value=float(low),
        max_value=float(high),
        step=float(step),
        key=_key(name),
        on_change=_keep,
        args=(name, default),
        help=told or None,
    )
    return value


def weights(
    name: str, label: str, offered: Sequence[str], default: Mapping[str, float], written: Callable[[str], str] = str
) -> dict[str, float]:
    """Coins and how much of each, as the user writes it: parts of any whole.

    Args:
        name: Parameter of the URL: ``BTCUSDT:60,ETHUSDT:40``.
        label: Of the control.
        offered: Coins that can be chosen.
        default: Without the parameter, or where it makes no sense.
        written: What a coin is called.

    Returns:
        At least one coin; parts are not negative and one is above zero.
    """
    asked = st.query_params.get(name)
    chosen = dict(default) if asked is None else _parts(asked, offered)
    if not chosen or not any(part > 0 for part in chosen.values()):
        _remark(name, str(asked), "the usual basket")
        chosen = dict(default)
    elif asked is not None and len(chosen) < len(asked.split(",")):
        _remark(name, asked, "what of it can be used")
    st.session_state[_key(name)] = list(chosen)
    st.multiselect(
        label, offered, format_func=written, key=_key(name), max_selections=MOST_WEIGHTS,
        on_change=_keep_coins, args=(name, chosen), help="Parts of any whole: 1 and 1 are half each.",
    )  # fmt: skip
    for coin, part in chosen.items():
        key = f"{_key(name)}_{coin}"
        st.session_state[key] = float(part)
        st.number_input(
            f"Part of {written(coin)}",
            min_value=0.0,
            step=5.0,
            key=key,
            on_change=_keep_parts,
            args=(name, tuple(chosen)),
        )
    return chosen


def day(name: str, label: str, default: date, *, first: date, last: date) -> date:
    """A day.

    Args:
        name: Parameter of the URL, ISO.
        label: Of the control.
        default: Without the parameter, or where it is no day within the bounds.
        first: Earliest.
        last: Latest.
    """
    asked = st.query_params.get(name)
    value = default if asked is None else _day(asked)
    if value is None or not first <= value <= last:
        _remark(name, str(asked), default.isoformat())
        value = default
    st.session_state[_key(name)] = value
    st.date_input(
        label,
        min_value=first,
        max_value=last,
        key=_key(name),
        format="YYYY-MM-DD",
        on_change=_keep,
        args=(name, default),
    )
    return value


def _number(asked: str | None, default: float, low: float, high: float) -> float | None:
    if asked is None:
        return float(default)
    try:
        value = float(asked)
    except ValueError:
        return None
    return value if low <= value <= high else None


def _day(asked: str) -> date | None:
    try:
        return date.fromisoformat(asked)
    except ValueError:
        return None


def _parts(asked: str, offered: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for entry in asked.split(","):
        coin, _, part = entry.partition(":")
        value = _number(part or "1", 1, 0, 1e12)
        if coin.strip().upper() in offered and value is not None and len(found) < MOST_WEIGHTS:
            found[coin.strip().upper()] = value
    return found


def _key(name: str) -> str:
    return f"o_{name}"


def _keep(name: str, default: object) -> None:
    """Write what a control says into the URL; what is there by default is left out."""
    value = st.session_state[_key(name)]
    if value in (default, None):
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = f"{value:.15g}" if isinstance(value, float) else str(value)


def _keep_coins(name: str, before: Mapping[str, float]) -> None:
    """A coin that comes in gets as much as the others have on average."""
    usual = sum(before.values()) / len(before) if before else 1.0
    _write(name, {coin: before.get(coin, usual) for coin in st.session_state[_key(name)]})


def _keep_parts(name: str, coins: Sequence[str]) -> None:
    _write(name, {coin: st.session_state[f"{_key(name)}_{coin}"] for coin in coins})


def _write(name: str, parts: Mapping[str, float]) -> None:
    if parts:
        st.query_params[name] = ",".join(f"{coin}:{part:.15g}" for coin, part in parts.items())
    else:
        st.query_params.pop(name, None)


def _remark(name: str, asked: str, shown: str) -> None:
    told = asked if len(asked) <= 24 else f"{asked[:24]}..."
    st.warning(
        f"The link asks for {name} {literally(repr(told))}, which makes no sense here; {shown} is shown.",
        icon=":material/link_off:",
    )
