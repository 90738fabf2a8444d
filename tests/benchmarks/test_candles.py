"""The invented candles, their archive, and the SQL that peers make marts of them with."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
import requests
from benchmarks.archive import archive_of, served
from benchmarks.market import HOURS_AFTER, SYMBOLS, Market
from benchmarks.programs.fill import appends
from benchmarks.sql import EXACT_CORRELATIONS, NAIVE_MARTS, statement
from benchmarks.wire import as_wire
from oracle.comparison import assert_same_table
from oracle.correlations import oracle_correlations
from oracle.marts import oracle_movers, oracle_returns, oracle_volume

from klineforge.exchanges.binance.epochs import open_micros
from klineforge.exchanges.binance.parse import parse_checksum, parse_csv
from klineforge.exchanges.binance.unpack import unpack_csv

CANDLE = ("exchange", "coin", "open_timestamp")
PAIR = ("exchange", "base_coin", "related_coin", "open_timestamp")


def fact(*missing: int) -> pd.DataFrame:
    """Four days of three coins as rows of the fact; the second coin lacks some hours."""
    market = Market(3, 240)
    rows = market.candles().filter(pl.col("hour") >= market.end, pl.col("hour") < market.end + timedelta(hours=96))
    gone = [market.end + timedelta(hours=hour) for hour in missing]
    kept = rows.filter(~((pl.col("coin") == market.symbols[1]) & pl.col("hour").is_in(gone)))
    names = {"hour": "open_timestamp", "close": "close_price"}
    named = kept.with_columns(pl.lit("binance").alias("exchange")).rename(names)
    return named.select(*CANDLE, "close_price", "volume", "quote_volume").to_pandas()


def by_sql(candles: pd.DataFrame, *names: str) -> dict[str, pd.DataFrame]:
    database = duckdb.connect()
    fact_arrow = pl.from_pandas(candles).with_columns(pl.col("open_timestamp").dt.replace_time_zone(None)).to_arrow()
    database.register("fact", fact_arrow)
    tables = {}
    for name in names:
        database.sql(f"CREATE TABLE {name} AS {statement(name)}")
        table = database.sql(f"FROM {name}").df()
        tables[name] = table.assign(
            open_timestamp=table["open_timestamp"].astype("datetime64[us]").dt.tz_localize("UTC")
        )
    return tables


def test_candles_are_valid_the_same_every_time_and_not_all_there() -> None:
    market = Market(16, 2400)
    candles = market.candles()
    assert candles.equals(market.candles())
    assert candles["coin"].unique().sort().to_list() == sorted([*SYMBOLS, "C16USDT"])
    prices = candles.select("open", "high", "low", "close").to_numpy()
    assert (prices > 0).all()
    assert (prices[:, 1] == prices.max(axis=1)).all()
    assert (prices[:, 2] == prices.min(axis=1)).all()
    hours = {coin: set(rows["hour"]) for (coin,), rows in candles.partition_by("coin", as_dict=True).items()}
    whole = 2400 + HOURS_AFTER
    assert all(len(there) < whole for there in hours.values())
    assert min(hours["AVAXUSDT"]) > min(hours["BTCUSDT"]) == market.start
    outages = [market.start + timedelta(hours=n) for n in range(2400)]
    assert any(all(hour not in there for there in hours.values()) for hour in outages)


def test_history_is_made_of_whole_days() -> None:
    with pytest.raises(ValueError, match="multiple of 24"):
        Market(3, 100)


def test_wire_has_milliseconds_before_2025_and_microseconds_from_then_on() -> None:
    hours = [datetime(2024, 12, 31, 23, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)]
    candle = {"open": 1.0, "high": 2.5, "low": 0.5, "close": 2.0, "volume": 3.0, "quote_volume": 4.0, "count": 7}
    wire = as_wire(pl.DataFrame([{"hour": hour, **candle} for hour in hours]))
    assert wire["open_time"].to_list() == [1_735_686_000_000, 1_735_689_600_000_000]
    assert wire["close_time"].to_list() == [1_735_689_599_999, 1_735_693_199_999_999]
    assert wire.row(0)[1:6] == ("1.00000000", "2.50000000", "0.50000000", "2.00000000", "3.00000000")


def test_archive_is_what_the_ingester_reads(tmp_path: Path) -> None:
    market = Market(2, 1440)
    root = archive_of(market, tmp_path, days_after=1)
    monthly = root / "data/spot/monthly/klines/ETHUSDT/1h/ETHUSDT-1h-2026-02.zip"
    with served(root) as url:
        answer = requests.get(f"{url}/{monthly.relative_to(root)}.CHECKSUM", timeout=10)
        assert parse_checksum(answer.content, monthly.name) == hashlib.sha256(monthly.read_bytes()).hexdigest()
    there = market.candles().filter(pl.col("coin") == "ETHUSDT", pl.col("hour").dt.strftime("%Y-%m") == "2026-02")
    records = parse_csv(unpack_csv(monthly.read_bytes(), monthly.name))
    assert open_micros(records).tolist() == there["hour"].dt.epoch("us").to_list()
    days = sorted(file.name for file in root.glob("data/spot/daily/klines/BTCUSDT/1h/*.zip"))
    assert days == [f"BTCUSDT-1h-2026-03-{day:02d}.zip" for day in (1, 2, 3, 4)]


def test_archive_is_made_once(tmp_path: Path) -> None:
    market = Market(1, 24)
    root = archive_of(market, tmp_path, days_after=1)
    (root / "mark").touch()
    assert (archive_of(market, tmp_path, days_after=1) / "mark").exists()
    assert not (archive_of(market, tmp_path, days_after=2) / "mark").exists()


def test_bronze_rows_have_unique_keys_and_end_with_the_history() -> None:
    market = Market(3, 480)
    rows = pl.concat(pl.DataFrame(rows) for _, rows in appends(market))
    assert rows.height == market.candles().filter(pl.col("hour") < market.end).height
    assert rows.select("coin", "sha256", "source_row").is_unique().all()


def test_naive_sql_is_right_where_no_hour_is_missing() -> None:
    candles = fact()
    tables = by_sql(candles, *NAIVE_MARTS)
    returns, volume = oracle_returns(candles), oracle_volume(candles)
    assert_same_table(tables["returns"], returns, CANDLE)
    assert_same_table(tables["volume"], volume, CANDLE)
    assert_same_table(tables["movers"], oracle_movers(returns, volume), CANDLE)
    assert_same_table(tables["correlations"], oracle_correlations(candles), PAIR)


def test_exact_sql_is_right_where_hours_are_missing_and_naive_sql_is_not() -> None:
    candles = fact(40, 41, 60)
    tables = by_sql(candles, "correlations", EXACT_CORRELATIONS)
    wanted = oracle_correlations(candles)
    assert_same_table(tables[EXACT_CORRELATIONS], wanted, PAIR)
    with pytest.raises(AssertionError, match="rows differ"):
        assert_same_table(tables["correlations"], wanted, PAIR)
