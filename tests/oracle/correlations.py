"""What ``mart_correlations`` must hold. From docs/definitions.md."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from oracle.grid import Floats, count, deviations, hourly_returns, last_day, listings

KEY = ["exchange", "base_coin", "related_coin", "open_timestamp"]
REGIMES = ((0.8, "High"), (0.5, "Medium"), (0.3, "Low"), (0.0, "Uncorrelated"))
TOLERANCE = 1e-9
# A coin and which of its listings.
Series = tuple[str, int]


def oracle_correlations(candles: pd.DataFrame, min_observations: int = 12) -> pd.DataFrame:
    """``mart_correlations`` by two passes over each window of each pair of listings, in extended precision.

    Args:
        candles: Columns of the fact, at least the key and ``close_price``; on the hour, in any order.
        min_observations: Hours with both returns below which a correlation is null.

    Returns:
        The mart without ``year``, ordered by key, and ``undecided``: rows whose regime or alert is a matter of
        rounding.
    """
    by_exchange: dict[str, dict[Series, tuple[pd.Series, pd.Series]]] = {}
    for exchange, coin, seq, hours, grid in listings(candles):
        close = grid["close_price"].to_numpy(float)
        _, change = hourly_returns(close)
        by_exchange.setdefault(exchange, {})[coin, seq] = pd.Series(close, hours), pd.Series(change, hours)
    parts = [
        _pair(exchange, base, related, known, min_observations)
        for exchange, known in sorted(by_exchange.items())
        for base, related in combinations(sorted(known), 2)
        if base[0] != related[0]
    ]
    return pd.concat(parts, ignore_index=True) if parts else _no_pairs()


def _no_pairs() -> pd.DataFrame:
    texts = ["exchange", "base_coin", "related_coin", "correlation_regime"]
    numbers = {"corr_24h": float, "observations_24h": int, "corr_breakdown_alerts": bool, "undecided": bool}
    types = {**dict.fromkeys(texts, object), "open_timestamp": "datetime64[us, UTC]", **numbers}
    return pd.DataFrame(columns=list(types)).astype(types)


def _pair(
    exchange: str,
    base: Series,
    related: Series,
    known: dict[Series, tuple[pd.Series, pd.Series]],
    min_observations: int,
) -> pd.DataFrame:
    (base_close, base_return), (related_close, related_return) = known[base], known[related]
    hours = base_close.index.union(related_close.index)
    hours = pd.date_range(hours[0], hours[-1], freq="h", unit="us")
    one, other = (change.reindex(hours).to_numpy(float) for change in (base_return, related_return))
    has_row = base_close.reindex(hours).notna().to_numpy() & related_close.reindex(hours).notna().to_numpy()
    both = ~np.isnan(one) & ~np.isnan(other)
    one_windows, other_windows = last_day(np.where(both, one, np.nan)), last_day(np.where(both, other, np.nan))
    observations = count(one_windows)
    correlation = np.where(observations >= min_observations, _pearson(one_windows, other_windows), np.nan)
    correlation = np.where(has_row, correlation, np.nan).astype(float)
    change = np.abs(correlation - np.concatenate([[np.nan], correlation[:-1]]))
    part = pd.DataFrame(
        {"exchange": exchange, "base_coin": base[0], "related_coin": related[0], "open_timestamp": hours}
    )
    part["corr_24h"] = correlation
    part["observations_24h"] = observations
    part["correlation_regime"] = [_regime(value) for value in correlation]
    part["corr_breakdown_alerts"] = change > 0.5
    floors = np.array([floor for floor, _ in REGIMES[:-1]])
    near_floor = (np.abs(np.abs(correlation)[:, None] - floors) < TOLERANCE).any(axis=1)
    part["undecided"] = near_floor | (np.abs(change - 0.5) < 2 * TOLERANCE)
    return part[has_row]


def _pearson(one: Floats, other: Floats) -> Floats:
    one_distance, other_distance = deviations(one), deviations(other)
    together = np.nansum(one_distance * other_distance, axis=1)
    apart = np.sqrt(np.nansum(one_distance**2, axis=1)) * np.sqrt(np.nansum(other_distance**2, axis=1))
    varies = apart > 0
    return np.where(varies, np.clip(together / np.where(varies, apart, 1), -1, 1), np.nan)


def _regime(correlation: float) -> str | None:
    if np.isnan(correlation):
        return None
    return next(name for floor, name in REGIMES if abs(correlation) >= floor)
