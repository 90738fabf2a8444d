"""What an event is, what identifies it, and which events nobody has been told of yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

_INSTANT: Final = pl.Datetime("us", "UTC")
EVENT_SCHEMA: Final[dict[str, Any]] = {
    "alert_id": pl.String(),
    "rule": pl.String(),
    "severity": pl.String(),
    "exchange": pl.String(),
    "subject": pl.String(),
    "hour": _INSTANT,
    "value": pl.Float64(),
    "threshold": pl.Float64(),
    "message": pl.String(),
}
UNEXPLAINED_GAP: Final = "unexplained_gap"


def alert_id(rule: str, subject: str, hour: datetime, step: str = "") -> str:
    """The identity of an event.

    Args:
        rule: Name of the rule.
        subject: What the event is about.
        hour: When it happened, UTC.
        step: What tells events of one rule, subject and hour apart, where there can be several.

    Returns:
        64 hexadecimal digits, the same for the same event on every machine and in every run.
    """
    text = "\n".join((rule, subject, hour.strftime("%Y-%m-%dT%H:%M:%S.%f"), step))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Event:
    """Something people want to be told of.

    Args:
        rule: Name of the rule that found it.
        severity: ``info``, ``warning`` or ``error``.
        subject: What it is about, for example ``binance/BTCUSDT``.
        hour: When it happened, UTC.
        message: The event in words.
        exchange: Exchange code; None where it is about the warehouse itself.
        value: The figure that crossed the threshold, if there is one.
        threshold: The threshold it crossed.
        step: What tells events of one rule, subject and hour apart.
    """

    rule: str
    severity: str
    subject: str
    hour: datetime
    message: str
    exchange: str | None = None
    value: float | None = None
    threshold: float | None = None
    step: str = ""

    def as_row(self) -> dict[str, Any]:
        """A row of ``EVENT_SCHEMA``; the columns are those of the table ``alerts``."""
        row = {name: getattr(self, name) for name in EVENT_SCHEMA if name != "alert_id"}
        return {"alert_id": alert_id(self.rule, self.subject, self.hour, self.step), **row}


def events_frame(events: Iterable[Event]) -> pl.DataFrame:
    """Events as a frame in order of hour, rule and subject; empty where there are none."""
    return pl.DataFrame([event.as_row() for event in events], schema=EVENT_SCHEMA).sort("hour", "rule", "subject")


def not_told_yet(
    events: pl.DataFrame, told: pl.DataFrame, cool_down_hours: Mapping[str, int], now: datetime
) -> pl.DataFrame:
    """Leave out events that the table of alerts has already.

    Args:
        events: Found now, by ``EVENT_SCHEMA``.
        told: Rows of ``alerts``.
        cool_down_hours: For rules about the present moment, which no history of figures can tell: for how long a
            subject is not told of again, counted from the last time.
        now: The present moment, UTC.

    Returns:
        Events whose id is new, whose subject is not cooling down, and that are no remainder of a gap that was told.
    """
    fresh = events.unique("alert_id", keep="first", maintain_order=True).join(told, on="alert_id", how="anti")
    for rule, hours in cool_down_hours.items():
        recent = told.filter((pl.col("rule") == rule) & (pl.col("fired_at") > now - timedelta(hours=hours)))
        quiet = (pl.col("rule") == rule) & pl.col("subject").is_in(recent["subject"].unique().implode())
        fresh = fresh.filter(~quiet)
    return fresh.join(_remainders(fresh, told), on="alert_id", how="anti", maintain_order="left")


def _remainders(events: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Ids of gaps that lie inside a gap that was told: what was missing there has come in part."""
    told_gaps = told.filter(pl.col("rule") == UNEXPLAINED_GAP).select(
        "subject", told_start="hour", told_end=pl.col("hour") + pl.duration(hours=pl.col("value"))
    )
    return (
        events.filter(pl.col("rule") == UNEXPLAINED_GAP)
        .join(told_gaps, on="subject")
        .filter((pl.col("hour") >= pl.col("told_start")) & (pl.col("hour") < pl.col("told_end")))
        .select("alert_id")
        .unique()
    )
