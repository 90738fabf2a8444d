"""Candles: what one is, how it is printed, and how it looks while its hour is not over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from klineforge.simulator.coins import SimulatedCoin
from klineforge.simulator.lifecycle import Hours

Integers = NDArray[np.int64]

HOUR_IN_MICROSECONDS = 3_600_000_000
DAY_IN_MICROSECONDS = 24 * HOUR_IN_MICROSECONDS


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


def whole_day(hours: Sequence[Candle]) -> Candle:
    """The candle of the day that some of its hours make.

    Args:
        hours: Candles of one UTC day in order of time, at least one.
    """
    first, last = hours[0], hours[-1]
    opened = first.open_time // DAY_IN_MICROSECONDS * DAY_IN_MICROSECONDS
    return Candle(
        open_time=opened,
        open=first.open,
        high=max(candle.high for candle in hours),
        low=min(candle.low for candle in hours),
        close=last.close,
        volume=sum(candle.volume for candle in hours),
        close_time=opened + DAY_IN_MICROSECONDS - 1_000,
        quote_volume=sum(candle.quote_volume for candle in hours),
        trades=sum(candle.trades for candle in hours),
        taker_buy_volume=sum(candle.taker_buy_volume for candle in hours),
        taker_buy_quote_volume=sum(candle.taker_buy_quote_volume for candle in hours),
    )


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
    volume, taker = (int(total * share) // coin.lot * coin.lot for total in (candle.volume, candle.taker_buy_volume))
    return candle._replace(
        high=max(seen),
        low=min(seen),
        close=last,
        volume=volume,
        quote_volume=_in_proportion(candle.quote_volume, volume, candle.volume),
        trades=int(candle.trades * share),
        taker_buy_volume=taker,
        taker_buy_quote_volume=_in_proportion(candle.taker_buy_quote_volume, taker, candle.taker_buy_volume),
    )


def _in_proportion(amount: int, part: int, whole: int) -> int:
    return amount * part // whole if whole else 0


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
