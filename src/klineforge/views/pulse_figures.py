"""The figures behind Market Pulse: every coin at one hour, and the market over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.measures.market import MarketState, market_state, mover_signal, percentile_of_last, trend
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.explanation import Explanation, UnavailableError
from klineforge.serving.intervals import HOURS
from klineforge.serving.selection import Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.listings import of_newest_listing

TABLES = (
    "dim_coins",
    "mart_returns_1h",
    "mart_volume_metrics_1h",
    "mart_top_movers",
    "mart_correlations",
    "mart_market_breadth_1h",
    "mart_indicators_1h",
)
TRAILING = timedelta(days=90)
"""How far back the market's volatility is compared."""
SPARK_POINTS = 48
_TIME, _COIN = "open_timestamp", "coin"
_PRICES = (_COIN, _TIME, "listing_seq", "close_price", "return_pct", "rolling_vol_24h")
_INDICATORS = (_COIN, "return_24h", "efficiency_ratio_24h", "volume_ratio_30d", "vwap_deviation", "rsi_14")


@dataclass(frozen=True, slots=True, eq=False)
class Pulse:
    """What Market Pulse shows.

    Args:
        at: The hour that figures of coins are of: the newest one of the range, UTC.
        interval_hours: Length of the interval that ``interval_return`` is over.
        coins: One row per coin with a candle at that hour.
        absent: Coins of the selection without one.
        hourly: Prices and returns of the range, one row per coin and hour.
        market: One row per hour of the range and the 90 days before its end: mean return and mean volatility.
        breadth: The market's breadth of the range, of all coins of the exchange.
        percentile: Where the market's volatility stands among that of the trailing 90 days, 0 to 1.
        correlation: Mean ``corr_24h`` of the pairs that a coin of the selection is in; None where there is none.
        missing: Why parts of the figures are not there.
    """

    at: datetime
    interval_hours: int
    coins: pl.DataFrame
    absent: tuple[str, ...]
    hourly: pl.DataFrame
    market: pl.DataFrame
    breadth: pl.DataFrame
    percentile: float | None
    correlation: float | None
    missing: tuple[Explanation, ...]

    @property
    def mean_return_24h(self) -> float | None:
        """Mean of the coins' 24-hour returns, unweighted."""
        return _mean(self.coins["return_24h"])

    @property
    def mean_volatility(self) -> float | None:
        """Mean of the coins' ``rolling_vol_24h`` at the hour."""
        return _mean(self.coins["rolling_vol_24h"])

    @property
    def state(self) -> MarketState | None:
        """The market in one word."""
        return market_state(self.percentile, self.correlation, self.mean_return_24h)


def read_pulse(warehouse: Warehouse, selection: Selection, catalogue: Catalogue) -> Pulse:
    """Read the figures of a selection.

    Raises:
        UnavailableError: There are no returns, or none of what was selected.
    """
    reader = _Reader(warehouse, selection)
    wanted = selection.all_coins(catalogue)
    since = min(selection.start, selection.end - TRAILING)
    prices = warehouse.read(
        "mart_returns_1h",
        _PRICES,
        exchange=selection.exchange,
        coins=selection.coins,
        start=since,
        end=selection.end,
    )
    hourly = prices.filter(pl.col(_TIME) >= selection.start)
    warehouse.require(hourly, "mart_returns_1h", _asked(selection))
    at: datetime = hourly[_TIME].max()  # type: ignore[assignment]  # polars: any literal
    over_time = _market(prices, at)
    trailing = over_time.filter(pl.col(_TIME) > at - TRAILING)
    pairs = reader.at("mart_correlations", ("base_coin", "related_coin", "corr_24h"), at)
    coins = _coins(reader, prices, pairs, at)
    return Pulse(
        at=at,
        interval_hours=HOURS[selection.interval],
        coins=coins,
        absent=tuple(coin for coin in wanted if coin not in set(coins[_COIN])),
        hourly=hourly,
        market=over_time,
        breadth=reader.breadth(),
        percentile=percentile_of_last(trailing["volatility"]),
        correlation=_mean(_involving(pairs, selection.coins)["corr_24h"]),
        missing=tuple(reader.missing),
    )


