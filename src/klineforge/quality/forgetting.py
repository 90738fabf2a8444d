"""Old results of checks are let go of: some 360 rows per run would be three million a year of hourly runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from deltalake.transaction import CommitProperties

from klineforge.contracts.operations import QUALITY_RESULTS
from klineforge.lake.note import CommitNote, Counts

KEPT = timedelta(days=90)


def forget_results(lake: Path, now: datetime, keep: timedelta = KEPT) -> int:
    """Remove the results of checks that are older than anybody asks for; the caller holds the lake's lock.

    Args:
        lake: Root of the lake.
        now: Aware UTC instant.
        keep: Age up to which results stay.

    Returns:
        How many rows were removed; nothing is committed when there are none.
    """
    path = lake / QUALITY_RESULTS.layer / QUALITY_RESULTS.name
    if not (path / "_delta_log").is_dir():
        return 0
    table = DeltaTable(path)
    old = f"checked_at < '{(now - keep).isoformat()}'"
    gone = pl.scan_delta(table).filter(pl.col("checked_at") < now - keep).select(pl.len()).collect().item()
    if not gone:
        return 0
    note = CommitNote(QUALITY_RESULTS.name, "merge", counts=Counts(deleted=int(gone)))
    table.delete(old, commit_properties=CommitProperties(custom_metadata={"userMetadata": note.to_json()}))
    return int(gone)
