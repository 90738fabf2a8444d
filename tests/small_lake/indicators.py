"""``mart_indicators_1h`` of the small market, by plain loops over its hours. From docs/definitions.md.

RSI is carried on over all of the history; what its beginning anew would change is below the last bit that is shown.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from oracle.grid import Floats, count, last_day

MONTH = 720
ENOUGH = 360


def indicators(returns: pd.DataFrame, volume: pd.DataFrame, reference: str = "BTCUSDT") -> pd.DataFrame:
    """The mart's columns without ``year``; coins with one listing each.

    Args:
        returns: ``mart_returns_1h``.
        volume: ``mart_volume_metrics_1h``.
        reference: Coin that betas are against.
    """
    key = ["exchange", "coin", "open_timestamp"]
    both = returns.merge(volume[[*key, "vwap_24h", "rolling_volume_24h"]], on=key)
    market = both[both["coin"] == reference].set_index("open_timestamp")["return_pct"]
    parts = [_coin(rows, market) for _, rows in both.groupby("coin")]
    return pd.concat(parts, ignore_index=True).astype({"open_timestamp": "datetime64[us, UTC]"})


def _coin(rows: pd.DataFrame, market: pd.Series) -> pd.DataFrame:
    by_hour = rows.set_index("open_timestamp").sort_index()
    hours = pd.date_range(by_hour.index[0], by_hour.index[-1], freq="h", unit="us")
    grid = by_hour.reindex(hours)
    close, change = grid["close_price"].to_numpy(float), grid["return_pct"].to_numpy(float)
    vwap, moved = grid["vwap_24h"].to_numpy(float), np.diff(close, prepend=np.nan)
    made = pd.DataFrame({name: by_hour[name].reindex(hours) for name in ("exchange", "coin", "close_price")})
    made["listing_seq"] = 1
    made["return_24h"] = close / _shifted(close, 24) - 1
    made["rsi_14"] = _rsi(moved)
    made["vwap_deviation"] = close / vwap - 1
    above = np.where(np.isnan(vwap), np.nan, close > vwap)
    made["vwap_observations_24h"] = count(last_day(above))
    made["share_above_vwap_24h"] = _share(last_day(above) == 1, made["vwap_observations_24h"])
    made["observations_24h"] = count(last_day(change))
    sign = np.sign(made["return_24h"].to_numpy())
    agreeing = np.sign(last_day(change)) == sign[:, None]
    made["trend_persistence_24h"] = np.where(
        np.nan_to_num(sign) == 0, np.nan, _share(agreeing, made["observations_24h"])
    )
    made["trend_run_hours"] = _runs(change)
    path = np.abs(last_day(moved)).sum(axis=1)
    made["efficiency_ratio_24h"] = np.minimum(1, np.abs(close - _shifted(close, 24)) / path)
    traded = grid["rolling_volume_24h"]
    month = traded.rolling(MONTH, min_periods=1)
    made["volume_ratio_30d"], made["observations_720h"] = traded / month.mean(), month.count()
    pair = pd.DataFrame({"own": change, "market": market.reindex(hours).to_numpy()}).dropna()
    rolling = pair["own"].rolling(MONTH, min_periods=ENOUGH)
    beta = rolling.cov(pair["market"]) / pair["market"].rolling(MONTH, min_periods=ENOUGH).var()
    made["beta_720h"] = beta.reindex(range(len(hours))).to_numpy()
    both = pd.Series(~np.isnan(change)).rolling(MONTH, min_periods=1).sum()
    made["beta_observations_720h"] = both.to_numpy()
    made["open_timestamp"] = hours
    kept = made[~np.isnan(close)].reset_index(drop=True)
    counts = [name for name in kept if "observations" in name]
    return kept.astype(dict.fromkeys(["listing_seq", "trend_run_hours", *counts], "int32"))


def _shifted(values: Floats, by: int) -> Floats:
    return np.concatenate([np.full(by, np.nan), values[:-by]])


def _share(hits: np.ndarray, of: pd.Series) -> Floats:
    return hits.sum(axis=1) / np.where(of > 0, of, np.nan)


def _rsi(moved: Floats) -> Floats:
    found = np.full(len(moved), np.nan)
    gains: list[float] = []
    gain = loss = 0.0
    for hour, change in enumerate(moved):
        if np.isnan(change):
            continue
        gains.append(change)
        if len(gains) <= 14:
            gain = sum(max(value, 0) for value in gains) / len(gains)
            loss = sum(max(-value, 0) for value in gains) / len(gains)
        else:
            gain, loss = (13 * gain + max(change, 0)) / 14, (13 * loss + max(-change, 0)) / 14
        if len(gains) >= 14 and gain + loss > 0:
            found[hour] = 100 * gain / (gain + loss)
    return found


def _runs(change: Floats) -> list[int]:
    runs: list[int] = []
    for value in change:
        sign = 0 if np.isnan(value) else int(np.sign(value))
        before = runs[-1] if runs else 0
        runs.append(before + sign if sign and np.sign(before) == sign else sign)
    return [max(-168, min(168, run)) for run in runs]
