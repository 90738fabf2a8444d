"""From a latent month to candles: whole ticks and lots, volumes that fit the prices, and the marks of a halt."""

from __future__ import annotations

import numpy as np

from klineforge.simulator.candles import HOUR_IN_MICROSECONDS, CandleMonth, Integers
from klineforge.simulator.coins import COINS, UNITS
from klineforge.simulator.lifecycle import FLAT, HALT, Hours, halts, hour_number, instant_of, trading_share
from klineforge.simulator.shocks import Floats, LatentMonth

TICKS = np.array([coin.tick for coin in COINS], dtype=np.int64)
LOTS = np.array([coin.lot for coin in COINS], dtype=np.int64)
TRADE_SIZES = np.array([coin.trade_size for coin in COINS])

_WICK = 0.45
_LEAN = 0.06
_LOTS_IN_A_QUIET_HOUR = 4


def cut_month(latent: LatentMonth, rng: np.random.Generator, hours: Hours) -> CandleMonth:
    """Turn latent prices and turnover into candles that hold together: OHLC, volumes, taker shares, trade counts.

    Averages are whole ticks and volumes whole lots, so that a value is an exact product and the last bit of an
    exponential, which may differ between processors, does not show in it.

    Args:
        latent: The simulated month.
        rng: The month's generator, for wicks and shares.
        hours: Hour numbers of the month.
    """
    open_, high, low, close = _prices(latent, rng)
    average = low + np.rint((high - low) * rng.beta(4, 4, close.shape) / TICKS).astype(np.int64) * TICKS
    share_of_hour = np.array([[trading_share(int(hour))] for hour in hours])
    turnover = latent.turnover * share_of_hour
    volume = _whole_lots(np.maximum(_LOTS_IN_A_QUIET_HOUR * LOTS, turnover / latent.quote_price / average * UNITS**2))
    lean = _LEAN * np.tanh((close - open_) / (open_ * latent.volatility))
    taker_share: Floats = np.clip(0.5 + lean + rng.normal(0, 0.04, close.shape), 0.1, 0.9)
    taker = _whole_lots(volume.astype(np.float64) * taker_share)
    trades = turnover / (TRADE_SIZES * np.exp(rng.normal(0, 0.15, close.shape)))
    month = CandleMonth(
        first_hour=int(hours[0]),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        close_time=np.repeat(((hours + 1) * HOUR_IN_MICROSECONDS - 1)[:, None], len(COINS), axis=1),
        quote_volume=_value(volume, average),
        trades=np.maximum(1, trades).astype(np.int64),
        taker_buy_volume=taker,
        taker_buy_quote_volume=_value(taker, average),
    )
    _mark_halts(month, hours)
    return month


def _prices(latent: LatentMonth, rng: np.random.Generator) -> tuple[Integers, Integers, Integers, Integers]:
    """Open, high, low and close in whole ticks; each hour opens where the last one closed."""
    borders = _whole_ticks(np.exp(latent.log_price) * UNITS)
    open_, close = borders[:-1], borders[1:]
    wick = _WICK * latent.volatility
    high = np.maximum(open_, close) * np.exp(wick * np.abs(rng.normal(size=close.shape)))
    low = np.minimum(open_, close) * np.exp(-wick * np.abs(rng.normal(size=close.shape)))
    return open_, _whole_ticks(high), _whole_ticks(low), close


def _whole_ticks(price: Floats) -> Integers:
    """Prices in 1e-8 quote asset, rounded to ticks and at least one."""
    ticks: Integers = np.maximum(1, np.rint(price / TICKS)).astype(np.int64)
    return ticks * TICKS


def _whole_lots(quantity: Floats) -> Integers:
    """Quantities in 1e-8 base asset, rounded down to lots."""
    lots: Integers = (quantity // LOTS).astype(np.int64)
    return lots * LOTS


def _value(quantity: Integers, average: Integers) -> Integers:
    """What a quantity costs at the hour's average price, in 1e-8 quote asset."""
    return np.rint(quantity.astype(np.float64) * average / UNITS).astype(np.int64)


def _mark_halts(month: CandleMonth, hours: Hours) -> None:
    """Give each halt its flat last candle, closed before it opened, a few hundred milliseconds apart per coin."""
    jitter = np.array([_jitter(position) for position in range(len(COINS))])
    for midnight in halts(instant_of(int(hours[0])), instant_of(int(hours[-1]) + 1)):
        row = hour_number(midnight + FLAT) - month.first_hour
        for prices in (month.open, month.high, month.low, month.close):
            prices[row] = month.close[row - 1]
        for amounts in (month.volume, month.quote_volume, month.taker_buy_volume, month.taker_buy_quote_volume):
            amounts[row] = 0
        month.trades[row] = 0
        month.close_time[row] = int((midnight + HALT).timestamp()) * 1_000_000 + jitter


def _jitter(position: int) -> int:
    """Microseconds between the halt and the moment a coin's last candle was closed: below one second."""
    return (position * 61 + 137) % 1000 * 1000 + 999
