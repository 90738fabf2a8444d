"""What checking costs: on save within a full build, and over whole tables afterwards."""

from __future__ import annotations

import shutil

from benchmarks.context import Context
from benchmarks.parts.build import remove_derived
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import DERIVED_LAYERS, Run, kedro_run
from benchmarks.stats import cost_of, ratio, verdict

SHARE_OF_BUILD = 1.2
_UNCHECKED = "benchmarks.programs.unchecked"

_WHAT = (
    "{coins} coins, {hours:,} hours. *Checked*: `kedro run --pipelines silver,gold,marts` from bronze, as always: "
    "Delta holds every row to NOT NULL and CHECK, keys are proved unique, and what passes through memory is held to "
    "its contract before it is saved. *Unchecked*: the same into tables without CHECK constraints and without the "
    "check on save. *Quality*: `kedro run --pipeline quality` on the result: every promise of every table, and every "
    "figure but most correlations computed a second time."
)


def measure_checks(context: Context) -> Section:
    """Measure a full build with and without its checks, and the quality pipeline."""
    lake = context.copy_of_base_lake("checks")
    checked: list[Run] = []
    unchecked: list[Run] = []
    for _ in range(context.options.big_repetitions):
        for runs, program in ((unchecked, _UNCHECKED), (checked, "kedro")):
            remove_derived(lake)
            context.progress(f"full build from bronze by {program}")
            runs.append(kedro_run(lake, pipelines=DERIVED_LAYERS, program=program))
    context.progress("quality pipeline")
    quality = context.repeat(lambda: kedro_run(lake, pipelines=("quality",)).measurement, context.options.repetitions)
    shutil.rmtree(lake)
    costs = {
        "checked": cost_of([run.measurement for run in checked]),
        "unchecked": cost_of([run.measurement for run in unchecked]),
        "quality": cost_of(quality),
    }
    wall = costs["checked"].wall / costs["unchecked"].wall
    cpu = ratio(costs["checked"].cpu, costs["unchecked"].cpu)
    told = (
        f"Checked builds take {wall:.2f} times the wall time of unchecked ones (CPU {cpu} times); "
        f"aim {SHARE_OF_BUILD} {verdict(wall, SHARE_OF_BUILD)}."
    )
    market = context.options.market
    return Section(
        "checks",
        "What checking costs",
        (
            _WHAT.format(coins=market.coins, hours=market.hours),
            Table(("", *COST_HEAD), tuple((name, *cost_cells(cost)) for name, cost in costs.items())),
            told,
        ),
    )
