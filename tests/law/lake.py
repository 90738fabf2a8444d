"""A lake in a folder with every derived table, and the same tables computed from scratch, for comparison."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from klineforge.contracts import CONTRACTS
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.incremental.engine import Outcome, refresh
from klineforge.incremental.recipe import Derivation, Recipe
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT
from klineforge.recipes import gold, marts, silver

START = datetime(2021, 12, 30, tzinfo=UTC)
MIN_OBSERVATIONS = 4

# Every derived table in the order of the pipelines, with the tables its transform's arguments come from.
STEPS: tuple[tuple[Recipe, Mapping[str, str]], ...] = (
    (silver.STAGE, {"klines": "binance_klines_daily"}),
    (silver.fact(), {"stage": "stage_binance_klines"}),
    (silver.quarantine(), {"stage": "stage_binance_klines", "klines": "binance_klines_daily"}),
    (silver.RUNS, {"fact": "fact_1h_klines"}),
    (silver.GAPS, {"runs": "kline_runs"}),
    (gold.coins(), {"runs": "kline_runs", "exchange_info": "binance_exchange_info"}),
    (gold.EXCHANGE, {"runs": "kline_runs"}),
    (gold.TIMESTAMP, {"runs": "kline_runs"}),
    (marts.RETURNS, {"candles": "fact_1h_klines"}),
    (marts.VOLUME, {"candles": "fact_1h_klines"}),
    (marts.MOVERS, {"returns": "mart_returns_1h", "volume": "mart_volume_metrics_1h"}),
    (marts.correlations(MIN_OBSERVATIONS), {"candles": "fact_1h_klines"}),
    (
        marts.BREADTH,
        {"returns": "mart_returns_1h", "volume": "mart_volume_metrics_1h", "correlations": "mart_correlations"},
    ),
)
DERIVED = tuple(recipe.name for recipe, _ in STEPS)


@dataclass(frozen=True)
class Record:
    """One bronze row about one hour of one coin."""

    coin: str
    hour: int
    close: float = 100.0
    volume: float = 10.0
    source_kind: str = "rest"
    sequence: int = 0
    valid: bool = True
    minutes_off: int = 0
    malformed: bool = False

    def as_row(self) -> dict[str, Any]:
        """The record as Binance would send it, with its provenance."""
        opened = START + timedelta(hours=self.hour, minutes=self.minutes_off)
        epoch = int(opened.timestamp()) * 1000
        high = self.close * (1.02 if self.valid else 0.5)
        text = f"{self}"
        sent = {
            "open_time": epoch,
            "open": f"{self.close:.8f}",
            "high": f"{high:.8f}",
            "low": f"{self.close * 0.98:.8f}",
            "close": f"{self.close:.8f}",
            "volume": f"{self.volume:.8f}",
            "close_time": epoch + 3_599_999,
            "quote_volume": f"{self.volume * self.close * 1.001:.8f}",
            "count": 7,
            "taker_buy_volume": f"{self.volume / 2:.8f}",
            "taker_buy_quote_volume": f"{self.volume * self.close / 2:.8f}",
            "ignore": "0",
        }
        if self.malformed:
            sent = dict.fromkeys(sent)
        return {
            **sent,
            "coin": self.coin,
            "interval": "1h",
            "ingestion_ts": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.sequence),
            "source_kind": self.source_kind,
            "source_uri": "http://127.0.0.1/",
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "source_row": 0,
            "batch_id": "test",
            "malformed_record": "1,2,3" if self.malformed else None,
        }


_ARROW = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}
_BRONZE = pa.schema([(column.name, _ARROW[column.type]) for column in CONTRACTS["binance_klines_daily"].columns])


@dataclass
class Lake:
    """All tables of one lake, brought up to date the way the pipelines do."""

    root: Path
    appends: int = field(default=0)

    def dataset(self, name: str) -> DeltaTableDataset:
        """The dataset of a table."""
        return DeltaTableDataset(contract=name, path=str(self.root / CONTRACTS[name].layer / name))

    def add(self, records: Iterable[Record]) -> None:
        """Append records to bronze."""
        rows = pa.Table.from_pylist([record.as_row() for record in records], schema=_BRONZE)
        self.appends += 1
        self.dataset("binance_klines_daily").save(Append(rows, f"test-{self.appends}", {}, KLINE_LAYOUT))

    def derive(self) -> dict[str, Outcome]:
        """Bring every derived table up to date."""
        return self.derive_only(*DERIVED)

    def derive_only(self, *names: str) -> dict[str, Outcome]:
        """Bring some tables up to date, in the order of the pipelines."""
        outcomes = {}
        for recipe, sources in STEPS:
            if recipe.name in names:
                inputs = {argument: self.dataset(table).load() for argument, table in sources.items()}
                outcomes[recipe.name] = refresh(Derivation(recipe, inputs), self.dataset(recipe.name).load())
        return outcomes

    def versions(self) -> dict[str, int]:
        """Newest version of every derived table."""
        heads = {name: self.dataset(name).load().seen for name in DERIVED}
        return {name: head.version for name, head in heads.items() if head is not None}

    def read(self, name: str) -> pl.DataFrame:
        """A table's rows in the order of its key, read without Spark."""
        rows = pl.read_delta(str(self.dataset(name).location.path))
        return _ordered(rows, name)


def from_scratch(lake: Lake, spark: SparkSession) -> dict[str, pl.DataFrame]:
    """Every derived table computed from the whole of bronze, without any of the incremental machinery."""
    frames: dict[str, DataFrame] = {
        name: lake.dataset(name).load().df for name in ("binance_klines_daily", "binance_exchange_info")
    }
    tables = {}
    for recipe, sources in STEPS:
        made = recipe.transform(**{argument: frames[table] for argument, table in sources.items()})
        rows = made.toArrow()
        # Held in memory, so that the next table's query does not compute this one again.
        frames[recipe.name] = spark.createDataFrame(rows, schema=made.schema)
        tables[recipe.name] = _ordered(pl.DataFrame(rows), recipe.name)
    return tables


def _ordered(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    contract = CONTRACTS[name]
    return rows.select(contract.column_names).sort(*contract.grain)


def differences(found: pl.DataFrame, wanted: pl.DataFrame, name: str) -> list[str]:
    """What distinguishes two versions of a table: keys and categories exactly, numbers within 1e-9."""
    keys = list(CONTRACTS[name].grain)
    if found.select(keys).rows() != wanted.select(keys).rows():
        missing = wanted.join(found, on=keys, how="anti").select(keys).rows()[:3]
        extra = found.join(wanted, on=keys, how="anti").select(keys).rows()[:3]
        return [f"{name}: missing {missing}, extra {extra}, {found.height} rows instead of {wanted.height}"]
    wrong = []
    for column in (column for column in wanted.columns if column not in keys):
        pairs = zip(found[column].to_list(), wanted[column].to_list(), strict=True)
        bad = [index for index, (one, other) in enumerate(pairs) if not _same(one, other)]
        if bad:
            first = bad[0]
            wrong.append(
                f"{name}.{column}: {len(bad)} rows differ, first {found.row(first, named=True)} "
                f"instead of {wanted.row(first, named=True)[column]}"
            )
    return wrong


_close = partial(math.isclose, rel_tol=1e-9, abs_tol=1e-9)


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or _close(one, other)
    return one == other
