"""A lake in a folder with every derived table, and the same tables computed from scratch, for comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
from law.listings import with_listings
from law.records import Record, Symbol, bronze_rows
from pyspark.sql import DataFrame, SparkSession

from klineforge.contracts import CONTRACTS
from klineforge.datasets.delta_table import Append, DeltaTableDataset
from klineforge.incremental.engine import Outcome, refresh
from klineforge.incremental.recipe import Derivation, Recipe
from klineforge.pipelines.bronze.layout import KLINE_LAYOUT
from klineforge.recipes import features, gold, marts, silver

MIN_OBSERVATIONS = 4
REFERENCE_COIN = "BBBUSDT"
BARRIERS = (0.8, 1.2)
KLINES = "binance_klines_daily"
LISTING = "binance_exchange_info"

FEATURES_READ = {
    "candles": "fact_1h_klines",
    "returns": "mart_returns_1h",
    "volume": "mart_volume_metrics_1h",
    "indicators": "mart_indicators_1h",
    "correlations": "mart_correlations",
    "breadth": "mart_market_breadth_1h",
}

# Every derived table in the order of the pipelines, with the tables its transform's arguments come from.
STEPS: tuple[tuple[Recipe, Mapping[str, str]], ...] = (
    (silver.STAGE, {"klines": "binance_klines_daily"}),
    (with_listings(silver.fact()), {"stage": "stage_binance_klines"}),
    (with_listings(silver.quarantine()), {"stage": "stage_binance_klines", "klines": "binance_klines_daily"}),
    (silver.RUNS, {"fact": "fact_1h_klines"}),
    (with_listings(silver.gaps()), {"runs": "kline_runs"}),
    (with_listings(gold.coins()), {"runs": "kline_runs", "exchange_info": "binance_exchange_info"}),
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
    (
        marts.indicators(REFERENCE_COIN, MIN_OBSERVATIONS),
        {"returns": "mart_returns_1h", "volume": "mart_volume_metrics_1h"},
    ),
    (features.features(REFERENCE_COIN), FEATURES_READ),
    (features.labels(*BARRIERS, MIN_OBSERVATIONS), {"returns": "mart_returns_1h"}),
    (features.CATALOGUE, {}),
)
DERIVED = tuple(recipe.name for recipe, _ in STEPS)


@dataclass
class Lake:
    """All tables of one lake, brought up to date the way the pipelines do.

    Args:
        root: Its folder.
        held: What bronze holds of klines.
        symbols: What bronze holds of the listing.
    """

    root: Path
    held: list[Record] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)

    def folder(self, name: str) -> Path:
        """The folder of a table."""
        return self.root / CONTRACTS[name].layer / name

    def dataset(self, name: str) -> DeltaTableDataset:
        """The dataset of a table."""
        return DeltaTableDataset(contract=name, path=str(self.folder(name)))

    def add(self, records: Iterable[Record], *, times: int = 1) -> None:
        """Append records to bronze, once however often it is tried."""
        new = list(records)
        # Of the content, too: where a coin was taken away, as many records may be held as at an earlier time.
        digest = hashlib.sha256(repr(new).encode()).hexdigest()[:12]
        self._append(KLINES, bronze_rows(new, KLINES), f"klines-{len(self.held)}-{digest}", times)
        self.held += new

    def list_symbols(self, symbols: Iterable[Symbol]) -> None:
        """Append a listing snapshot to bronze."""
        new = list(symbols)
        self._append(LISTING, bronze_rows(new, LISTING), f"listing-{len(self.symbols)}", 1)
        self.symbols += new

    def _append(self, table: str, rows: pa.Table, identity: str, times: int) -> None:
        # As ingestion does: the rows carry the identity they are appended under.
        place = rows.schema.get_field_index("batch_id")
        rows = rows.set_column(place, rows.schema.field(place), pa.array([identity] * rows.num_rows, pa.string()))
        append = Append(rows, identity, layout=KLINE_LAYOUT if table == KLINES else {})
        for _ in range(times):
            self.dataset(table).save(append)

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

    def derivation(self, name: str) -> Derivation:
        """What a node of the pipelines hands to the dataset of a table."""
        recipe, sources = next((recipe, sources) for recipe, sources in STEPS if recipe.name == name)
        return Derivation(recipe, {argument: self.dataset(table).load() for argument, table in sources.items()})

    def move(self, root: Path) -> None:
        """Put the lake elsewhere: nothing that this process remembers of its tables is true there."""
        self.root = self.root.rename(root)

    def versions(self) -> dict[str, int]:
        """Newest version of every derived table."""
        heads = {name: self.dataset(name).load().seen for name in DERIVED}
        return {name: head.version for name, head in heads.items() if head is not None}

    def read(self, name: str) -> pl.DataFrame:
        """A table's rows, read without Spark."""
        return pl.read_delta(str(self.folder(name))).select(CONTRACTS[name].column_names)


def from_scratch(lake: Lake, spark: SparkSession) -> dict[str, pl.DataFrame]:
    """Every derived table computed from the whole of bronze, without any of the incremental machinery."""
    frames: dict[str, DataFrame] = {name: lake.dataset(name).load().df for name in (KLINES, LISTING)}
    tables = {}
    for recipe, sources in STEPS:
        made = recipe.transform(**{argument: frames[table] for argument, table in sources.items()})
        rows = made.toArrow()
        # Held in memory, so that the next table's query does not compute this one again.
        frames[recipe.name] = spark.createDataFrame(rows, schema=made.schema)
        tables[recipe.name] = pl.DataFrame(rows).select(CONTRACTS[recipe.name].column_names)
    return tables