class _Reader:
    """Reads tables the page can do without; what is missing is remembered, and its figures are null."""

    def __init__(self, warehouse: Warehouse, selection: Selection) -> None:
        self._warehouse = warehouse
        self.selection = selection
        self.missing: list[Explanation] = []

    def at(self, table: str, columns: tuple[str, ...], hour: datetime) -> pl.DataFrame:
        """Rows of one hour, of all coins."""
        rows = self._optional(table, columns, hour, hour + HOUR)
        if rows.is_empty() and not any(problem.table == table for problem in self.missing):
            late = self._warehouse.lag(table, hour)
            self.missing += [late] if late else []
        return rows

    def range(self, table: str, columns: tuple[str, ...]) -> pl.DataFrame:
        """Rows of the selected coins and hours."""
        return self._optional(table, columns, self.selection.start, self.selection.end, self.selection.coins)

    def breadth(self) -> pl.DataFrame:
        """The market's breadth over the range."""
        columns = (_TIME, "advancers", "decliners", "unchanged", "mean_return", "share_above_vwap_24h", "mean_corr_24h")
        return self._optional("mart_market_breadth_1h", columns, self.selection.start, self.selection.end)

    def _optional(
        self, table: str, columns: tuple[str, ...], start: datetime, end: datetime, coins: tuple[str, ...] = ()
    ) -> pl.DataFrame:
        exchange = self.selection.exchange
        try:
            return self._warehouse.read(table, columns, exchange=exchange, coins=coins, start=start, end=end)
        except UnavailableError as problem:
            self.missing.append(problem.explanation)
            return self._warehouse.no_rows(table, columns)


def _market(prices: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """Mean return and volatility of the coins, hour by hour up to ``at``."""
    return (
        prices.lazy()
        .filter(pl.col(_TIME) <= at)
        .group_by(_TIME)
        .agg(mean_return=pl.col("return_pct").mean(), volatility=pl.col("rolling_vol_24h").mean())
        .sort(_TIME)
        .collect()
    )


def _coins(reader: _Reader, prices: pl.DataFrame, pairs: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """One row per coin with a candle at the hour."""
    now = prices.filter(pl.col(_TIME) == at).drop(_TIME, "listing_seq")
    pressure = reader.range("mart_volume_metrics_1h", (_COIN, "volume_spike_ratio"))
    joined = (
        now.join(_interval_returns(prices, at, HOURS[reader.selection.interval]), on=_COIN, how="left")
        .join(reader.at("mart_returns_1h", (_COIN, "volatility_regime", "drawdown_pct"), at), on=_COIN, how="left")
        .join(
            reader.at("mart_volume_metrics_1h", (_COIN, "volume_spike_ratio", "is_volume_spike"), at),
            on=_COIN,
            how="left",
        )
        .join(reader.at("mart_indicators_1h", _INDICATORS, at), on=_COIN, how="left")
        .join(reader.at("mart_top_movers", (_COIN, "mover_rank"), at), on=_COIN, how="left")
        .join(pressure.group_by(_COIN).agg(volume_pressure=pl.col("volume_spike_ratio").mean()), on=_COIN, how="left")
        .join(_correlation_pressure(pairs), on=_COIN, how="left")
        .join(_sparks(prices, at), on=_COIN, how="left")
    )
    return joined.with_columns(
        mover_signal=mover_signal(pl.col("return_24h")),
        trend=trend(pl.col("efficiency_ratio_24h"), pl.col("return_24h")),
    ).sort("return_24h", _COIN, descending=[True, False], nulls_last=True)


def _interval_returns(prices: pl.DataFrame, at: datetime, hours: int) -> pl.DataFrame:
    """Return since the candle opened exactly so many hours earlier; null where there is none."""
    then = prices.filter(pl.col(_TIME) == at - hours * HOUR).select(_COIN, "listing_seq", earlier="close_price")
    now = prices.filter(pl.col(_TIME) == at).select(_COIN, "listing_seq", "close_price")
    both = now.join(then, on=[_COIN, "listing_seq"], how="left")
    return both.select(_COIN, interval_return=pl.col("close_price") / pl.col("earlier") - 1)


def _correlation_pressure(pairs: pl.DataFrame) -> pl.DataFrame:
    """Mean ``corr_24h`` of each coin with all others of the exchange."""
    sides = [pairs.select(pl.col(side).alias(_COIN), "corr_24h") for side in ("base_coin", "related_coin")]
    return pl.concat(sides).group_by(_COIN).agg(correlation_pressure=pl.col("corr_24h").mean())


def _involving(pairs: pl.DataFrame, coins: tuple[str, ...]) -> pl.DataFrame:
    if not coins:
        return pairs
    return pairs.filter(pl.col("base_coin").is_in(list(coins)) | pl.col("related_coin").is_in(list(coins)))


def _sparks(prices: pl.DataFrame, at: datetime) -> pl.DataFrame:
    recent = prices.filter(
        pl.col(_TIME).is_between(at - SPARK_POINTS * HOUR, at, closed="right"),
        of_newest_listing(),
    )
    return recent.group_by(_COIN, maintain_order=True).agg(spark=pl.col("close_price"))


def _asked(selection: Selection) -> str:
    coins = ", ".join(selection.coins[:5]) or f"the coins of {selection.exchange}"
    return f"{coins} from {selection.start:%Y-%m-%d %H:%M} to {selection.end:%Y-%m-%d %H:%M}"


def _mean(values: pl.Series) -> float | None:
    known = values.drop_nulls()
    return float(known.mean()) if known.len() else None  # type: ignore[arg-type]  # polars: any literal
