"""The small market as a lake: every mart by the oracle, every table by its contract. No Spark, a second or two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import polars as pl
from deltalake import write_deltalake
from oracle.breadth import oracle_breadth
from oracle.correlations import oracle_correlations
from oracle.marts import oracle_movers, oracle_returns, oracle_volume
from small_lake.indicators import indicators
from small_lake.market import (
    COINS,
    END,
    EXCHANGE,
    HOUR,
    LATE_COIN,
    LISTED_AT,
    OUTAGE,
    REFUSED_COIN,
    REFUSED_HOUR,
    START,
    candles,
)

from klineforge.contracts import CONTRACTS
from klineforge.lake.arrow import conformed


def build_lake(root: Path) -> Path:
    """Write the small market's lake.

    Args:
        root: Where; made if it is not there.
    """
    fact = candles()
    returns, volume = oracle_returns(fact), oracle_volume(fact)
    pairs = oracle_correlations(fact)
    tables = {
        "fact_1h_klines": fact,
        "mart_returns_1h": returns,
        "mart_volume_metrics_1h": volume,
        "mart_top_movers": oracle_movers(returns, volume),
        "mart_indicators_1h": indicators(returns, volume),
        "mart_correlations": pairs,
        "mart_market_breadth_1h": oracle_breadth(returns, volume, pairs),
    }
    for name, rows in tables.items():
        write(root, name, pl.DataFrame(rows, nan_to_null=True))
    write(root, "dim_coins", _coins())
    write(root, "kline_gaps", _gaps())
    write(root, "quarantine_klines", _quarantine())
    mark(root, "simulated")
    return root


def write(root: Path, name: str, rows: pl.DataFrame, mode: str = "overwrite") -> None:
    """Write rows to a table as its contract has them; the partition column is added."""
    contract = CONTRACTS[name]
    if contract.partitioned:
        rows = rows.with_columns(pl.col(str(contract.time_column)).dt.year().alias("year"))
    table = conformed(rows.sort(contract.sort_by).to_arrow(), contract)
    partition_by = list(contract.partition_columns) or None
    write_deltalake(root / contract.layer / name, table, mode=mode, partition_by=partition_by)  # type: ignore[call-overload]


def mark(root: Path, market: str) -> None:
    """Say which market the lake holds."""
    (root / "_klineforge").mkdir(exist_ok=True)
    (root / "_klineforge" / "market.json").write_text(json.dumps({"market": market}))


def report(root: Path, broken: Mapping[str, str], rules: int = 40) -> None:
    """Leave a report of the checks.

    Args:
        root: The lake.
        broken: Severity by rule, all of ``mart_returns_1h``.
        rules: How many were asked.
    """
    told = [
        {"table": "mart_returns_1h", "rule": rule, "severity": severity, "failed": 3, "detail": "look"}
        for rule, severity in broken.items()
    ]
    content = {"checked_at": END.isoformat(), "rules": rules, "broken": told}
    (root / "_klineforge" / "quality_report.json").write_text(json.dumps(content))


def _coins() -> pl.DataFrame:
    first = {coin: LISTED_AT if coin == LATE_COIN else START for coin in COINS}
    return pl.DataFrame(
        [
            {
                "exchange": EXCHANGE,
                "coin": coin,
                "listing_seq": 1,
                "base_asset": coin.removesuffix("USDT"),
                "quote_asset": "USDT",
                "market_type": "spot",
                "is_current": True,
                "is_active": True,
                "listing_source": "exchange",
                "valid_from": first[coin],
                "valid_to": None,
                "predecessor": None,
                "first_candle": first[coin],
                "last_candle": END - HOUR,
            }
            for coin in COINS
        ],
        schema_overrides={"valid_to": pl.Datetime("us", "UTC"), "predecessor": pl.String},
    )


def _gaps() -> pl.DataFrame:
    outages = [(coin, *OUTAGE, "exchange_outage") for coin in COINS]
    late = [(LATE_COIN, START, LISTED_AT, "not_listed_yet")]
    refused = [(REFUSED_COIN, REFUSED_HOUR, REFUSED_HOUR + HOUR, "unexplained")]
    return pl.DataFrame(
        [
            {
                "exchange": EXCHANGE,
                "coin": coin,
                "gap_start": start,
                "gap_end": end,
                "gap_hours": (end - start) // timedelta(hours=1),
                "kind": kind,
            }
            for coin, start, end, kind in (*outages, *late, *refused)
        ]
    )


def _quarantine() -> pl.DataFrame:
    row = {
        "exchange": EXCHANGE,
        "coin": REFUSED_COIN,
        "reported_at": REFUSED_HOUR,
        "open_timestamp": REFUSED_HOUR,
        "reasons": ["high_is_not_highest"],
        "record": "{}",
        "source_kind": "rest",
        "source_uri": "http://127.0.0.1/klines",
        "source_sha256": "0" * 64,
        "source_row": 0,
        "ingestion_ts": END,
    }
    return pl.DataFrame([row])
