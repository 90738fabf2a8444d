"""Nodes of the alerts pipeline: what happened is written down first, then told, then it is written down that it was."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from klineforge.alerting.channels import Channel
from klineforge.alerting.delivery import DELIVERY_SCHEMA, delivered
from klineforge.alerting.events import EVENT_SCHEMA, events_frame, not_told_yet
from klineforge.alerting.outbox import undelivered
from klineforge.alerting.settings import AlertSettings, parse_alert_settings
from klineforge.alerting.warehouse import PRESENT_RULES, Warehouse, recent_events
from klineforge.datasets.delta_table import Append
from klineforge.datasets.run_context import RunContext
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.scanning import scan_table
from klineforge.lake.table import LakeTable

logger = logging.getLogger(__name__)


def check_alert_settings(parameters: Mapping[str, Any], channels: tuple[Channel, ...]) -> AlertSettings:
    """Read what the user asks of alerts, before anything is found or sent.

    Raises:
        ConfigurationError: When a parameter cannot be used.
    """
    return parse_alert_settings(parameters, tuple(channel.name for channel in channels))


def find_alerts(
    settings: AlertSettings,
    channels: tuple[Channel, ...],
    context: RunContext,
    alerts_before: LakeTable,
    *tables: LakeTable,
) -> Append:
    """Find events nobody was told of.

    Args:
        settings: Rules and thresholds.
        channels: The channels there are; which of them an alert is for is decided here, once.
        context: The run.
        alerts_before: Alerts of earlier runs.
        tables: What the rules read.

    Returns:
        Rows of ``alerts``.
    """
    found = events_frame(recent_events(warehouse_of(tables, context), settings, context.now))
    told = rows_of(alerts_before)
    waits = {name: settings.rules[name].threshold.cool_down_hours for name in PRESENT_RULES if name in settings.rules}
    fresh = not_told_yet(found, told, waits, context.now)
    names = tuple(channel.name for channel in channels)
    rows = fresh.with_columns(
        channels=pl.Series(
            [
                settings.channels_for(rule, severity, names)
                for rule, severity in fresh.select("rule", "severity").rows()
            ],
            dtype=pl.List(pl.String),
        ),
        fired_at=pl.lit(context.now, dtype=pl.Datetime("us", "UTC")),
        run_id=pl.lit(context.run_id),
    )
    if rows.height:
        logger.info("%d new alerts", rows.height)
    return Append(rows.to_arrow(), _identity(rows.select("alert_id")))


def deliver_alerts(
    settings: AlertSettings,
    channels: tuple[Channel, ...],
    context: RunContext,
    alerts: LakeTable,
    deliveries_before: LakeTable,
) -> Iterator[Append]:
    """Send what no attempt has delivered, old and new.

    Args:
        settings: From how many alerts on a digest is sent.
        channels: Where to.
        context: The run.
        alerts: All alerts, those of this run included.
        deliveries_before: Attempts of earlier runs.

    Yields:
        Rows of ``alert_deliveries``, message by message.
    """
    # Kedro needs at least one item from a generator; an empty one changes nothing.
    yield Append(arrow_schema(deliveries_before.contract).empty_table(), "")
    waiting = undelivered(rows_of(alerts), rows_of(deliveries_before))
    for rows in delivered(waiting, channels, settings.digest_above, context.run_id):
        yield Append(rows.to_arrow(), _identity(rows))


def warehouse_of(tables: Iterable[LakeTable], context: RunContext) -> Warehouse:
    """What the rules read, from handles on the tables."""
    made = {table.contract.name: rows for table in tables if (rows := scan_table(table)) is not None}
    return Warehouse(made, context.runs, context.log_is_whole)


def rows_of(table: LakeTable) -> pl.DataFrame:
    """All rows of ``alerts`` or ``alert_deliveries``; none where the table was not made yet."""
    rows = scan_table(table)
    if rows is not None:
        return rows.collect()
    lists = {"channels": pl.List(pl.String)}
    others = {**EVENT_SCHEMA, **DELIVERY_SCHEMA, **lists, "fired_at": pl.Datetime("us", "UTC"), "run_id": pl.String()}
    return pl.DataFrame(schema={name: others[name] for name in table.contract.column_names})


def _identity(rows: pl.DataFrame) -> str:
    return hashlib.sha256(rows.write_csv().encode()).hexdigest()
