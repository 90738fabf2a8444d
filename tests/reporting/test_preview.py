"""Previews for pictures: real rows, newest first, without Spark."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from klineforge.contracts import CONTRACTS
from klineforge.lake.location import TableLocation
from klineforge.lake.preview import Preview, newest_rows

WriteTable = Callable[..., Path]
HOUR = datetime(2026, 3, 1, 11, tzinfo=UTC)


def preview(lake: Path, table: str, rows: int = 5) -> Preview:
    contract = CONTRACTS[table]
    return newest_rows(TableLocation(str(lake / contract.layer / table)), contract, rows)


def column(shown: Preview, name: str) -> list[object]:
    position = shown["columns"].index(name)
    return [row[position] for row in shown["data"]]


def test_newest_rows_time_series_gives_newest_first_then_by_key(market_lake: Path) -> None:
    shown = preview(market_lake, "mart_top_movers", rows=2)

    assert column(shown, "open_timestamp") == ["2026-03-01 11:00", "2026-03-01 11:00"]
    assert column(shown, "coin") == ["BTCUSDT", "ETHUSDT"]
    assert shown["index"] == [0, 1]


def test_newest_rows_columns_are_those_of_the_contract_without_layout(market_lake: Path) -> None:
    shown = preview(market_lake, "binance_klines_daily")

    assert shown["columns"] == [column.name for column in CONTRACTS["binance_klines_daily"].columns]
    assert "candle_hour" not in shown["columns"]


def test_newest_rows_cells_can_be_json_and_read(write_table: WriteTable, lake: Path) -> None:
    row = {"exchange": "binance", "coin": "BTCUSDT", "open_timestamp": HOUR}
    write_table("mart_returns_1h", [{**row, "close_price": 100.123456789, "return_pct": float("nan")}])
    write_table("quarantine_klines", [{**row, "reported_at": HOUR, "reasons": ["a", "b"], "record": "x" * 200}])

    returns, rejected = preview(lake, "mart_returns_1h"), preview(lake, "quarantine_klines")

    json.dumps([returns, rejected], allow_nan=False)
    assert column(returns, "close_price") == [100.123457]
    assert column(returns, "return_pct") == [None]
    assert column(rejected, "reasons") == ["a, b"]
    assert column(rejected, "record") == ["x" * 77 + "..."]


def test_newest_rows_table_without_time_is_in_order_of_its_key(market_lake: Path) -> None:
    assert column(preview(market_lake, "dim_coins"), "coin") == ["BTCUSDT", "BTCUSDT", "ETHUSDT", "OLDUSDT"]


def test_newest_rows_absent_table_gives_columns_and_no_rows(lake: Path) -> None:
    shown = preview(lake, "dim_coins")

    assert shown["data"] == []
    assert shown["columns"][:2] == ["exchange", "coin"]


def test_newest_rows_table_in_a_catalog_gives_no_rows() -> None:
    assert newest_rows(TableLocation(name="main.gold.dim_coins"), CONTRACTS["dim_coins"], 5)["data"] == []
