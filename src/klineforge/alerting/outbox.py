"""Which alerts a channel has not delivered yet, and the messages they become. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from klineforge.contracts.operations import ALERT_SEVERITIES

_LINES_OF_A_DIGEST: Final = 10


@dataclass(frozen=True)
class Message:
    """What is sent through one channel at once: an alert, or many of one rule.

    Args:
        channel: Name of the channel.
        rule: Rule of the alerts.
        severity: The highest of them.
        alerts: Rows of ``alerts`` with the number of ``attempts`` before; the newest last.
    """

    channel: str
    rule: str
    severity: str
    alerts: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        """One line: how much it matters and what it is about."""
        if len(self.alerts) == 1:
            return f"KlineForge {self.severity}: {self.rule} {self.alerts[0]['subject']}"
        return f"KlineForge {self.severity}: {len(self.alerts)} alerts of {self.rule}"

    @property
    def body(self) -> str:
        """Hour, event and identity of each alert; of a digest the largest values first, and not all of them."""
        shown = sorted(self.alerts, key=lambda alert: -(alert["value"] or 0.0))[:_LINES_OF_A_DIGEST]
        lines = [f"{_instant(alert['hour'])} {alert['message']}\nalert_id {alert['alert_id']}" for alert in shown]
        left = len(self.alerts) - len(shown)
        if left:
            lines.append(f"and {left} more, in the table alerts; kedro klineforge alerts list")
        return "\n".join(lines)


def undelivered(alerts: pl.DataFrame, deliveries: pl.DataFrame) -> pl.DataFrame:
    """Alerts and channels for which no attempt has succeeded.

    Args:
        alerts: Rows of ``alerts``.
        deliveries: Rows of ``alert_deliveries``.

    Returns:
        The columns of ``alerts`` with ``channel`` in place of ``channels``, ``attempts`` so far and ``last_error``, in
        order of time.
    """
    tried = (
        deliveries.sort("attempt")
        .group_by("alert_id", "channel")
        .agg(
            pl.col("attempt").max().alias("attempts"),
            pl.col("error").last().alias("last_error"),
            pl.col("error").is_null().any().alias("is_delivered"),
        )
    )
    return (
        alerts.explode("channels")
        .rename({"channels": "channel"})
        .filter(pl.col("channel").is_not_null())
        .join(tried, on=("alert_id", "channel"), how="left")
        .filter(~pl.col("is_delivered").fill_null(value=False))
        .with_columns(pl.col("attempts").fill_null(0))
        .drop("is_delivered")
        .sort("hour", "rule", "subject", "channel", "alert_id")
    )


def messages(waiting: pl.DataFrame, digest_above: Mapping[str, int | None]) -> Iterator[Message]:
    """What has to be sent, the most severe first.

    Args:
        waiting: Rows of ``undelivered``.
        digest_above: By name of the channel: more alerts of a rule than that become one message; None means never.
            Channels that are not named are not there any more, and what waits for them goes on waiting.
    """
    found: list[Message] = []
    for (channel, rule), group in waiting.group_by("channel", "rule", maintain_order=True):
        name = str(channel)
        if name not in digest_above:
            continue
        rows = tuple(group.iter_rows(named=True))
        most = digest_above[name]
        parts = [rows] if most is not None and len(rows) > most else [(row,) for row in rows]
        found += [Message(name, str(rule), _highest(part), part) for part in parts]
    yield from sorted(found, key=lambda one: (one.channel, -ALERT_SEVERITIES.index(one.severity)))


def _highest(alerts: tuple[Mapping[str, Any], ...]) -> str:
    return max((str(alert["severity"]) for alert in alerts), key=ALERT_SEVERITIES.index)


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
