"""Small runs on a big lake: a day more, nothing new, one late correction."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from benchmarks.archive import served
from benchmarks.context import Context, Options
from benchmarks.market import Market
from benchmarks.process import Measurement
from benchmarks.programs.correct import FACTOR
from benchmarks.render import COST_HEAD, Section, Table, cost_cells
from benchmarks.runs import SIDE_BY_SIDE, Run, kedro_run, rows_table, stage_table
from benchmarks.stats import Cost, cost_of, ratio, verdict

YEARS_BACK = 5


@dataclass(frozen=True)
class Aim:
    """What a run may cost, as multiples of the floor."""

    wall: float
    cpu: float | None = None


DAILY, NOTHING, CORRECTION = Aim(1.8, 2.5), Aim(0.4), Aim(3.0)


@dataclass
class _Found:
    """What was measured, and what should not have been."""

    floors: list[Measurement]
    days: list[Run]
    idle: list[Run]
    late: list[Run]
    failures: list[str]

    @property
    def kinds(self) -> tuple[tuple[str, list[Run], Aim], ...]:
        return (
            ("a day more", self.days, DAILY),
            ("nothing new", self.idle, NOTHING),
            ("a late correction", self.late, CORRECTION),
        )


def measure_increments(context: Context) -> Section:
    """Measure days in a row, the same command again, and corrections, on one lake."""
    lake = context.copy_of_base_lake("increments")
    found = _Found([], [], [], [], [])
    with served(context.archive) as url:
        # Floors between the others, so that all of them meet the same load of the machine.
        found.floors.append(context.start_up())
        _add_days(context, lake, url, found)
        found.floors.append(context.start_up())
        again = context.ingestion(url, days=context.options.days)
        _add_nothing(context, lake, again, found)
        found.floors.append(context.start_up())
        for number in range(context.options.repetitions):
            context.progress("a late correction")
            found.late.append(_correction(context, lake, again, number, found.failures))
        found.floors.append(context.start_up())
    shutil.rmtree(lake)
    costs = [(name, cost_of([run.measurement for run in runs]), aim) for name, runs, aim in found.kinds]
    context.daily = costs[0][1]
    body = (
        _introduction(context.options),
        Table(("", *COST_HEAD, "wall / floor", "CPU / floor", "aim"), _rows(cost_of(found.floors), costs)),
        f"Where the time goes, last run of each kind; {SIDE_BY_SIDE}:",
        stage_table({name: runs[-1] for name, runs, _ in found.kinds}),
        "Rows of the last day; tables that are not named were left alone:",
        rows_table(found.days[-1]),
        "Rows of the last correction:",
        rows_table(found.late[-1]),
    )
    return Section("increments", "Small runs on a big lake", body, tuple(found.failures))


def _add_days(context: Context, lake: Path, url: str, found: _Found) -> None:
    """Add one day after the other."""
    for day in range(1, context.options.days + 1):
        context.progress(f"day {day} of {context.options.days}")
        found.days.append(kedro_run(lake, context.ingestion(url, days=day)))
        if not found.days[-1].inserted("fact_1h_klines"):
            found.failures.append(f"Day {day} has not arrived in fact_1h_klines.")


def _add_nothing(context: Context, lake: Path, parameters: dict[str, str], found: _Found) -> None:
    """Run again with nothing new."""
    context.progress("nothing new")
    before = log_files(lake)
    found.idle += [kedro_run(lake, parameters) for _ in range(context.options.repetitions)]
    if log_files(lake) != before:
        found.failures.append("A run with nothing new has committed something.")
    if any("java" in run.measurement.programs for run in found.idle):
        found.failures.append("A run with nothing new has started a JVM.")


def _introduction(options: Options) -> str:
    back = _hours_back(options.market)
    return (
        f"On a lake of {options.market.coins} coins and {options.market.hours:,} hours with every table, whole "
        "`kedro run` each time, archives from a static server on loopback, REST off. *A day more*: 24 new hours of "
        f"each coin, {options.days} days in a row. *Nothing new*: the same command again. *A late correction*: one "
        f"corrected candle, {back / 24 / 365:.1f} years old, has been appended to bronze (not measured), and "
        "`kedro run` carries it through all tables."
    )


def _hours_back(market: Market) -> int:
    return min(YEARS_BACK * 365 * 24, market.hours * 3 // 4)


def _rows(floor: Cost, costs: list[tuple[str, Cost, Aim]]) -> tuple[tuple[str, ...], ...]:
    rows = [("floor", *cost_cells(floor), "1", "1", "")]
    for name, cost, aim in costs:
        aims = [f"wall {aim.wall} {verdict(cost.wall / floor.wall, aim.wall)}"]
        if aim.cpu is not None:
            aims.append(f"CPU {aim.cpu} {verdict(cost.cpu / floor.cpu, aim.cpu)}")
        ratios = ratio(cost.wall, floor.wall), ratio(cost.cpu, floor.cpu)
        rows.append((name, *cost_cells(cost), *ratios, ", ".join(aims)))
    return tuple(rows)


def log_files(lake: Path) -> dict[str, int]:
    """Every file of every table's log with its size; a commit changes it."""
    return {str(file.relative_to(lake)): file.stat().st_size for file in lake.glob("*/*/_delta_log/**/*.json")}


def _correction(context: Context, lake: Path, parameters: dict[str, str], number: int, failures: list[str]) -> Run:
    market = context.options.market
    about = market.end - timedelta(hours=_hours_back(market) - 31 * 24 * number)
    coin, hour = _candle_to_correct(lake, about, number)
    was = _close(lake, coin, hour)
    context.program("correct", lake, coin, hour.isoformat())
    run = kedro_run(lake, parameters)
    now = _close(lake, coin, hour)
    if abs(now / was - FACTOR) > 1e-6:
        failures.append(f"The correction of {coin} {hour:%Y-%m-%dT%H} did not arrive: {was} became {now}.")
    return run


def _candle_to_correct(lake: Path, about: datetime, number: int) -> tuple[str, datetime]:
    """The first candle of some coin from a moment on; another coin for every number."""
    fact = pl.scan_delta(str(lake / "silver" / "fact_1h_klines"))
    near = fact.filter(pl.col("open_timestamp").is_between(about, about + timedelta(days=2)))
    first = near.group_by("coin").agg(pl.col("open_timestamp").min()).sort("coin").collect()
    coin, hour = first.row(3 * number % first.height)
    return str(coin), hour


def _close(lake: Path, coin: str, hour: datetime) -> float:
    fact = pl.scan_delta(str(lake / "silver" / "fact_1h_klines"))
    found = fact.filter(pl.col("coin") == coin, pl.col("open_timestamp") == hour).select("close_price").collect()
    return float(found.item())
