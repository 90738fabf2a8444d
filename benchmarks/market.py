"""An invented market: random walks with a common factor, outages, single gaps, and coins listed later.

The same size gives the same candles on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

# The end of the history, exclusive; what benchmarks add comes after it.
HISTORY_END = datetime(2026, 3, 4, tzinfo=UTC)
HOURS_AFTER = 50 * 24
HOUR = timedelta(hours=1)

# Fifteen symbols that the listing seed knows as still traded; more are invented and count as unverified.
SYMBOLS = (
    "BTCUSDT",
    "ETHUSDT",
    "BNBUSDT",
    "ADAUSDT",
    "XRPUSDT",
    "SOLUSDT",
    "DOTUSDT",
    "DOGEUSDT",
    "LTCUSDT",
    "LINKUSDT",
    "ALGOUSDT",
    "TRXUSDT",
    "AVAXUSDT",
    "SHIBUSDT",
    "1INCHUSDT",
)
# Part of the history after which a coin is listed. At 60,000 hours none begins before its listing in the seed.
_LISTED_AFTER = {"DOGEUSDT": 0.03, "ALGOUSDT": 0.03, "SOLUSDT": 0.19, "DOTUSDT": 0.19, "AVAXUSDT": 0.21}
_INVENTED_LISTED_LATER_EVERY = 5

_HOURLY_VOLATILITY = 0.006
_OUTAGES_PER_HOUR = 1 / 3000
_UNEXPLAINED_GAPS_PER_HOUR = 1 / 20_000
_SMALLEST_PRICE = 0.001


@dataclass(frozen=True)
class Market:
    """Candles of some coins over some hours.

    Args:
        coins: How many.
        hours: Length of the history before ``HISTORY_END``; whole days, so that it lies in whole daily archives.
        real: Folder of real candles (``SYMBOL-1h.parquet``) to take instead of invented ones; their newest
            ``HOURS_AFTER`` hours are what comes after the history.
    """

    coins: int
    hours: int
    real: Path | None = None

    def __post_init__(self) -> None:
        if self.hours % 24:
            raise ValueError(f"hours must be whole days, got {self.hours}: expected a multiple of 24")

    @property
    def end(self) -> datetime:
        """End of the history, exclusive."""
        if self.real is None:
            return HISTORY_END
        return max(_real_end(file) for file in _real_files(self.real, self.coins)) - HOURS_AFTER * HOUR

    @property
    def start(self) -> datetime:
        """First hour."""
        return self.end - self.hours * HOUR

    @property
    def symbols(self) -> tuple[str, ...]:
        """Native symbols."""
        if self.real is not None:
            return tuple(file.name.removesuffix("-1h.parquet") for file in _real_files(self.real, self.coins))
        invented = (f"C{number}USDT" for number in range(len(SYMBOLS) + 1, self.coins + 1))
        return (*SYMBOLS, *invented)[: self.coins]

    @property
    def label(self) -> str:
        """Short name of the size, also of folders."""
        return f"{'real-' if self.real else ''}{self.coins}x{self.hours}"

    def candles(self) -> pl.DataFrame:
        """History and the hours after it.

        Returns:
            ``coin``, ``hour`` (UTC), ``open``, ``high``, ``low``, ``close`` (above 0), ``volume``, ``quote_volume``,
            ``count``; by coin and hour.
        """
        return pl.concat(self.by_coin())

    def by_coin(self) -> Iterator[pl.DataFrame]:
        """The same, one coin after the other."""
        for index, symbol in enumerate(self.symbols):
            if self.real is not None:
                yield _real_candles(self.real / f"{symbol}-1h.parquet", symbol, self.start)
            else:
                yield self._coin(index, symbol)

    def _coin(self, index: int, symbol: str) -> pl.DataFrame:
        total = self.hours + HOURS_AFTER
        random = np.random.default_rng((7, index))
        common = np.random.default_rng(7).standard_t(4, total)
        own = random.standard_t(4, total)
        beta = 0.4 + 0.5 * ((index * 7) % 10) / 10
        moves = _HOURLY_VOLATILITY * (beta * common + np.sqrt(1 - beta**2) * own) / np.sqrt(2)
        close = np.maximum(10 ** (index % 4) * np.exp(np.cumsum(moves)), _SMALLEST_PRICE)
        opened = np.concatenate([close[:1], close[:-1]])
        reach = np.abs(random.normal(0, _HOURLY_VOLATILITY / 2, (2, total)))
        volume = random.lognormal(5, 1, total)
        high, low = np.maximum(opened, close) * (1 + reach[0]), np.minimum(opened, close) * (1 - reach[1])
        frame = pl.DataFrame(
            {
                "hour": pl.datetime_range(
                    self.start, self.start + total * HOUR, "1h", closed="left", time_zone="UTC", eager=True
                ),
                "open": opened,
                "high": high,
                "low": low,
                "close": close,
                "volume": volume,
                "quote_volume": volume * (high + low) / 2,
                "count": (volume * 3).astype(np.int64) + 1,
            }
        )
        return frame.filter(self._traded(index, symbol, random)).select(pl.lit(symbol).alias("coin"), pl.all())

    def _traded(self, index: int, symbol: str, random: np.random.Generator) -> pl.Series:
        """Hours with a candle: since the listing, outside outages; nothing is missing after the history."""
        traded = np.ones(self.hours + HOURS_AFTER, dtype=np.bool_)
        traded[: int(self.hours * _listed_after(index, symbol))] = False
        outages = np.random.default_rng(8)
        for first in outages.integers(0, self.hours, 1 + int(self.hours * _OUTAGES_PER_HOUR)):
            traded[first : min(first + 1 + first % 9, self.hours)] = False
        traded[random.integers(0, self.hours, 1 + int(self.hours * _UNEXPLAINED_GAPS_PER_HOUR))] = False
        return pl.Series(traded)


def _listed_after(index: int, symbol: str) -> float:
    if index < len(SYMBOLS):
        return _LISTED_AFTER.get(symbol, 0.0)
    return (index * 7 % 10) / 20 if index % _INVENTED_LISTED_LATER_EVERY == 0 else 0.0


def _real_files(folder: Path, coins: int) -> list[Path]:
    return sorted(folder.glob("*-1h.parquet"))[:coins]


def _real_end(file: Path) -> datetime:
    newest = pl.scan_parquet(file).select(pl.col("open_time").max()).collect().item()
    day = datetime.fromtimestamp(newest / 1000, tz=UTC) + HOUR
    return day.replace(hour=0)


def _real_candles(file: Path, symbol: str, start: datetime) -> pl.DataFrame:
    hour = pl.from_epoch("open_time", time_unit="ms").dt.replace_time_zone("UTC").alias("hour")
    numbers = [pl.col(name).cast(pl.Float64) for name in ("open", "high", "low", "close", "volume", "quote_volume")]
    rows = pl.scan_parquet(file).select(pl.lit(symbol).alias("coin"), hour, *numbers, pl.lit(0).alias("count"))
    return rows.filter(pl.col("hour") >= start).sort("hour").collect()
