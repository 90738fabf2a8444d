"""Checkpoints that claim rows which bronze does not hold (any more)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from deltalake import CommitProperties, DeltaTable

from klineforge.contracts.bronze import BINANCE_INGESTION_CHECKPOINTS, BINANCE_KLINES_DAILY
from klineforge.lake.note import CommitNote
from klineforge.lake.repair import QUIET, Workshop, commit, taken_back

_SOURCE = ("coin", "sha256")


@dataclass(frozen=True)
class Lost:
    """Rows that checkpoints claim and that are not there.

    Args:
        coin: Native symbol.
        start: First hour of the sources concerned, UTC.
        end: End of their hours, UTC, exclusive.
        rows: How many rows are missing.
    """

    coin: str
    start: datetime
    end: datetime
    rows: int

    def __str__(self) -> str:
        return f"{self.rows:,} rows of {self.coin} between {self.start:%Y-%m-%d %H:%M} and {self.end:%Y-%m-%d %H:%M}"


def lost_rows(shop: Workshop) -> tuple[tuple[Lost, ...], tuple[str, ...]]:
    """What bronze lacks by its own checkpoints.

    Args:
        shop: Where.

    Returns:
        The rows by coin, and the appends whose checkpoints claim them.
    """
    klines, checkpoints = (shop.path(contract) for contract in (BINANCE_KLINES_DAILY, BINANCE_INGESTION_CHECKPOINTS))
    if not DeltaTable.is_deltatable(str(checkpoints)) or not DeltaTable.is_deltatable(str(klines)):
        # Without klines coverage believes no checkpoint anyway, without checkpoints there is nothing to believe.
        return (), ()
    claims = pl.read_delta(str(checkpoints)).filter(pl.col("row_count") > 0)
    held = pl.scan_delta(str(klines)).group_by(_SOURCE).agg(held=pl.len()).collect()
    short = (
        claims.group_by(_SOURCE)
        .agg(claimed=pl.col("row_count").sum())
        .join(held, on=_SOURCE, how="left")
        .with_columns(missing=pl.col("claimed") - pl.col("held").fill_null(0).cast(pl.Int64))
        .filter(pl.col("missing") > 0)
    )
    doubtful = claims.join(short, on=_SOURCE)
    by_coin = (
        doubtful.group_by("coin")
        .agg(pl.col("range_start").min(), pl.col("range_end").max())
        .join(short.group_by("coin").agg(pl.col("missing").sum()), on="coin")
        .sort("coin")
    )
    lost = tuple(Lost(*row) for row in by_coin.select("coin", "range_start", "range_end", "missing").iter_rows())
    return lost, tuple(sorted(doubtful["batch_id"].unique()))


def withdraw_claims(shop: Workshop, batches: tuple[str, ...]) -> None:
    """Take out the checkpoints of appends that have lost rows, so that the next run fetches their hours again.

    What is left of such an append stays in bronze: rows that come again in the same bytes are not appended twice.

    Args:
        shop: Where; the checkpoints are kept on the table's shelf.
        batches: The appends.
    """
    contract = BINANCE_INGESTION_CHECKPOINTS
    path, shelf = shop.path(contract), shop.shelf(contract.name)
    withdrawn = pl.read_delta(str(path)).filter(pl.col("batch_id").is_in(batches))
    shelf.mkdir(parents=True, exist_ok=True)
    withdrawn.write_parquet(shelf / "withdrawn.parquet")
    klines = shop.path(BINANCE_KLINES_DAILY)
    # First the identities: a run after a repair that was killed here finds checkpoints that it does not believe.
    commit(klines, _note(BINANCE_KLINES_DAILY.name, "acknowledge"), [], taken_back(klines))
    DeltaTable(path).delete(
        f"batch_id IN ({', '.join(repr(batch) for batch in batches)})",
        commit_properties=CommitProperties(
            custom_metadata={"userMetadata": _note(contract.name, "merge").to_json()},
            app_transactions=taken_back(path),
        ),
        post_commithook_properties=QUIET,
    )


def _note(table: str, action: str) -> CommitNote:
    return CommitNote(table, action, extra={"repair": "appends that have lost rows may come again"})  # type: ignore[arg-type]
