"""Freshness checks: whether the newest hour of a table is the newest that can be there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from klineforge.contracts import CONTRACTS
from klineforge.domain.hours import HOUR
from klineforge.orchestration.materials import hours_behind
from klineforge.orchestration.place import Place
from klineforge.reporting.tables import TableState, read_table


def checks_of(place: Place) -> list[Any]:
    """One check for each table with a row per hour; reads Delta logs, and needs neither Spark nor the lake's lock."""
    return [_check(place, table.name) for table in place.hourly_tables()]


def verdict(lake: Path, table: str, allowed: int, now: datetime) -> Any:
    """What a check says.

    Args:
        lake: Root of the lake.
        table: Name of the table.
        allowed: How many closed hours may be missing.
        now: UTC instant.
    """
    state = read_table(lake, CONTRACTS[table])
    if not isinstance(state, TableState) or state.newest is None:
        said = "it has no rows" if isinstance(state, TableState) else state.detail
        return _result(passed=False, said=f"{table}: no newest hour, {said}", metadata={})
    # What is keyed by when it is known speaks of the hour before.
    opened = state.newest - (HOUR if CONTRACTS[table].time_column == "available_at" else timedelta(0))
    behind = hours_behind(opened, now)
    said = f"newest hour {state.newest:%Y-%m-%d %H:%M} UTC, {behind} h behind; up to {allowed} h are allowed"
    metadata = {"newest_hour": dg.TimestampMetadataValue(state.newest.timestamp()), "hours_behind": behind}
    return _result(passed=behind <= allowed, said=said, metadata=metadata)


def _result(*, passed: bool, said: str, metadata: dict[str, Any]) -> Any:
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.ERROR, description=said, metadata=metadata)


def _check(place: Place, table: str) -> Any:
    def is_fresh(_context: dg.AssetCheckExecutionContext) -> Any:
        return verdict(place.lake, table, place.fresh_hours, datetime.now(UTC))

    return dg.asset_check(
        asset=table,
        name="fresh",
        description=f"No more than {place.fresh_hours} hours that have closed are missing.",
        blocking=False,
    )(is_fresh)
