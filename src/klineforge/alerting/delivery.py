"""Sending what waits, one message at a time, and what is written down about it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from klineforge.alerting.channels import Channel, NotDeliveredError
from klineforge.alerting.outbox import Message, messages

logger = logging.getLogger(__name__)

FAILURES_IN_A_ROW: Final = 2
"""A channel that has failed so often in a run is left alone until the next one."""
DELIVERY_SCHEMA: Final[dict[str, Any]] = {
    "alert_id": pl.String(),
    "channel": pl.String(),
    "attempt": pl.Int32(),
    "attempted_at": pl.Datetime("us", "UTC"),
    "alerts_in_message": pl.Int32(),
    "error": pl.String(),
    "run_id": pl.String(),
}


def delivered(
    waiting: pl.DataFrame, channels: tuple[Channel, ...], digest_above: int, run_id: str
) -> Iterator[pl.DataFrame]:
    """Send what waits.

    Args:
        waiting: Rows of ``outbox.undelivered``.
        channels: Where to.
        digest_above: More alerts of one rule than that are one message, where the channel takes digests.
        run_id: The run.

    Yields:
        After every message, whether it was accepted or not, rows of ``alert_deliveries`` to be written down before
        the next is sent: a run that is killed in between sends one message twice, never none.
    """
    by_name = {channel.name: channel for channel in channels}
    limits = {name: digest_above if channel.takes_digests else None for name, channel in by_name.items()}
    failures = dict.fromkeys(by_name, 0)
    for message in messages(waiting, limits):
        if failures[message.channel] >= FAILURES_IN_A_ROW:
            continue
        error = _sent(by_name[message.channel], message)
        failures[message.channel] = 0 if error is None else failures[message.channel] + 1
        if error is not None:
            logger.error(
                "channel %s did not deliver %d alerts of %s, the next run tries again: %s",
                message.channel,
                len(message.alerts),
                message.rule,
                error,
            )
        yield _rows(message, error, run_id)


def _sent(channel: Channel, message: Message) -> str | None:
    try:
        channel.send(message)
    except NotDeliveredError as error:
        return str(error)
    return None


def _rows(message: Message, error: str | None, run_id: str) -> pl.DataFrame:
    sent = datetime.now(UTC)
    return pl.DataFrame(
        [
            {
                "alert_id": alert["alert_id"],
                "channel": message.channel,
                "attempt": alert["attempts"] + 1,
                "attempted_at": sent,
                "alerts_in_message": len(message.alerts),
                "error": error,
                "run_id": run_id,
            }
            for alert in message.alerts
        ],
        schema=DELIVERY_SCHEMA,
    )
