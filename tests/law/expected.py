"""What the derived tables must hold, worked out from bronze's rows in plain Python: cheap enough for every run.

The marts come from ``tests/oracle``. Silver and gold are written down here in the contract's columns and types; nothing
is shared with the package but the contracts; what is known of listings is ``law.listings``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd
import polars as pl
from law.listings import LISTINGS
from law.records import Record, Symbol
from oracle.silver import EPOCH, HOUR, PRICES, VOLUMES, Silver, oracle_gaps, oracle_silver

from klineforge.contracts import CONTRACTS
from klineforge.reference.listings import Listing

EXCHANGE = "binance"
_POLARS: dict[str, Any] = {
    "STRING": pl.String,
    "BIGINT": pl.Int64,
    "INT": pl.Int32,
    "DOUBLE": pl.Float64,
    "TIMESTAMP": pl.Datetime("us", "UTC"),
    "DATE": pl.Date,
    "BOOLEAN": pl.Boolean,
    "ARRAY<STRING>": pl.List(pl.String),
}
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

Row = dict[str, Any]
# Of each coin the open times of its candles, each with the listing it belongs to.
Hours = dict[str, dict[datetime, int]]


def expected_silver_and_gold(records: Iterable[Record], symbols: Iterable[Symbol]) -> dict[str, pl.DataFrame]:
    """Silver and gold by table name.

    Args:
        records: All rows of ``binance_klines_daily``.
        symbols: All rows of ``binance_exchange_info``.

    Returns:
        Frames with the contract's columns, in any order of rows; ``record`` of quarantine is left out, see
        ``quarantined_records``.
    """
    rows = [record.as_row() for record in records]
    silver = oracle_silver(rows, LISTINGS)
    hours: Hours = {}
    for (coin, opened), candle in silver.fact.items():
        hours.setdefault(coin, {})[opened] = candle["listing_seq"]
    made = {
        "stage_binance_klines": [_staged(opened, row) for (_, opened), row in silver.stage.items()],
        "fact_1h_klines": [
            {"exchange": EXCHANGE, "coin": coin, "open_timestamp": opened, **candle}
            for (coin, opened), candle in silver.fact.items()
        ],
        "quarantine_klines": list(_quarantined(rows, silver)),
        "kline_runs": list(run_rows(hours)),
        "kline_gaps": list(_gaps(hours)),
        "dim_coins": list(_coins(hours, symbols)),
        "dim_exchange": list(_exchanges(hours)),
        "dim_timestamp": [
            row for year in sorted({hour.year for opened in hours.values() for hour in opened}) for row in _year(year)
        ],
    }
    return {name: _frame(rows, name) for name, rows in made.items()}


def candles_for_oracles(fact: pl.DataFrame) -> pd.DataFrame:
    """The fact as the oracles of the marts take it."""
    return fact.drop("year").to_pandas()


def _frame(rows: Sequence[Row], name: str) -> pl.DataFrame:
    contract = CONTRACTS[name]
    if contract.partitioned and contract.time_column is not None:
        rows = [{**row, "year": row[contract.time_column].year} for row in rows]
    schema = {column.name: _POLARS[column.type] for column in contract.all_columns}
    missing = {name for row in rows[:1] for name in schema if name not in row}
    assert not missing, f"{name}: nothing is expected of {missing}"
    return pl.DataFrame(rows, schema=schema, orient="row")


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def instant(epoch: int | None) -> datetime | None:
    """The instant a raw epoch of 13 or 16 digits names."""
    if epoch is None or len(str(epoch)) not in {13, 16}:
        return None
    return EPOCH + (timedelta(milliseconds=epoch) if len(str(epoch)) == 13 else timedelta(microseconds=epoch))


def _staged(opened: datetime, row: Row) -> Row:
    return {
        "coin": row["coin"],
        "open_timestamp": opened,
        "close_timestamp": instant(row["close_time"]),
        **{f"{name}_price": _number(row[name]) for name in PRICES},
        **{name: _number(row[name]) for name in VOLUMES},
        "trade_count": row["count"],
        **_provenance(row),
    }


def _provenance(row: Row) -> Row:
    same = ("source_kind", "source_uri", "source_row", "ingestion_ts")
    return {"source_sha256": row["sha256"], **{name: row[name] for name in same}}


def _quarantined(rows: Sequence[Row], silver: Silver) -> Iterator[Row]:
    staged = {(row["sha256"], row["source_row"]): opened for (_, opened), row in silver.stage.items()}
    for row in rows:
        source = row["sha256"], row["source_row"]
        reasons = silver.quarantine.get(source)
        if reasons is None:
            continue
        opened = staged.get(source)
        yield {
            "exchange": EXCHANGE,
            "coin": row["coin"],
            "reported_at": opened or row["ingestion_ts"],
            "open_timestamp": opened,
            "reasons": sorted(reasons),
            "record": _record(row, opened),
            **_provenance(row),
        }


def _record(row: Row, opened: datetime | None) -> str:
    if row["malformed_record"] is not None:
        return canonical(row["malformed_record"])
    if opened is None:
        fields = ("open_time", *PRICES, "volume", "close_time", "quote_volume", "count")
        names = (*fields, "taker_buy_volume", "taker_buy_quote_volume", "ignore")
        return canonical(json.dumps({name: row[name] for name in names}))
    staged = _staged(opened, row)
    values = {name: staged[name] for name in staged if name not in {"coin", *_provenance(row)}}
    return canonical(json.dumps(values, default=_spark_json))


def _spark_json(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def canonical(text: str) -> str:
    """The same JSON with sorted keys and Python's spelling of numbers; any other text as it is."""
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


