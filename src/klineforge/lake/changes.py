"""Turn a change feed into the hours of each subject that changed."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from klineforge.domain.hours import BEGINNING, FOREVER, HOUR, Span
from klineforge.domain.scope import Scope


def change_scope(feed: pl.DataFrame, by: tuple[str, ...], time_column: str | None) -> Scope:
    """Summarise changed rows as ranges of hours per subject.

    Args:
        feed: Change rows with the subject columns and the time column.
        by: Columns that name the subject; none makes one anonymous subject.
        time_column: When a row is about; None means all of time.

    Returns:
        For every subject that occurs, the half-open ranges of whole hours that hold its changed rows.
    """
    if feed.is_empty():
        return Scope(by, {})
    if time_column is None:
        subjects = feed.select(by).unique().rows() if by else [()]
        return Scope(by, {tuple(subject): (Span(BEGINNING, FOREVER),) for subject in subjects})
    hours = (
        feed.lazy()
        .select(*by, pl.col(time_column).dt.replace_time_zone(None).dt.truncate("1h").alias("_hour"))
        .unique()
        .sort(*by, "_hour")
        .with_columns(_island=_starts_island(by).cum_sum())
        .group_by(*by, "_island")
        .agg(pl.col("_hour").min().alias("_first"), pl.col("_hour").max().alias("_last"))
        .sort(*by, "_first")
        .collect()
    )
    ranges: dict[tuple[str, ...], list[Span]] = {}
    for row in hours.iter_rows(named=True):
        subject = tuple(str(row[name]) for name in by)
        ranges.setdefault(subject, []).append(Span(_utc(row["_first"]), _utc(row["_last"]) + HOUR))
    return Scope(by, {subject: tuple(spans) for subject, spans in ranges.items()})


def _starts_island(by: tuple[str, ...]) -> pl.Expr:
    hour = pl.col("_hour")
    apart = hour.diff().fill_null(pl.duration(hours=2)) != pl.duration(hours=1)
    for name in by:
        apart = apart | (pl.col(name) != pl.col(name).shift()).fill_null(value=True)
    return apart.cast(pl.UInt32)


def _utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)
