"""What models wait for: a training set, an as-of join, the newest features."""

from __future__ import annotations

import shutil
from statistics import median

from benchmarks.context import Context, seconds_said
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.stats import cost_of, verdict
from klineforge.ml import feature_catalog

# What is measured, in words, and its aim in seconds.
_READS = {
    "training": ("training set", 3.0),
    "join": ("as-of join of 1,000,000 rows", 2.0),
    "latest": ("newest features of all coins", 0.2),
}
_WHAT = (
    "`klineforge.ml` without Spark on tables of {coins} coins and {hours:,} hours with {columns} features and counts, "
    "random values by the contract. *Itself* is the call alone, in a process that has done it once before, so that the "
    "tables are in the page cache, and the processor time of that call, which other load hardly "
    "changes; the other columns are that whole process, start, packages and first call included. "
    "*Training set*: `training_set` with all {columns} columns, content hash included. *As-of join*: `asof_join` of "
    "random instants in random order to all features. *Newest*: `latest_features`, log of the table read anew."
)


def measure_ml(context: Context) -> Section:
    """Measure what is read for models."""
    market = context.options.market
    lake = context.scratch("ml")
    context.progress("tables for models")
    context.program("model_tables", lake, market.coins, market.hours)
    rows, said = [], []
    for what, (name, aim) in _READS.items():
        context.progress(name)
        runs = context.repeat(lambda what=what: context.program("model_reads", lake, what), context.options.repetitions)  # type: ignore[misc]
        seconds = median(map(seconds_said, runs))
        cpu = median(seconds_said(run, "cpu") for run in runs)
        rows.append((name, f"{seconds:.3f}", f"{cpu:.3f}", *cost_cells(cost_of(runs))))
        said.append(f"{name} {seconds:.2f} s, aim {aim:g} s {verdict(seconds, aim)}")
    shutil.rmtree(lake)
    columns = len(feature_catalog())
    return Section(
        "ml",
        "Reading for models",
        (
            _WHAT.format(coins=market.coins, hours=market.hours, columns=columns),
            Table(("", "itself, s", "its CPU, s", *COST_HEAD), tuple(rows)),
            "; ".join(said).capitalize() + ".",
        ),
    )
