"""What ``mart_indicators_1h`` must hold. From docs/definitions.md."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from oracle.grid import Floats, count, last_day, listings, mean
from oracle.marts import KEY, ROUNDING

MONTH = 720
CUT = 168


def oracle_indicators(
    returns: pd.DataFrame, volume: pd.DataFrame, reference: str, min_observations: int
) -> pd.DataFrame:
    """``mart_indicators_1h``, one listing after another; windows in two passes and the index by Wilder's recursion.

    Args:
        returns: ``mart_returns_1h`` or what the oracle says of it.
        volume: ``mart_volume_metrics_1h`` or what the oracle says of it.
        reference: Coin that betas are against.
        min_observations: Hours with both returns below which a beta is null.

    Returns:
        The mart without ``year``, ordered by key, and ``undecided``: rows of whose day a close differs from its VWAP by
        rounding only.
    """
    numbered = returns if "listing_seq" in returns else returns.assign(listing_seq=1)
    moves = numbered[[*KEY, "listing_seq", "close_price", "prev_close", "return_pct"]]
    both = moves.merge(volume[[*KEY, "rolling_volume_24h", "vwap_24h"]], on=KEY, how="inner", validate="one_to_one")
    parts = []
    for exchange, coin, seq, hours, grid in listings(both):
        close, change = grid["close_price"].to_numpy(float), grid["return_pct"].to_numpy(float)
        steps = close - grid["prev_close"].to_numpy(float)
        part = pd.DataFrame({"exchange": exchange, "coin": coin, "open_timestamp": hours, "listing_seq": seq})
        part["close_price"] = close
        part["rsi_14"] = _indexes(hours, steps)
        part["trend_run_hours"] = list(_runs(change))
        part = part.assign(**_trend(close, change, steps), **_levels(close, grid))
        others = both[(both["exchange"] == exchange) & (both["coin"] == reference)].set_index("open_timestamp")
        part["beta_720h"], part["beta_observations_720h"] = _betas(change, others.reindex(hours), min_observations)
        if coin == reference:
            part["beta_720h"] = part["beta_720h"].where(part["beta_720h"].isna(), 1.0)
        parts.append(part[~np.isnan(close)])
    return pd.concat(parts, ignore_index=True).sort_values(KEY, ignore_index=True)


def _windows(values: Floats, length: int) -> Floats:
    return sliding_window_view(np.concatenate([np.full(length - 1, np.nan), values]), length)


def _indexes(hours: pd.DatetimeIndex, steps: Floats) -> Floats:
    found = np.full(len(hours), np.nan)
    months = hours.tz_localize(None).to_period("M")
    for month in months.unique():
        begin = month.start_time.tz_localize("UTC") - pd.Timedelta(hours=MONTH)
        seen: list[float] = []
        gain = loss = 0.0
        for place in np.flatnonzero((hours >= begin) & (months <= month)):
            step = float(steps[place])
            if not np.isnan(step):
                seen.append(step)
                up, down = max(step, 0.0), max(-step, 0.0)
                if len(seen) < 14:
                    continue
                if len(seen) == 14:
                    gain, loss = sum(max(one, 0.0) for one in seen) / 14, sum(max(-one, 0.0) for one in seen) / 14
                else:
                    gain, loss = (13 * gain + up) / 14, (13 * loss + down) / 14
            if len(seen) >= 14 and months[place] == month and gain + loss > 0:
                found[place] = 100 - 100 / (1 + gain / loss) if loss > 0 else 100.0
    return found


def _runs(change: Floats) -> Iterator[int]:
    run = 0
    for value in change:
        sign = 0 if np.isnan(value) else int(np.sign(value))
        run = run + sign if sign and run * sign > 0 else sign
        yield max(-CUT, min(CUT, run))


def _trend(close: Floats, change: Floats, steps: Floats) -> dict[str, Floats]:
    before = np.concatenate([np.full(24, np.nan), close])[: len(close)]
    day, changes = last_day(change), count(last_day(change))
    whole = close / before - 1
    same = (np.sign(day) == np.sign(whole)[:, None]).sum(axis=1)
    known = ~np.isnan(whole) & (whole != 0) & (changes > 0)
    path = np.nansum(np.abs(last_day(steps)).astype(np.longdouble), axis=1)
    moved = (count(last_day(steps)) == 24) & (path > 0)
    ratio = np.abs(close - before) / np.where(moved, path, 1)
    return {
        "return_24h": whole,
        "observations_24h": changes,
        "trend_persistence_24h": np.where(known, same / np.maximum(changes, 1), np.nan),
        "efficiency_ratio_24h": np.where(moved, ratio, np.nan).astype(float),
    }


def _levels(close: Floats, grid: pd.DataFrame) -> dict[str, Floats]:
    vwap, volume = grid["vwap_24h"].to_numpy(float), grid["rolling_volume_24h"].to_numpy(float)
    above = last_day(np.where(np.isnan(vwap), np.nan, close > vwap))
    near = np.abs(close - vwap) <= ROUNDING * vwap
    usual = mean(_windows(volume, MONTH))
    traded = usual > 0
    return {
        "vwap_deviation": close / vwap - 1,
        "vwap_observations_24h": count(above),
        "share_above_vwap_24h": mean(above).astype(float),
        "undecided": np.nansum(last_day(near.astype(float)), axis=1) > 0,
        "observations_720h": count(_windows(volume, MONTH)),
        "volume_ratio_30d": np.where(traded, volume / np.where(traded, usual, 1), np.nan).astype(float),
    }


def _betas(change: Floats, others: pd.DataFrame, min_observations: int) -> tuple[Floats, Floats]:
    listing, other = others["listing_seq"].to_numpy(float), others["return_pct"].to_numpy(float)
    beta, number = np.full(len(change), np.nan), np.zeros(len(change), np.int64)
    for seq in np.unique(listing[~np.isnan(listing)]):
        here = listing == seq
        both = here & ~np.isnan(change) & ~np.isnan(other)
        y, x = (
            _windows(np.where(both, values, np.nan), MONTH)[here].astype(np.longdouble) for values in (change, other)
        )
        far_y, far_x = y - mean(y)[:, None], x - mean(x)[:, None]
        spread, size = np.nansum(far_x**2, axis=1), np.nansum(x**2, axis=1)
        number[here] = count(x)
        given = (count(x) >= min_observations) & (spread > 1e-6 * size)
        beta[here] = np.where(given, np.nansum(far_x * far_y, axis=1) / np.where(given, spread, 1), np.nan)
    return beta, number
