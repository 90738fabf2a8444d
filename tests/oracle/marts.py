"""What the marts of single coins must hold: returns, volume, movers. From docs/definitions.md."""

from __future__ import annotations

import numpy as np
import pandas as pd
from oracle.grid import Floats, count, deviations, hourly_returns, last_day, listings, mean

KEY = ["exchange", "coin", "open_timestamp"]
ROUNDING = 1e-11
"""Relative distance from a threshold within which rounding, not the market, decides."""


def oracle_returns(candles: pd.DataFrame) -> pd.DataFrame:
    """``mart_returns_1h`` by two passes over each window.

    Args:
        candles: Columns of the fact, at least the key and ``close_price``; on the hour, in any order. Without
            ``listing_seq`` every coin has one listing.

    Returns:
        The mart without ``year``, ordered by key, and ``undecided``: rows whose regime is a matter of rounding.
    """
    parts = []
    for exchange, coin, seq, hours, grid in listings(candles):
        close = grid["close_price"].to_numpy(float)
        previous, change = hourly_returns(close)
        windows = last_day(change)
        observations = count(windows)
        squares = np.nansum(deviations(windows) ** 2, axis=1)
        volatility = np.where(observations >= 2, np.sqrt(squares / np.maximum(observations - 1, 1)), np.nan)
        volatility = np.where(np.isnan(close), np.nan, volatility).astype(float)
        usual = mean(last_day(volatility))
        peak = np.fmax.accumulate(close)
        part = pd.DataFrame({"exchange": exchange, "coin": coin, "open_timestamp": hours, "close_price": close})
        if "listing_seq" in candles:
            part["listing_seq"] = seq
        part["prev_close"] = np.where(np.isnan(close), np.nan, previous)
        part["return_pct"] = change
        part["log_return"] = np.log(close / previous)
        part["rolling_vol_24h"] = volatility
        part["observations_24h"] = observations
        part["volatility_regime"] = _regimes(volatility, usual)
        part["running_peak_price"] = peak
        part["drawdown_pct"] = close / peak - 1
        near = _is_near(volatility, usual) | _is_near(volatility, 1.5 * usual)
        # The mean of one value is that value, without rounding.
        part["undecided"] = near & (count(last_day(volatility)) > 1)
        parts.append(part[~np.isnan(close)])
    return pd.concat(parts, ignore_index=True)


def _regimes(volatility: Floats, usual: Floats) -> list[str | None]:
    return [
        None if np.isnan(now) else "High" if now > 1.5 * typical else "Medium" if now > typical else "Low"
        for now, typical in zip(volatility, usual, strict=True)
    ]


def _is_near(value: Floats, threshold: Floats) -> Floats:
    both_zero = (value == 0) & (threshold == 0)
    return (np.abs(value - threshold) <= ROUNDING * np.abs(threshold)) & ~both_zero


def oracle_volume(candles: pd.DataFrame) -> pd.DataFrame:
    """``mart_volume_metrics_1h`` by one sum per window.

    Args:
        candles: Columns of the fact, at least the key, ``close_price`` and the volumes; on the hour, in any order.

    Returns:
        The mart without ``year``, ordered by key, and ``undecided``: rows whose spike flag is a matter of rounding.
    """
    parts = []
    for exchange, coin, _, hours, grid in listings(candles):
        volume, quote = grid["volume"].to_numpy(float), grid["quote_volume"].to_numpy(float)
        total, total_quote = (np.nansum(last_day(column).astype(np.longdouble), axis=1) for column in (volume, quote))
        average = mean(last_day(volume))
        traded = total > 0
        part = pd.DataFrame({"exchange": exchange, "coin": coin, "open_timestamp": hours})
        part["close_price"], part["volume"], part["quote_volume"] = grid["close_price"].to_numpy(float), volume, quote
        part["rolling_volume_24h"] = total.astype(float)
        part["avg_volume_24h"] = average.astype(float)
        part["observations_24h"] = count(last_day(volume))
        part["volume_spike_ratio"] = np.where(traded, volume / np.where(traded, average, 1), np.nan).astype(float)
        part["is_volume_spike"] = volume > 2 * average
        part["vwap_24h"] = np.where(traded, total_quote / np.where(traded, total, 1), np.nan).astype(float)
        part["undecided"] = _is_near(volume, 2 * average)
        parts.append(part[~np.isnan(volume)])
    return pd.concat(parts, ignore_index=True)


def oracle_movers(returns: pd.DataFrame, volume: pd.DataFrame) -> pd.DataFrame:
    """``mart_top_movers`` by sorting each hour.

    Args:
        returns: ``mart_returns_1h`` or what the oracle says of it.
        volume: ``mart_volume_metrics_1h`` or what the oracle says of it.

    Returns:
        The mart without ``year``, ordered by key, and ``undecided``: rows of an hour in which two signals differ by
        rounding only.
    """
    moves = returns[[*KEY, "return_pct", "log_return", "rolling_vol_24h"]]
    ratios = volume[[*KEY, "volume_spike_ratio"]]
    both = moves.merge(ratios, on=KEY, how="inner", validate="one_to_one")
    both["mover_signal"] = both["return_pct"].abs() * both["volume_spike_ratio"]
    hour = ["exchange", "open_timestamp"]
    strongest_first = both.sort_values([*hour, "mover_signal", "coin"], ascending=[True, True, False, True])
    strongest_first["mover_rank"] = strongest_first.groupby(hour).cumcount() + 1
    signal = strongest_first["mover_signal"]
    next_weaker = strongest_first.groupby(hour)["mover_signal"].shift(-1)
    near = (signal > next_weaker) & (signal - next_weaker <= ROUNDING * signal)
    strongest_first["undecided"] = near.groupby([strongest_first[name] for name in hour]).transform("any")
    return strongest_first.sort_values(KEY, ignore_index=True)