def run_rows(hours: Hours) -> Iterator[Row]:
    """Rows of ``kline_runs`` for the open times of each coin's candles."""
    for coin, listing in hours.items():
        firsts = [
            hour for hour in listing if listing.get(hour - HOUR) != listing[hour] or (hour.day == 1 and hour.hour == 0)
        ]
        for first in firsts:
            last = first
            while listing.get(last + HOUR) == listing[first] and (last + HOUR).month == first.month:
                last += HOUR
            yield {
                "exchange": EXCHANGE,
                "coin": coin,
                "listing_seq": listing[first],
                "first_hour": first,
                "last_hour": last,
                "candles": (last - first) // HOUR + 1,
            }


def _gaps(hours: Hours) -> Iterator[Row]:
    for (coin, start), (end, length, kind) in oracle_gaps(hours, LISTINGS).items() if hours else ():
        times = {"gap_start": start, "gap_end": end, "gap_hours": length}
        yield {"exchange": EXCHANGE, "coin": coin, **times, "kind": kind}


def _coins(hours: Hours, symbols: Iterable[Symbol]) -> Iterator[Row]:
    for coin, listing in hours.items():
        known = [period for period in LISTINGS if period.symbol == coin]
        newest = max((period.listing_seq for period in known), default=1)
        snapshots = [symbol for symbol in symbols if symbol.coin == coin]
        for seq in set(listing.values()):
            periods = [period for period in known if period.listing_seq == seq]
            yield {
                "exchange": EXCHANGE,
                "coin": coin,
                "listing_seq": seq,
                "market_type": "spot",
                "is_current": seq == newest,
                **_listed(coin, periods, snapshots if seq == newest else [], is_current=seq == newest),
                "valid_from": periods[0].valid_from if periods else None,
                "valid_to": periods[-1].valid_to if periods else None,
                "predecessor": periods[0].predecessor if periods else None,
                "first_candle": min(hour for hour in listing if listing[hour] == seq),
                "last_candle": max(hour for hour in listing if listing[hour] == seq),
            }


def _listed(coin: str, periods: Sequence[Listing], snapshots: Sequence[Symbol], *, is_current: bool) -> Row:
    if snapshots:
        status = max(snapshots, key=lambda symbol: symbol.sequence).status
        base, quote, active, source = coin[:3], coin[3:], status == "TRADING", "exchange"
    elif periods:
        base, quote, source = periods[0].base_asset, periods[0].quote_asset, "seed"
        active = is_current and periods[-1].valid_to is None
    else:
        return {**dict.fromkeys(("base_asset", "quote_asset", "is_active")), "listing_source": "unverified"}
    return {"base_asset": base, "quote_asset": quote, "is_active": active, "listing_source": source}


def _exchanges(hours: Hours) -> Iterator[Row]:
    if hours:
        yield {
            "exchange": EXCHANGE,
            "exchange_name": "Binance",
            "timezone": "UTC",
            "no_trade_policy": "a flat candle with zero volume; no candle while trading is halted",
            "first_candle": min(min(opened) for opened in hours.values()),
            "last_candle": max(max(opened) for opened in hours.values()),
        }


@cache
def _year(year: int) -> tuple[Row, ...]:
    hours = (datetime(year, 1, 1, tzinfo=UTC) + number * HOUR for number in range(366 * 24))
    return tuple(
        {
            "ts": hour,
            "date": hour.date(),
            "hour": hour.hour,
            "day": hour.day,
            "month": hour.month,
            "year": hour.year,
            "day_of_week": hour.isoweekday() % 7,
            "day_name": _DAYS[hour.isoweekday() % 7],
            "week_of_year": hour.isocalendar().week,
            "is_weekend": hour.isoweekday() >= 6,
            "asia_session": hour.hour <= 7,
            "eu_session": 7 <= hour.hour <= 15,
            "us_session": 13 <= hour.hour <= 20,
        }
        for hour in hours
        if hour.year == year
    )
