"""All tables from bronze, and correlations against what joining and writing alone costs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.archive import served
from benchmarks.context import CORRELATIONS, Context, seconds_said
from benchmarks.process import Measurement
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import DERIVED_LAYERS, SIDE_BY_SIDE, Run, kedro_run, rows_table, stage_table
from benchmarks.stats import cost_of, ratio, verdict

BUILD_SECONDS = 75.0
CORRELATIONS_TO_JOIN = 1.5


@dataclass(frozen=True)
class _Found:
    """What was measured."""

    ingestion: Run
    builds: list[Run]
    correlations: list[Run]
    joins: list[Measurement]


def measure_build(context: Context) -> Section:
    """Measure ingestion, then a build of everything from bronze, then correlations and the join alone."""
    found = _measured(context)
    market = context.options.market
    build = cost_of([run.measurement for run in found.builds])
    costs = (
        ("ingestion", cost_of([found.ingestion.measurement])),
        ("build", build),
        ("correlations", cost_of([run.measurement for run in found.correlations])),
        ("join", cost_of(found.joins)),
    )
    aim = f"Aim of the build, for 15 coins and 60,000 hours on 2 cores: {BUILD_SECONDS:.0f} s"
    if (market.coins, market.hours) == (15, 60_000):
        aim += f", {verdict(build.wall, BUILD_SECONDS)}"
    return Section(
        "build",
        "Everything from bronze",
        (
            _INTRODUCTION.format(coins=market.coins, hours=market.hours),
            Table(("", *COST_HEAD), tuple((name, *cost_cells(cost)) for name, cost in costs)),
            f"{aim}. {_compared(found)}",
            f"Where the time of ingestion and build goes; {SIDE_BY_SIDE}:",
            stage_table({"ingestion": found.ingestion, "build": found.builds[-1]}),
            "Rows:",
            rows_table(found.builds[-1]),
        ),
    )


def _measured(context: Context) -> _Found:
    lake = context.scratch("build")
    with served(context.archive) as url:
        context.progress("ingestion of the whole history")
        ingestion = kedro_run(lake, context.ingestion(url, days=0), pipelines=("ingestion", "bronze"))
    found = _Found(ingestion, [], [], [])
    for _ in range(context.options.big_repetitions):
        remove_derived(lake)
        context.progress("full build from bronze")
        found.builds.append(kedro_run(lake, pipelines=DERIVED_LAYERS))
        context.progress("correlations alone, and the join alone")
        found.correlations.append(context.correlations(lake))
        joined = context.scratch("join_only")
        found.joins.append(context.program("join_only", lake, joined))
        shutil.rmtree(joined)
    shutil.rmtree(lake)
    return found


def _compared(found: _Found) -> str:
    """Correlations against the join, without what starting the processes costs, and as whole processes."""
    ours, join = median(run.seconds(CORRELATIONS) for run in found.correlations), median(map(seconds_said, found.joins))
    cpu = ratio(cost_of([run.measurement for run in found.correlations]).cpu, cost_of(found.joins).cpu)
    return (
        f"Without the start of the process, correlations take {ours:.1f} s and the join {join:.1f} s: "
        f"{ratio(ours, join)} times, aim {CORRELATIONS_TO_JOIN} {verdict(ours / join, CORRELATIONS_TO_JOIN)}; CPU of "
        f"the whole processes {cpu} times."
    )


_INTRODUCTION = (
    "{coins} coins, {hours:,} hours. *Ingestion*: all archives into a new lake's bronze. *Build*: `kedro run "
    "--pipelines silver,gold,marts` on it, in one process. *Correlations*: `mart_correlations` alone, from the fact, "
    "in a process of its own. *Join*: the same session joins the pairs' returns and writes them in the same layout, "
    "without statistics."
)


def remove_derived(lake: Path) -> None:
    """Delete every table that is made from bronze."""
    for layer in DERIVED_LAYERS:
        shutil.rmtree(lake / layer, ignore_errors=True)
