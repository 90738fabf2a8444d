"""Telling of a failure that no run of Kedro could write down, as where the lake was held by another one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from klineforge.alerting.channels import Channel, NotDeliveredError
from klineforge.alerting.events import Event
from klineforge.alerting.outbox import Message
from klineforge.reporting.redaction import redacted

logger = logging.getLogger(__name__)

RULE = "failed_run"


def tell(channels: Iterable[Channel], job: str, run_id: str, error: str, at: datetime) -> tuple[str, ...]:
    """Send a message through every channel; one that fails does not keep the others from it.

    Args:
        channels: Where to.
        job: Dagster's job.
        run_id: Dagster's run.
        error: What it failed with; credentials are taken out.
        at: When, UTC.

    Returns:
        Names of the channels that have taken it.
    """
    said = (str(redacted(error)).strip().splitlines() or ["no reason given"])[0][:300]
    event = Event(RULE, "error", job, at, f"job {job}: Dagster's run {run_id} failed: {said}", step=run_id)
    taken = []
    for channel in channels:
        try:
            channel.send(Message(channel.name, RULE, event.severity, (event.as_row(),)))
        except NotDeliveredError as problem:
            logger.error("channel %s did not deliver the failure of job %s: %s", channel.name, job, problem)  # noqa: TRY400
        else:
            taken.append(channel.name)
    return tuple(taken)
