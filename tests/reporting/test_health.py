"""What a lake says about itself, whole, incomplete and broken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import pytest
from deltalake import CommitProperties, DeltaTable

from klineforge.contracts import CONTRACTS
from klineforge.reporting.health import CheckpointCount, CoinHealth, read_health
from klineforge.reporting.tables import TableProblem, TableState

WriteTable = Callable[..., Path]

HOUR = datetime(2026, 3, 1, 11, tzinfo=UTC)


def coin_named(coins: tuple[CoinHealth, ...], name: str) -> CoinHealth:
    return next(coin for coin in coins if coin.coin == name)


def problem_of(lake: Path, now: datetime, table: str) -> TableProblem:
    entry = next(entry for entry in read_health(lake, now).tables if entry.name == table)
    assert isinstance(entry, TableProblem)
    return entry


def test_read_health_absent_lake_reports_every_table_absent(tmp_path: Path, now: datetime) -> None:
    health = read_health(tmp_path / "nowhere", now)

    assert not health.exists
    assert [entry.name for entry in health.tables] == list(CONTRACTS)
    assert {entry.kind for entry in health.tables if isinstance(entry, TableProblem)} == {"absent"}
    assert health.coins == ()


def test_read_health_table_written_gives_rows_hour_version_and_change(market_lake: Path, now: datetime) -> None:
    fact = read_health(market_lake, now).table("fact_1h_klines")

    assert fact is not None
    assert (fact.rows, fact.newest, fact.version, fact.layer) == (6, HOUR, 0, "silver")
    assert fact.last_change is not None
    assert (fact.last_change.action, fact.last_change.inserted, fact.last_change.updated) == ("append", 6, 1)
    assert fact.last_change.deleted is None


def test_read_health_bronze_without_time_column_takes_newest_hour_from_its_layout(
    market_lake: Path, now: datetime
) -> None:
    bronze = read_health(market_lake, now).table("binance_klines_daily")

    assert bronze is not None
    assert (bronze.rows, bronze.newest) == (4, HOUR)


def test_read_health_note_without_counts_takes_rows_from_delta(
    write_table: WriteTable, lake: Path, now: datetime
) -> None:
    row = {"exchange": "binance", "coin": "BTCUSDT", "open_timestamp": HOUR}
    write_table("fact_1h_klines", [row], action="rebuild", counts={"inserted": 0, "updated": 0, "deleted": 0})

    fact = read_health(lake, now).table("fact_1h_klines")

    assert fact is not None
    assert fact.last_change is not None
    assert (fact.last_change.action, fact.last_change.inserted) == ("rebuild", 1)


def test_read_health_foreign_commit_on_top_keeps_last_own_change(
    write_table: WriteTable, lake: Path, now: datetime
) -> None:
    row = {"exchange": "binance", "coin": "BTCUSDT", "open_timestamp": HOUR}
    write_table("fact_1h_klines", [row], action="merge", counts={"deleted": 2})
    write_table("fact_1h_klines", [row], action=None)

    fact = read_health(lake, now).table("fact_1h_klines")

    assert fact is not None
    assert fact.version == 1
    assert fact.last_change is not None
    assert (fact.last_change.action, fact.last_change.deleted) == ("merge", 2)


def maintained(path: Path) -> None:
    """A commit as maintenance makes it: the note of the table, and that it was maintenance."""
    noted = {"klineforge": {"action": "acknowledge", "extra": {"maintenance": "files"}}}
    DeltaTable(path).optimize.compact(
        commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps(noted)})
    )


def test_read_health_maintenance_is_no_change_where_another_is_known(
    write_table: WriteTable, lake: Path, now: datetime
) -> None:
    row = {"exchange": "binance", "coin": "BTCUSDT", "open_timestamp": HOUR}
    path = write_table("fact_1h_klines", [row], action="merge", counts={"deleted": 2})
    write_table("fact_1h_klines", [row], action="append", counts={"inserted": 1})
    maintained(path)

    fact = read_health(lake, now).table("fact_1h_klines")
    assert fact is not None
    assert fact.version == 2
    assert fact.last_change is not None
    assert (fact.last_change.action, fact.last_change.inserted) == ("append", 1)

    DeltaTable(path).create_checkpoint()
    for version in range(2):
        (path / "_delta_log" / f"{version:020d}.json").unlink()
    fact = read_health(lake, now).table("fact_1h_klines")
    assert fact is not None
    assert fact.last_change is not None
    assert fact.last_change.action == "maintain"


def test_read_health_crowd_is_the_partition_with_most_files(write_table: WriteTable, lake: Path, now: datetime) -> None:
    for year, files in ((2024, 1), (2025, 3)):
        for _ in range(files):
            opened = datetime(year, 5, 1, tzinfo=UTC)
            write_table("fact_1h_klines", [{"exchange": "binance", "coin": "A", "open_timestamp": opened}])
    write_table("dim_coins", [{"coin": "A"}])
    write_table("dim_coins", [{"coin": "B"}])

    health = read_health(lake, now)

    fact, coins = health.table("fact_1h_klines"), health.table("dim_coins")
    assert fact is not None
    assert coins is not None
    assert (fact.files, fact.crowd, coins.crowd) == (4, 3, 2)
    assert health.crowded == ()


def test_read_health_empty_table_has_no_newest_hour(write_table: WriteTable, lake: Path, now: datetime) -> None:
    write_table("mart_returns_1h", [])

    mart = read_health(lake, now).table("mart_returns_1h")

    assert mart is not None
    assert (mart.rows, mart.newest) == (0, None)


def test_read_health_coins_measure_hours_behind_newest_complete_hour(market_lake: Path, now: datetime) -> None:
    coins = read_health(market_lake, now).coins

    fresh, late, gone = (coin_named(coins, name) for name in ("BTCUSDT", "ETHUSDT", "OLDUSDT"))
    assert (fresh.hours_behind, fresh.is_active, fresh.candles) == (0, True, 2)
    assert (late.hours_behind, late.is_active) == (2, None)
    assert gone.is_active is False
    assert gone.last_candle == datetime(2025, 6, 1, tzinfo=UTC)


def test_read_health_gaps_counted_per_coin_and_kind(market_lake: Path, now: datetime) -> None:
    coins = read_health(market_lake, now).coins

    assert coin_named(coins, "ETHUSDT").gaps == (("delisted", 3), ("exchange_outage", 2), ("unexplained", 1))
    assert coin_named(coins, "ETHUSDT").gap_hours == 3, "hours without a listing are not missing"
    assert coin_named(coins, "BTCUSDT").gaps == ()


def test_read_health_quarantine_counts_each_reason_of_a_row(market_lake: Path, now: datetime) -> None:
    assert read_health(market_lake, now).quarantined == (("off_hour", 2), ("high_not_highest", 1))


def test_read_health_checkpoints_counted_by_source_and_status(market_lake: Path, now: datetime) -> None:
    assert read_health(market_lake, now).checkpoints == (
        CheckpointCount("daily_archive", "loaded", sources=2, rows=768),
        CheckpointCount("daily_archive", "not_found", sources=1, rows=0),
    )


def _empty_folder(table: Path) -> None:
    shutil.rmtree(table)
    table.mkdir()


def _file_instead(table: Path) -> None:
    shutil.rmtree(table)
    table.write_text("not a table")


def _garbled_log(table: Path) -> None:
    (table / "_delta_log" / "00000000000000000000.json").write_text("{ not json")


def _empty_log(table: Path) -> None:
    (table / "_delta_log" / "00000000000000000000.json").write_text("")


@pytest.mark.parametrize("damage", [_empty_folder, _file_instead, _garbled_log, _empty_log])
def test_read_health_damaged_table_is_an_entry_not_an_error(
    damage: Callable[[Path], None], market_lake: Path, now: datetime
) -> None:
    damage(market_lake / "silver" / "fact_1h_klines")

    problem = problem_of(market_lake, now, "fact_1h_klines")

    assert problem.kind == "damaged"
    assert problem.detail
    assert "\n" not in problem.detail
    assert read_health(market_lake, now).coins == ()


def test_read_health_data_file_missing_keeps_table_and_remarks(market_lake: Path, now: datetime) -> None:
    for file in (market_lake / "silver" / "fact_1h_klines").rglob("*.parquet"):
        file.unlink()

    health = read_health(market_lake, now)

    assert isinstance(health.table("fact_1h_klines"), TableState)
    assert health.coins == ()
    assert len(health.remarks) == 1
    assert health.remarks[0].startswith("fact_1h_klines: ")


def test_read_health_small_lake_takes_less_than_a_second(market_lake: Path, now: datetime) -> None:
    started = perf_counter()

    read_health(market_lake, now + timedelta(hours=1))

    assert perf_counter() - started < 1.0
