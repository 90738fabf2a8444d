"""Candles: cutting a latent month into whole ticks and lots, printing them, and showing one that is still open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from klineforge.simulator.coins import COINS, UNITS, SimulatedCoin
from klineforge.simulator.lifecycle import FLAT, HALT, Hours, halts, hour_number, instant_of, trading_share
from klineforge.simulator.shocks import Floats, LatentMonth

Integers = NDArray[np.int64]

HOUR_IN_MICROSECONDS = 3_600_000_000
_LOTS_IN_A_QUIET_HOUR = 4.0


class Candle(NamedTuple):
    """One kline. Times are microseconds since 1970; prices and volumes whole numbers of 1e-8."""

    open_time: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    close_time: int
    quote_volume: int
    trades: int
    taker_buy_volume: int
    taker_buy_quote_volume: int


@dataclass(frozen=True, slots=True)
class CandleMonth:
    """Candles of all coins and hours of a month; each array is hours by coins, in the units of ``Candle``."""

    first_hour: int
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Integers
    close_time: Integers
    quote_volume: Integers
    trades: Integers
    taker_buy_volume: Integers
    taker_buy_quote_volume: Integers

    def candles(self, hours: Hours, position: int) -> list[Candle]:
        """The candles of some of the month's hour numbers, for one coin position, in the order asked for."""
        rows = hours - self.first_hour
        columns = (
            hours * HOUR_IN_MICROSECONDS,
            self.open[rows, position],
            self.high[rows, position],
            self.low[rows, position],
            self.close[rows, position],
            self.volume[rows, position],
            self.close_time[rows, position],
            self.quote_volume[rows, position],
            self.trades[rows, position],
            self.taker_buy_volume[rows, position],
            self.taker_buy_quote_volume[rows, position],
        )
        return [Candle(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def cut_month(latent: LatentMonth, rng: np.random.Generator, hours: Hours) -> CandleMonth:
    """Turn latent prices and turnover into candles that hold together: OHLC, volumes, taker shares, trade counts.

    Args:
        latent: The simulated month.
        rng: The month's generator, for wicks and shares.
        hours: Hour numbers of the month.
    """
    ticks = np.array([coin.tick for coin in COINS])
    open_, close = _in_ticks(np.exp(latent.log_price[:-1]), ticks), _in_ticks(np.exp(latent.log_price[1:]), ticks)
    shape = close.shape
    wick = 0.45 * latent.volatility
    high = _in_ticks(np.maximum(open_, close) / UNITS * np.exp(wick * np.abs(rng.normal(size=shape))), ticks)
    low = _in_ticks(np.minimum(open_, close) / UNITS * np.exp(-wick * np.abs(rng.normal(size=shape))), ticks)
    high, low = np.maximum(high, np.maximum(open_, close)), np.minimum(low, np.minimum(open_, close))
    average = low + (high - low) * rng.beta(4, 4, shape)
    lean = 0.06 * np.tanh((close - open_) / (open_ * latent.volatility))
    taker_share = np.clip(0.5 + lean + rng.normal(0, 0.04, shape), 0.1, 0.9)
    sizes = np.array([coin.trade_size for coin in COINS]) * np.exp(rng.normal(0, 0.15, shape))
    traded = np.array([trading_share(int(hour)) for hour in hours])
    volume = _in_lots(latent.turnover / latent.quote_price / (average / UNITS)) * traded[:, None]
    lots = np.array([coin.lot for coin in COINS])
    volume = (volume // lots * lots).astype(np.int64)
    taker = (volume * taker_share // lots * lots).astype(np.int64)
    month = CandleMonth(
        int(hours[0]),
        open_,
        high,
        low,
        close,
        volume,
        np.repeat(((hours + 1) * HOUR_IN_MICROSECONDS - 1)[:, None], shape[1], axis=1),
        _value(volume, average),
        np.maximum(1, latent.turnover / sizes * traded[:, None]).astype(np.int64),
        taker,
        _value(taker, average),
    )
    _flatten_halts(month, hours)
    return month


def _in_ticks(price: Floats, ticks: Integers) -> Integers:
    """Prices in 1e-8 quote asset, rounded to whole ticks and at least one."""
    whole: Integers = np.rint(price * UNITS / ticks).astype(np.int64)
    at_least_one: Integers = np.maximum(whole, 1) * ticks
    return at_least_one


def _in_lots(quantity: Floats) -> Floats:
    lots = np.array([coin.lot for coin in COINS])
    return np.maximum(_LOTS_IN_A_QUIET_HOUR * lots, quantity * UNITS)


def _value(quantity: Integers, average: Floats) -> Integers:
    """What a quantity costs at the hour's average price, in 1e-8 quote asset."""
    return np.rint(quantity.astype(np.float64) * (average / UNITS)).astype(np.int64)


def _flatten_halts(month: CandleMonth, hours: Hours) -> None:
    """Give each halt its flat last candle, closed before it opened, a few hundred milliseconds apart per coin."""
    first = int(hours[0])
    for midnight in halts(instant_of(first), instant_of(int(hours[-1]) + 1)):
        row = hour_number(midnight + FLAT) - first
        for prices in (month.open, month.high, month.low, month.close):
            prices[row] = month.close[row - 1]
        for amounts in (month.volume, month.quote_volume, month.trades, month.taker_buy_volume):
            amounts[row] = 0
        month.taker_buy_quote_volume[row] = 0
        halted = int((midnight + HALT).timestamp()) * 1_000_000
        month.close_time[row] = halted + np.array([_jitter(position) for position in range(len(COINS))])


def _jitter(position: int) -> int:
    """Microseconds between the halt and the moment a coin's last candle was closed: below one second."""
    return (position * 61 + 137) % 1000 * 1000 + 999


def still_open(candle: Candle, coin: SimulatedCoin, share: float) -> Candle:
    """What a candle shows before its hour is over.

    The price walks from the open over the two extremes to the close, so high and volume only grow, low only falls,
    and the last look equals the final candle.

    Args:
        candle: The final candle.
        coin: Its listing, for tick and lot.
        share: How much of the hour's trading is over, from 0 to 1.
    """
    extremes = (candle.low, candle.high) if candle.close >= candle.open else (candle.high, candle.low)
    stops = (candle.open, *extremes, candle.close)
    last = round(float(np.interp(share * 3, range(4), stops)) / coin.tick) * coin.tick
    seen = (*stops[: int(share * 3) + 1], last)
    return candle._replace(
        high=max(seen),
        low=min(seen),
        close=last,
        volume=int(candle.volume * share) // coin.lot * coin.lot,
        quote_volume=int(candle.quote_volume * share),
        trades=int(candle.trades * share),
        taker_buy_volume=int(candle.taker_buy_volume * share) // coin.lot * coin.lot,
        taker_buy_quote_volume=int(candle.taker_buy_quote_volume * share),
    )


def printed(units: int) -> str:
    """A price or volume with Binance's eight decimals.

    >>> printed(6_512_345_000_000), printed(117)
    ('65123.45000000', '0.00000117')
    """
    digits = f"{units:09d}"
    return f"{digits[:-8]}.{digits[-8:]}"


def wire_fields(candle: Candle, microseconds: bool) -> list[int | str]:
    """The twelve fields of a kline in wire order.

    Args:
        candle: What to print.
        microseconds: Times in microseconds instead of milliseconds.
    """
    unit = 1 if microseconds else 1000
    return [
        candle.open_time // unit,
        printed(candle.open),
        printed(candle.high),
        printed(candle.low),
        printed(candle.close),
        printed(candle.volume),
        candle.close_time // unit,
        printed(candle.quote_volume),
        candle.trades,
        printed(candle.taker_buy_volume),
        printed(candle.taker_buy_quote_volume),
        "0",
    ]
