"""More coins: pairs grow with their square."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from deltalake import DeltaTable

from benchmarks.context import CORRELATIONS, Context
from benchmarks.market import Market
from benchmarks.parts.peers import exported_fact
from benchmarks.process import Measurement
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import DERIVED_LAYERS, SIDE_BY_SIDE, Run, kedro_run, stage_table
from benchmarks.sql import EXACT_CORRELATIONS
from benchmarks.stats import cost_of, ratio


@dataclass(frozen=True)
class _Found:
    """What was measured for one market."""

    market: Market
    build: Run
    correlations: Run
    duckdb: Measurement
    rows: int

    @property
    def name(self) -> str:
        return f"{self.market.coins} coins"

    @property
    def ours(self) -> Measurement:
        return self.correlations.measurement

    @property
    def pairs(self) -> int:
        return self.market.coins * (self.market.coins - 1) // 2


def measure_scale(context: Context) -> Section:
    """Measure the whole build, correlations alone, and DuckDB's exact correlations for each market."""
    found = [_measured(context, market) for market in context.options.scale]
    rows = [row for one in found for row in _rows(one)]
    sizes = ", ".join(
        f"{one.name} with {one.market.hours:,} hours have {one.pairs:,} pairs and {one.rows:,} correlations"
        for one in found
    )
    ratios = "; ".join(
        f"{one.name}: wall {ratio(one.ours.wall, one.duckdb.wall)}, CPU {ratio(one.ours.cpu, one.duckdb.cpu)}, "
        f"memory {ratio(one.ours.peak_memory, one.duckdb.peak_memory)}"
        for one in found
    )
    return Section(
        "scale",
        "More coins",
        (
            f"{sizes}. Bronze is filled directly. {_WHAT}",
            Table(("", *COST_HEAD), tuple(rows)),
            f"Correlations, KlineForge over DuckDB: {ratios}.",
            f"Where the time of the build goes; {SIDE_BY_SIDE}:",
            stage_table({one.name: one.build for one in found}),
        ),
    )


_WHAT = (
    "*Build*: all tables from bronze in one `kedro run`. *Correlations*: `mart_correlations` from the fact, in a "
    "process of its own, as a Delta table with checks and change feed. *DuckDB*: the same rows by "
    "`correlations_exact.sql`, from Parquet into Parquet."
)


def _measured(context: Context, market: Market) -> _Found:
    lake = context.scratch(f"scale-{market.label}")
    context.progress(f"bronze of {market.label}")
    context.program("fill", lake, market.coins, market.hours)
    context.progress(f"full build of {market.label}")
    build = kedro_run(lake, pipelines=DERIVED_LAYERS)
    context.progress(f"correlations of {market.label}")
    correlations = context.correlations(lake)
    rows = DeltaTable(str(lake / "marts" / CORRELATIONS)).count()
    peer = context.scratch("scale-duckdb")
    peer.mkdir()
    fact = exported_fact(lake, peer)
    shutil.rmtree(lake)
    context.progress(f"DuckDB's correlations of {market.label}")
    duckdb = context.program("duckdb_tables", fact, peer, EXACT_CORRELATIONS)
    shutil.rmtree(peer)
    return _Found(market, build, correlations, duckdb, rows)


def _rows(found: _Found) -> list[tuple[str, ...]]:
    seconds = found.correlations.seconds(CORRELATIONS)
    alone = f"{found.name}: correlations, {seconds:.1f} s of it without the start of the process"
    return [
        (f"{found.name}: build", *cost_cells(cost_of([found.build.measurement]))),
        (alone, *cost_cells(cost_of([found.ours]))),
        (f"{found.name}: DuckDB", *cost_cells(cost_of([found.duckdb]))),
    ]
