"""The same figures by DuckDB and by plain Spark, naively and exactly."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from benchmarks.context import Context
from benchmarks.market import Market
from benchmarks.parts.increments import measure_increments
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import kedro_run
from benchmarks.sql import EXACT_CORRELATIONS, NAIVE_MARTS
from benchmarks.stats import Cost, cost_of, ratio

# The four marts that the peers' SQL makes.
OURS = ("mart_returns_1h", "mart_volume_metrics_1h", "mart_top_movers", "mart_correlations")
_FACT = ("exchange", "coin", "open_timestamp", "close_price", "volume", "quote_volume")
_PAIR_HOUR = ("exchange", "base_coin", "related_coin", "open_timestamp")
TOLERANCE = 1e-9


@dataclass(frozen=True)
class _Job:
    """One thing to do, by KlineForge and by a peer."""

    name: str
    ours: Cost
    peer: str
    theirs: Cost

    def row(self) -> tuple[str, ...]:
        pairs = ((self.ours.wall, self.theirs.wall), (self.ours.cpu, self.theirs.cpu))
        return (self.name, self.peer, *(ratio(*pair) for pair in pairs), ratio(self.ours.memory, self.theirs.memory))


def measure_peers(context: Context) -> Section:
    """Measure full builds and a daily increment, KlineForge and peers one after the other."""
    place = context.scratch("peers")
    place.mkdir()
    lake = context.copy_of_base_lake("peers-lake")
    fact = exported_fact(lake, place)
    times = context.options.big_repetitions

    def program(name: str, *arguments: object) -> Cost:
        context.progress(" ".join((name, *(str(argument) for argument in arguments[2:]))))
        return cost_of(context.repeat(lambda: context.program(name, *arguments), times))

    ours, exact = _ours(context, lake)
    duckdb = program("duckdb_tables", fact, _new(place / "duckdb"), *NAIVE_MARTS)
    spark = cost_of(
        context.repeat(lambda: context.program("spark_tables", fact, _new(place / "spark"), *NAIVE_MARTS), times)
    )
    duckdb_exact = program("duckdb_tables", fact, place / "duckdb", EXACT_CORRELATIONS)
    differing = {
        name: different_correlations(lake, place / "duckdb" / f"{name}.parquet")
        for name in ("correlations", EXACT_CORRELATIONS)
    }
    day = _duckdb_days(context, place, fact)
    shutil.rmtree(lake)
    shutil.rmtree(place)
    daily = _daily(context)
    jobs = (
        _Job("four marts from the fact", ours, "DuckDB, ROWS windows", duckdb),
        _Job("four marts from the fact", ours, "plain Spark, ROWS windows", spark),
        _Job("correlations from the fact", exact, "DuckDB, exact RANGE windows", duckdb_exact),
        _Job("a day more", daily, "DuckDB, last two days replaced", day),
    )
    costs = (
        ("KlineForge: four marts", ours),
        ("DuckDB: four marts", duckdb),
        ("plain Spark: four marts", spark),
        ("KlineForge: correlations", exact),
        ("DuckDB: exact correlations", duckdb_exact),
        ("KlineForge: a day more, all tables, ingestion included", daily),
        ("DuckDB: a day more, four marts", day),
    )
    wrong = f"DuckDB's exact correlations differ from KlineForge's: {differing[EXACT_CORRELATIONS]}."
    failures = (wrong,) if differing[EXACT_CORRELATIONS].different else ()
    return Section(
        "peers",
        "Against DuckDB and plain Spark",
        (
            _INTRODUCTION.format(market=context.options.market),
            Table(("", *COST_HEAD), tuple((name, *cost_cells(cost)) for name, cost in costs)),
            "KlineForge over peer:",
            Table(("job", "peer", "wall", "CPU", "memory"), tuple(job.row() for job in jobs)),
            _start_up(context.floor, ours, daily),
            _accuracy(differing[EXACT_CORRELATIONS], differing["correlations"]),
        ),
        failures,
    )


_INTRODUCTION = (
    "{market.coins} coins, {market.hours:,} hours, all from the same fact. DuckDB reads it as Parquet and writes "
    "Parquet; plain Spark (default settings, KlineForge's heap) reads Parquet and writes Delta. Their SQL is in "
    "`benchmarks/sql`. *Naive* means windows of 24 rows and the row before, which is what most such SQL does: wrong "
    "after every gap. KlineForge's figures are those of `kedro run`: exact ranges of time, checked keys and "
    "constraints, change feed. DuckDB's day more works on a database file: it computes the last two days from the "
    "last two days and replaces them, which leaves the seam wrong."
)


def _accuracy(exact: Difference, naive: Difference) -> str:
    return (
        f"Correlations that differ from KlineForge's by more than {TOLERANCE}: by exact RANGE windows {exact}; by "
        f"naive ROWS windows {naive}."
    )


def _start_up(floor: Cost, ours: Cost, daily: Cost) -> str:
    return (
        f"Start-up: {floor.wall:.1f} s wall and {floor.cpu:.1f} s CPU of each of KlineForge's runs are the floor, "
        "the start of Python, Kedro and Spark with one commit, which DuckDB does not pay: "
        f"{floor.wall / ours.wall:.0%} of the wall time of the four marts at this size, {floor.wall / daily.wall:.0%} "
        "of that of a day more."
    )


def _ours(context: Context, lake: Path) -> tuple[Cost, Cost]:
    """KlineForge's four marts, and its correlations alone."""
    marts, correlations = [], []
    for _ in range(context.options.big_repetitions):
        context.progress("KlineForge: four marts")
        shutil.rmtree(lake / "marts")
        marts.append(kedro_run(lake, pipelines=("marts",), tables=OURS).measurement)
        context.progress("KlineForge: correlations")
        correlations.append(context.correlations(lake).measurement)
    return cost_of(marts), cost_of(correlations)


