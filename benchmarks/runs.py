"""``kedro run`` as users run it, and what its run log says afterwards."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.process import Measurement, measure
from benchmarks.render import Table

REPOSITORY = Path(__file__).resolve().parents[1]
_RUN_LOG = Path("_klineforge") / "runs.jsonl"
_BEFORE = "Python and Kedro until the pipeline starts"
_AFTERWARDS = ("rest of the pipeline: downloads, planning, log", "after the pipeline: Spark and Python end")
DERIVED_LAYERS = ("silver", "gold", "marts")
SIDE_BY_SIDE = "tables are made side by side, and Spark starts within the first that needs it"


@dataclass(frozen=True)
class TableWork:
    """What one run did to one table; counts are rows."""

    table: str
    action: str
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    seconds: float
    started_at: str

    @property
    def span(self) -> tuple[datetime, datetime]:
        """When the work on the table began and ended, UTC."""
        began = datetime.fromisoformat(self.started_at)
        return began, began + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Run:
    """One ``kedro run``: what it cost, and what it wrote into the run log.

    Args:
        measurement: The whole process.
        began: When Kedro started the pipeline, UTC.
        ended: When the pipeline had ended, UTC.
        tables: What was done to each table, in order.
    """

    measurement: Measurement
    began: datetime
    ended: datetime
    tables: tuple[TableWork, ...]

    def inserted(self, table: str) -> int:
        """Rows that were added to a table."""
        return sum(work.inserted for work in self.tables if work.table == table)

    def seconds(self, table: str) -> float:
        """Seconds that were spent on a table."""
        return sum(work.seconds for work in self.tables if work.table == table)

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of wall time by stage, in order: before the pipeline, each table, the rest of it, after it.

        A table that is written more than once counts with its sum. Tables are worked on side by side, so that their
        seconds add up to more than the pipeline took; its rest is the time in which no table was worked on.
        """
        tables: dict[str, float] = {}
        for work in self.tables:
            tables[work.table] = tables.get(work.table, 0.0) + work.seconds
        before = (self.began - self.measurement.started).total_seconds()
        within = (self.ended - self.began).total_seconds()
        rest = within - covered(work.span for work in self.tables), self.measurement.wall - before - within
        return {_BEFORE: before, **tables, **dict(zip(_AFTERWARDS, rest, strict=True))}


def covered(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """Seconds that lie in at least one of the spans.

    >>> noon = datetime(2024, 1, 1, 12)
    >>> later = [noon + timedelta(seconds=seconds) for seconds in range(5)]
    >>> covered([(later[3], later[4]), (later[0], later[2]), (later[1], later[2])])
    3.0
    """
    total, reached = timedelta(), None
    for began, ended in sorted(spans):
        if reached is None or ended > reached:
            total += ended - (began if reached is None else max(began, reached))
            reached = ended
    return total.total_seconds()


def kedro_run(
    lake: Path,
    parameters: Mapping[str, str] | None = None,
    *,
    pipelines: Iterable[str] = (),
    tables: Iterable[str] = (),
    program: str = "kedro",
) -> Run:
    """Run pipelines on a lake in a process of their own.

    Args:
        lake: Root of the lake.
        parameters: Runtime parameters beside ``lake``.
        pipelines: Names; none means all of them.
        tables: Make only these and what they read within the pipelines.
        program: The module that is run; understands what ``kedro`` does.

    Raises:
        RuntimeError: When the run fails, or leaves nothing in the run log.
    """
    given = ",".join(f"{name}={value}" for name, value in {"lake": str(lake), **(parameters or {})}.items())
    command = [sys.executable, "-m", program, "run", "--params", given]
    for option, names in (("--pipelines", pipelines), ("--to-outputs", tables)):
        chosen = ",".join(names)
        if chosen:
            command += [option, chosen]
    before = len(_lines(lake))
    measurement = measure(command, cwd=REPOSITORY)
    lines = _lines(lake)
    if len(lines) != before + 1:
        raise RuntimeError(f"expected one more line in {lake / _RUN_LOG}, found {len(lines) - before}")
    record = json.loads(lines[-1])
    return Run(
        measurement,
        datetime.fromisoformat(record["started_at"]),
        datetime.fromisoformat(record["ended_at"]),
        tuple(_work(table) for table in record["tables"]),
    )


def _lines(lake: Path) -> list[str]:
    log = lake / _RUN_LOG
    return log.read_text(encoding="utf-8").splitlines() if log.is_file() else []


def _work(entry: Mapping[str, object]) -> TableWork:
    return TableWork(**{name: entry[name] for name in TableWork.__dataclass_fields__})  # type: ignore[arg-type]


def stage_table(runs: Mapping[str, Run]) -> Table:
    """Seconds per stage, one column per run."""
    found = dict.fromkeys(stage for run in runs.values() for stage in run.stages)
    stages = (*(stage for stage in found if stage not in _AFTERWARDS), *_AFTERWARDS)
    rows = [(stage, *(_seconds(run.stages.get(stage)) for run in runs.values())) for stage in stages]
    whole = ("**whole process**", *(f"**{run.measurement.wall:.1f}**" for run in runs.values()))
    return Table(("seconds of wall time", *runs), (*rows, whole))


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def rows_table(run: Run) -> Table:
    """Rows that a run touched, by table."""
    head = ("table", "action", "inserted", "updated", "deleted", "recomputed and unchanged")
    rows = [
        (
            f"`{work.table}`",
            work.action,
            *(f"{count:,}" for count in (work.inserted, work.updated, work.deleted, work.unchanged)),
        )
        for work in run.tables
        if work.action != "unchanged"
    ]
    return Table(head, tuple(rows))
