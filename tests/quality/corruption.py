"""Ways in which a lake goes wrong under somebody's hands, and what notices each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from klineforge.contracts import CONTRACTS

FACT, RETURNS, VOLUME = "fact_1h_klines", "mart_returns_1h", "mart_volume_metrics_1h"
CORRELATIONS, COINS, KLINES = "mart_correlations", "dim_coins", "binance_klines_daily"
INDICATORS = "mart_indicators_1h"


@dataclass(frozen=True)
class Corruption:
    """One way.

    Args:
        name: What somebody did.
        table: To which table.
        harm: Does it to a lake.
        rules: All of these must be told as broken, by table and rule.
        repair: ``repair``, ``rebuild`` or ``run``: the documented way back; a run follows the first two.
    """

    name: str
    table: str
    harm: Callable[[Path], None]
    rules: frozenset[tuple[str, str]]
    repair: str


def folder(lake: Path, table: str) -> Path:
    """Where a table lies."""
    return lake / CONTRACTS[table].layer / table


def data_file(lake: Path, table: str) -> Path:
    """The largest of a table's live data files."""
    place = folder(lake, table)
    live = pl.DataFrame(DeltaTable(place).get_add_actions(flatten=True)).sort("size_bytes")
    return place / str(live["path"][-1])


def rewritten(lake: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Change rows inside a data file, past Delta, and make the log agree with the file's new size."""
    file = data_file(lake, table)
    before = file.stat().st_size
    schema = pq.read_schema(file)
    changed = change(pl.read_parquet(file)).to_arrow().select(schema.names).cast(_nullable(schema))
    pq.write_table(changed, file, compression="zstd")
    for entry in (folder(lake, table) / "_delta_log").glob("*.json"):
        text = entry.read_text(encoding="utf-8")
        entry.write_text(text.replace(f'"size":{before}', f'"size":{file.stat().st_size}'), encoding="utf-8")


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def _delete_a_file(lake: Path) -> None:
    data_file(lake, FACT).unlink()


def _edit_a_log_entry(lake: Path) -> None:
    log = folder(lake, RETURNS) / "_delta_log"
    for entry in sorted(log.glob("*.json")):
        lines = [json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines()]
        for line in lines:
            if "add" in line:
                line["add"]["size"] += 1
        entry.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")


def _append_a_duplicate(lake: Path) -> None:
    rows = pl.read_delta(str(folder(lake, FACT))).filter(pl.col("coin") == "BTCUSDT").tail(3)
    write_deltalake(folder(lake, FACT), rows.to_arrow(), mode="append")


def _change_a_price(lake: Path) -> None:
    def dearer(rows: pl.DataFrame) -> pl.DataFrame:
        middle = pl.int_range(pl.len()) == rows.height // 2
        # Inside the hour's range, so that no rule about a single row can tell.
        return rows.with_columns(close_price=pl.when(middle).then("high_price").otherwise("close_price"))

    rewritten(lake, FACT, dearer)


def _change_a_figure(lake: Path) -> None:
    rewritten(lake, RETURNS, lambda rows: rows.with_columns(rolling_vol_24h=pl.col("rolling_vol_24h") * 1.0001))


def _change_an_indicator(lake: Path) -> None:
    rewritten(lake, INDICATORS, lambda rows: rows.with_columns(rsi_14=pl.col("rsi_14") * 0.9999))


def _drop_a_partition(lake: Path) -> None:
    table = DeltaTable(folder(lake, CORRELATIONS))
    year = pl.read_delta(str(folder(lake, CORRELATIONS)))["year"].max()
    table.delete(f"year = {year}")


def _write_a_future_hour(lake: Path) -> None:
    far = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
    rows = pl.read_delta(str(folder(lake, VOLUME))).tail(1)
    rows = rows.with_columns(open_timestamp=pl.lit(far).cast(pl.Datetime("us", "UTC")), year=pl.lit(far.year, pl.Int32))
    write_deltalake(folder(lake, VOLUME), rows.to_arrow(), mode="append")


def _null_a_key(lake: Path) -> None:
    def unnamed(rows: pl.DataFrame) -> pl.DataFrame:
        first = pl.int_range(pl.len()) == 0
        return rows.with_columns(coin=pl.when(~first).then("coin"))

    rewritten(lake, VOLUME, unnamed)


def _break_a_foreign_key(lake: Path) -> None:
    DeltaTable(folder(lake, COINS)).delete("coin = 'BTCUSDT'")


def _truncate_a_checkpoint(lake: Path) -> None:
    DeltaTable(folder(lake, FACT)).create_checkpoint()
    (checkpoint,) = (folder(lake, FACT) / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:200])


def _swap_two_coins(lake: Path) -> None:
    swapped = {"coin": "CASE WHEN coin = 'BTCUSDT' THEN 'ETHUSDT' WHEN coin = 'ETHUSDT' THEN 'BTCUSDT' ELSE coin END"}
    DeltaTable(folder(lake, FACT)).update(swapped)


def _lose_a_download(lake: Path) -> None:
    sha = pl.read_delta(str(folder(lake, KLINES)))["sha256"][0]
    DeltaTable(folder(lake, KLINES)).delete(f"sha256 = '{sha}'")


def _told(*rules: tuple[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(rules)


CORRUPTIONS = (
    Corruption("a data file deleted", FACT, _delete_a_file, _told((FACT, "files_whole")), "repair"),
    Corruption("a log entry edited", RETURNS, _edit_a_log_entry, _told((RETURNS, "files_whole")), "repair"),
    Corruption("a duplicate appended", FACT, _append_a_duplicate, _told((FACT, "unique_key")), "run"),
    Corruption("a price changed", FACT, _change_a_price, _told((FACT, "accepted_or_quarantined")), "rebuild"),
    Corruption("a figure changed", RETURNS, _change_a_figure, _told((RETURNS, "figures_again")), "rebuild"),
    Corruption(
        "an indicator changed", INDICATORS, _change_an_indicator, _told((INDICATORS, "figures_again")), "rebuild"
    ),
    Corruption(
        "a partition dropped",
        CORRELATIONS,
        _drop_a_partition,
        _told((CORRELATIONS, "every_pair_of_the_hour"), (CORRELATIONS, "one_row_each")),
        "run",
    ),
    Corruption(
        "a future hour written",
        VOLUME,
        _write_a_future_hour,
        _told((VOLUME, "not_in_future"), (VOLUME, "one_row_each")),
        "run",
    ),
    Corruption("a key set to null", VOLUME, _null_a_key, _told((VOLUME, "not_null_coin")), "rebuild"),
    Corruption("a foreign key broken", COINS, _break_a_foreign_key, _told((FACT, "listing_seq_in_dim_coins")), "run"),
    Corruption("a checkpoint truncated", FACT, _truncate_a_checkpoint, _told((FACT, "log_readable")), "repair"),
    Corruption("two coins' rows swapped", FACT, _swap_two_coins, _told((FACT, "accepted_or_quarantined")), "run"),
    Corruption(
        "a download lost from bronze",
        KLINES,
        _lose_a_download,
        _told((KLINES, "as_many_as_downloaded"), (KLINES, "commits_ours")),
        "repair",
    ),
)
