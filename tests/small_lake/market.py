"""A small invented market, the same on every machine: a fallen coin, a late one, an outage, a spike, a refused hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

EXCHANGE = "binance"
COINS = ("ADAUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
HOUR = timedelta(hours=1)
END = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""End of the last candle, exclusive."""
DAYS = 62
START = END - timedelta(days=DAYS)
OUTAGE = (END - timedelta(hours=60), END - timedelta(hours=57))
"""Hours in which no coin has a candle."""
LATE_COIN, LISTED_AT = "SOLUSDT", START + timedelta(days=20)
REFUSED_COIN, REFUSED_HOUR = "ETHUSDT", END - timedelta(hours=30)
SPIKE_COIN, SPIKE_HOUR = "XRPUSDT", END - timedelta(hours=3)
_FIRST_PRICES = {"ADAUSDT": 0.62, "BTCUSDT": 64_000.0, "ETHUSDT": 3_100.0, "SOLUSDT": 145.0, "XRPUSDT": 0.51}


def candles() -> pd.DataFrame:
    """Every accepted candle, with the columns of ``fact_1h_klines`` and without the partition's."""
    random = np.random.default_rng(7)
    hours = pd.date_range(START, END - HOUR, freq="h", unit="us")
    common = random.normal(0, 0.004, len(hours))
    frame = pd.concat([_coin(coin, hours, common, random) for coin in COINS], ignore_index=True)
    opened = frame["open_timestamp"]
    kept = ~((opened >= OUTAGE[0]) & (opened < OUTAGE[1]))
    kept &= ~((frame["coin"] == LATE_COIN) & (opened < LISTED_AT))
    kept &= ~((frame["coin"] == REFUSED_COIN) & (opened == REFUSED_HOUR))
    return frame[kept].reset_index(drop=True).astype({"open_timestamp": "datetime64[us, UTC]"})


def _coin(coin: str, hours: pd.DatetimeIndex, common: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    own = random.normal(-0.0006 if coin == "ADAUSDT" else 0.0001, 0.005, len(hours))
    close = _FIRST_PRICES[coin] * np.exp(np.cumsum(common + own))
    opened = np.concatenate([[_FIRST_PRICES[coin]], close[:-1]])
    reach = np.abs(random.normal(0, 0.002, (2, len(hours))))
    volume = random.lognormal(4, 0.5, len(hours))
    volume[(coin == SPIKE_COIN) & (hours == SPIKE_HOUR)] *= 30
    return pd.DataFrame(
        {
            "exchange": EXCHANGE,
            "coin": coin,
            "listing_seq": 1,
            "open_timestamp": hours,
            "close_timestamp": hours + HOUR - timedelta(milliseconds=1),
            "open_price": opened,
            "high_price": np.maximum(opened, close) * (1 + reach[0]),
            "low_price": np.minimum(opened, close) * (1 - reach[1]),
            "close_price": close,
            "volume": volume,
            "quote_volume": volume * (opened + close) / 2,
            "trade_count": random.integers(50, 500, len(hours)),
            "taker_buy_volume": volume * 0.5,
            "taker_buy_quote_volume": volume * 0.5 * close,
            "is_irregular_close": False,
            "is_zero_volume": False,
        }
    )
