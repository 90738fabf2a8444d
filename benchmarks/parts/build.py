"""All tables from bronze, and correlations against what joining and writing alone costs."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.archive import served
from benchmarks.context import Context, seconds_said
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import DERIVED_LAYERS, kedro_run, rows_table, stage_table
from benchmarks.stats import cost_of, ratio, verdict

BUILD_SECONDS = 75.0
CORRELATIONS_TO_JOIN = 1.5


def measure_build(context: Context) -> Section:
    """Measure ingestion, then a build of everything from bronze, then correlations and the join alone."""
    options, market = context.options, context.options.market
    lake = context.scratch("build")
    with served(context.archive) as url:
        context.progress("ingestion of the whole history")
        ingestion = kedro_run(lake, context.ingestion(url, days=0), pipelines=("ingestion", "bronze"))
    builds = []
    for _ in range(options.big_repetitions):
        remove_derived(lake)
        context.progress("full build from bronze")
        builds.append(kedro_run(lake, pipelines=DERIVED_LAYERS))
    correlations, joins = [], []
    for _ in range(options.big_repetitions):
        context.progress("correlations alone, and the join alone")
        shutil.rmtree(lake / "marts" / "mart_correlations")
        correlations.append(context.program("correlate", lake))
        joins.append(context.program("join_only", lake, context.scratch("join_only")))
    shutil.rmtree(context.scratch("join_only"), ignore_errors=True)
    shutil.rmtree(lake)
    build, alone, join = (cost_of(runs) for runs in ([run.measurement for run in builds], correlations, joins))
    inside = min(map(seconds_said, correlations)), min(map(seconds_said, joins))
    costs = (("ingestion", cost_of([ingestion.measurement])), ("build", build), ("correlations", alone), ("join", join))
    within = inside[0] / inside[1]
    aim = f"Aim of the build, for 15 coins and 60,000 hours on 2 cores: {BUILD_SECONDS:.0f} s"
    if (market.coins, market.hours) == (15, 60_000):
        aim += f", {verdict(build.wall, BUILD_SECONDS)}"
    compared = (
        f"With Spark started, correlations take {inside[0]:.1f} s and the join {inside[1]:.1f} s: "
        f"{ratio(*inside)} times, aim {CORRELATIONS_TO_JOIN} {verdict(within, CORRELATIONS_TO_JOIN)}; CPU of the "
        f"whole processes {ratio(alone.cpu, join.cpu)} times."
    )
    return Section(
        "build",
        "Everything from bronze",
        (
            _INTRODUCTION.format(coins=market.coins, hours=market.hours),
            Table(("", *COST_HEAD), tuple((name, *cost_cells(cost)) for name, cost in costs)),
            f"{aim}. {compared}",
            "Where the time of ingestion and build goes; Spark starts within the first table that needs it:",
            stage_table({"ingestion": ingestion, "build": builds[-1]}),
            "Rows:",
            rows_table(builds[-1]),
        ),
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
