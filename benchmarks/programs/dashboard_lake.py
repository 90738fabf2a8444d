"""The tables that the dashboard reads, straight into a lake: ``dashboard_lake LAKE COINS HOURS``.

Layout, types and sizes are those of the warehouse; figures of single coins are rolling ones over rows, correlations are
invented: what is measured is reading. A few minutes of Spark for every build would measure nothing more.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import write_deltalake

from benchmarks.market import HOUR, Market
from klineforge.contracts import contract_of
from klineforge.lake.arrow import conformed
from klineforge.lake.market import market_marker

_KEY = ("exchange", "coin", "open_timestamp")
_CLOSE, _RETURN = pl.col("close_price"), pl.col("return_pct")


def main(lake: str, coins: str, hours: str) -> None:
    """Write the lake."""
    root, market = Path(lake), Market(int(coins), int(hours))
    rows = _candles(market)
    _write(root, "fact_1h_klines", rows)
    figures = _figures(rows)
    for table in ("mart_returns_1h", "mart_volume_metrics_1h", "mart_top_movers", "mart_indicators_1h"):
        _write(root, table, figures)
    _write(root, "mart_market_breadth_1h", _breadth(figures))
    _write(root, "dim_coins", _coins(rows))
    for year in _pairs(market):
        _write(root, "mart_correlations", year)
    marker = market_marker(root)
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(json.dumps({"market": "simulated"}), encoding="utf-8")


def _candles(market: Market) -> pl.DataFrame:
    opened = pl.col("hour")
    return (
        market.candles()
        .filter(opened < market.end)
        .select(
            "coin",
            pl.lit("binance").alias("exchange"),
            pl.lit(1, pl.Int32).alias("listing_seq"),
            opened.dt.cast_time_unit("us").alias("open_timestamp"),
            (opened + pl.duration(hours=1) - pl.duration(milliseconds=1))
            .dt.cast_time_unit("us")
            .alias("close_timestamp"),
            *(pl.col(name).alias(f"{name}_price") for name in ("open", "high", "low", "close")),
            "volume",
            "quote_volume",
            pl.col("count").alias("trade_count"),
            (pl.col("volume") / 2).alias("taker_buy_volume"),
            (pl.col("quote_volume") / 2).alias("taker_buy_quote_volume"),
            pl.lit(value=False).alias("is_irregular_close"),
            pl.lit(value=False).alias("is_zero_volume"),
        )
        .sort("coin", "open_timestamp")
    )


def _figures(rows: pl.DataFrame) -> pl.DataFrame:
    """One frame with the columns of every mart of single coins."""
    per_coin = (
        rows.lazy()
        .with_columns(prev_close=_CLOSE.shift(1).over("coin"))
        .with_columns(return_pct=_CLOSE / pl.col("prev_close") - 1, log_return=(_CLOSE / pl.col("prev_close")).log())
        .with_columns(
            rolling_vol_24h=_RETURN.rolling_std(24, min_samples=2).over("coin"),
            running_peak_price=_CLOSE.cum_max().over("coin"),
            rolling_volume_24h=pl.col("volume").rolling_sum(24, min_samples=1).over("coin"),
            avg_volume_24h=pl.col("volume").rolling_mean(24, min_samples=1).over("coin"),
            quoted=pl.col("quote_volume").rolling_sum(24, min_samples=1).over("coin"),
            return_24h=_CLOSE / _CLOSE.shift(24).over("coin") - 1,
            rsi_14=50 + 40 * (_RETURN * 100).tanh(),
            volume_spike_ratio=pl.col("volume") / pl.col("volume").rolling_mean(24, min_samples=1).over("coin"),
        )
        .with_columns(
            vwap_24h=pl.col("quoted") / pl.col("rolling_volume_24h"),
            drawdown_pct=_CLOSE / pl.col("running_peak_price") - 1,
            volatility_regime=pl.when(pl.col("rolling_vol_24h") > 0.008).then(pl.lit("High")).otherwise(pl.lit("Low")),
            is_volume_spike=pl.col("volume_spike_ratio") > 2,
            volume_ratio_30d=pl.col("rolling_volume_24h")
            / pl.col("rolling_volume_24h").rolling_mean(720, min_samples=1).over("coin"),
            mover_signal=_RETURN.abs() * pl.col("volume_spike_ratio"),
        )
        .with_columns(
            vwap_deviation=_CLOSE / pl.col("vwap_24h") - 1,
            mover_rank=pl.col("mover_signal").fill_null(0).rank("ordinal", descending=True).over("open_timestamp"),
        )
    )
    hours = ("observations_24h", "vwap_observations_24h")
    long_hours = ("observations_720h", "beta_observations_720h")
    shares = ("share_above_vwap_24h", "trend_persistence_24h", "efficiency_ratio_24h")
    constant = [
        *(pl.lit(24, pl.Int32).alias(name) for name in hours),
        *(pl.lit(720, pl.Int32).alias(name) for name in long_hours),
        *(pl.lit(0.5).alias(name) for name in shares),
        pl.lit(1, pl.Int32).alias("trend_run_hours"),
        pl.lit(1.0).alias("beta_720h"),
    ]
    return per_coin.with_columns(*constant).collect()


def _breadth(figures: pl.DataFrame) -> pl.DataFrame:
    hourly = figures.group_by("exchange", "open_timestamp").agg(
        coins_with_return=_RETURN.count(),
        advancers=(_RETURN > 0).sum(),
        decliners=(_RETURN < 0).sum(),
        unchanged=(_RETURN == 0).sum(),
        mean_return=_RETURN.mean(),
        return_dispersion=_RETURN.std(),
        coins_with_vwap=pl.len(),
        share_above_vwap_24h=(pl.col("vwap_deviation") > 0).mean(),
    )
    ratio = pl.when(pl.col("decliners") > 0).then(pl.col("advancers") / pl.col("decliners"))
    return hourly.with_columns(ratio.alias("advance_decline_ratio"), pairs_with_correlation=190, mean_corr_24h=0.4)


def _coins(rows: pl.DataFrame) -> pl.DataFrame:
    opened = pl.col("open_timestamp")
    return rows.group_by("exchange", "coin").agg(
        pl.lit(1, pl.Int32).first().alias("listing_seq"),
        first_candle=opened.min(),
        last_candle=opened.max(),
    ).with_columns(
        pl.col("coin").str.strip_suffix("USDT").alias("base_asset"),
        pl.lit("USDT").alias("quote_asset"),
        pl.lit("spot").alias("market_type"),
        pl.lit(value=True).alias("is_current"),
        pl.lit(value=True).alias("is_active"),
        pl.lit("exchange").alias("listing_source"),
        pl.col("first_candle").alias("valid_from"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("valid_to"),
        pl.lit(None, pl.String).alias("predecessor"),
    )  # fmt: skip


def _pairs(market: Market) -> Iterator[pl.DataFrame]:
    """Correlations of every pair and hour, year by year."""
    random = np.random.default_rng(11)
    hours = pl.datetime_range(market.start, market.end - HOUR, "1h", time_zone="UTC", time_unit="us", eager=True)
    for year in hours.dt.year().unique().sort():
        opened = hours.filter(hours.dt.year() == year)
        parts = []
        for base, related in combinations(sorted(market.symbols), 2):
            waves = 0.45 + 0.35 * np.sin(np.arange(opened.len()) / 97 + random.uniform(0, 6))
            values = np.clip(waves + random.normal(0, 0.1, opened.len()), -1, 1)
            parts.append(
                pl.DataFrame({"open_timestamp": opened, "corr_24h": values}).with_columns(
                    pl.lit(base).alias("base_coin"), pl.lit(related).alias("related_coin")
                )
            )
        yield pl.concat(parts).with_columns(
            pl.lit("binance").alias("exchange"),
            pl.lit(24, pl.Int32).alias("observations_24h"),
            pl.lit("Medium").alias("correlation_regime"),
            pl.lit(value=False).alias("corr_breakdown_alerts"),
        )


def _write(root: Path, name: str, rows: pl.DataFrame) -> None:
    contract = contract_of(name)
    if contract.partitioned:
        rows = rows.with_columns(pl.col(str(contract.time_column)).dt.year().cast(pl.Int32).alias("year"))
    table = conformed(rows.select(contract.column_names).sort(contract.sort_by).to_arrow(), contract)
    partition_by = list(contract.partition_columns) or None
    write_deltalake(root / contract.layer / name, table, mode="append", partition_by=partition_by)


if __name__ == "__main__":
    main(*sys.argv[1:])