def _daily(context: Context) -> Cost:
    if context.daily is None:
        measure_increments(context)
    if context.daily is None:
        raise AssertionError("the increments have been measured")
    return context.daily


def exported_fact(lake: Path, folder: Path) -> Path:
    """The fact's columns that marts read, as one Parquet file; open times in UTC without a zone."""
    file = folder / "fact.parquet"
    fact = pl.scan_delta(str(lake / "silver" / "fact_1h_klines")).select(_FACT)
    fact.with_columns(pl.col("open_timestamp").dt.replace_time_zone(None)).sort(_FACT[:3]).sink_parquet(file)
    return file


def _duckdb_days(context: Context, place: Path, fact: Path) -> Cost:
    """Days in a row in a DuckDB file; making the file is not measured."""
    database = place / "marts.duckdb"
    context.program("duckdb_database", fact, database)
    days = []
    for number in range(context.options.days):
        context.progress(f"DuckDB: day {number + 1}")
        file = day_of_fact(context.options.market, number, place / f"day-{number}.parquet")
        days.append(context.program("duckdb_day", database, file))
    return cost_of(days)


def day_of_fact(market: Market, number: int, file: Path) -> Path:
    """One of the days after the history as rows of the fact."""
    first = market.end + timedelta(days=number)
    rows = market.candles().filter(pl.col("hour") >= first, pl.col("hour") < first + timedelta(days=1))
    opened = pl.col("hour").dt.replace_time_zone(None).alias("open_timestamp")
    named = rows.with_columns(pl.lit("binance").alias("exchange"), opened, pl.col("close").alias("close_price"))
    named.select(_FACT).write_parquet(file)
    return file


@dataclass(frozen=True)
class Difference:
    """How many rows of two versions of a table differ."""

    rows: int
    different: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.different / self.rows if self.rows else 0.0

    def __str__(self) -> str:
        return f"{self.different:,} of {self.rows:,} ({self.share:.2%})"


def different_correlations(lake: Path, file: Path) -> Difference:
    """Rows that only one side has, or whose correlations differ by more than ``TOLERANCE``, or where one is null."""
    naive_time = pl.col("open_timestamp").dt.replace_time_zone(None)
    ours = pl.scan_delta(str(lake / "marts" / "mart_correlations")).with_columns(naive_time)
    both = (
        ours.select(*_PAIR_HOUR, pl.col("corr_24h").alias("ours"), pl.lit(1).alias("is_ours"))
        .join(
            pl.scan_parquet(file).select(*_PAIR_HOUR, pl.col("corr_24h").alias("theirs"), pl.lit(1).alias("is_theirs")),
            on=_PAIR_HOUR,
            how="full",
        )
        .select(
            pl.len().alias("rows"),
            (
                ((pl.col("ours") - pl.col("theirs")).abs() > TOLERANCE).fill_null(value=False)
                | (pl.col("ours").is_null() != pl.col("theirs").is_null())
                | pl.col("is_ours").is_null()
                | pl.col("is_theirs").is_null()
            )
            .sum()
            .alias("different"),
        )
        .collect()
    )
    rows, different = both.row(0)
    return Difference(rows, different)


def _new(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
