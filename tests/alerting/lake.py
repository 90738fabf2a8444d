"""Small lakes, channels that remember or fail, and the pipeline's nodes run on them as Kedro runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import write_deltalake

from klineforge.alerting.channels import Channel, NotDeliveredError
from klineforge.alerting.outbox import Message
from klineforge.alerting.settings import parse_alert_settings
from klineforge.contracts import CONTRACTS
from klineforge.datasets.delta_table import DeltaTableDataset
from klineforge.datasets.run_context import RUN_SCHEMA, RunContext
from klineforge.pipelines.alerts.nodes import deliver_alerts, find_alerts
from klineforge.pipelines.alerts.pipeline import TABLES_READ

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
_POLARS_TYPES: dict[str, Any] = {
    "STRING": pl.String(),
    "BIGINT": pl.Int64(),
    "INT": pl.Int32(),
    "DOUBLE": pl.Float64(),
    "TIMESTAMP": pl.Datetime("us", "UTC"),
    "BOOLEAN": pl.Boolean(),
    "ARRAY<STRING>": pl.List(pl.String()),
}
# One row per gap, with the end and the kinds that the rules read.
GAPS = {
    "exchange": pl.String(),
    "coin": pl.String(),
    "gap_start": pl.Datetime("us", "UTC"),
    "gap_end": pl.Datetime("us", "UTC"),
    "gap_hours": pl.Int32(),
    "kind": pl.String(),
}


def schema_of(table: str) -> dict[str, Any]:
    """Polars types of a table's columns."""
    if table == "kline_gaps":
        return GAPS
    return {column.name: _POLARS_TYPES[column.type] for column in CONTRACTS[table].all_columns}


def rows_of_table(table: str, rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows shaped by the contract; columns a row leaves out are null, and of one exchange unless they say so."""
    schema = schema_of(table)
    given = [{"exchange": "binance", "year": 2026, **row} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in given], schema=schema)


@dataclass
class Recorder:
    """A channel that keeps what it is sent, and fails while it is told to."""

    name: str = "ops"
    takes_digests: bool = True
    fails: bool = False
    sent: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if self.fails:
            raise NotDeliveredError("refused with HTTP status 500")
        self.sent.append(message)

    @property
    def ids(self) -> list[str]:
        return [alert["alert_id"] for message in self.sent for alert in message.alerts]


@dataclass
class Lake:
    """A lake on which the alerts pipeline is run."""

    root: Path

    def write(self, table: str, rows: Iterable[Mapping[str, Any]], mode: str = "append") -> None:
        path = self.root / CONTRACTS[table].layer / table
        write_deltalake(path, rows_of_table(table, rows).to_arrow(), mode=mode)  # type: ignore[call-overload]

    def dataset(self, table: str) -> DeltaTableDataset:
        return DeltaTableDataset(contract=table, path=str(self.root / CONTRACTS[table].layer / table))

    def find(
        self,
        now: datetime,
        channels: tuple[Channel, ...],
        parameters: Mapping[str, Any] | None = None,
        runs: pl.DataFrame | None = None,
    ) -> None:
        settings = parse_alert_settings(parameters or {}, tuple(one.name for one in channels))
        context = RunContext(f"at-{now:%H}", now, pl.DataFrame(schema=RUN_SCHEMA) if runs is None else runs, True)
        tables = [self.dataset(name).load() for name in TABLES_READ]
        before = self.dataset("alerts").load()
        self.dataset("alerts").save(find_alerts(settings, channels, context, before, *tables))

    def deliver(
        self, now: datetime, channels: tuple[Channel, ...], parameters: Mapping[str, Any] | None = None
    ) -> None:
        settings = parse_alert_settings(parameters or {}, tuple(one.name for one in channels))
        context = RunContext(f"at-{now:%H}", now, pl.DataFrame(schema=RUN_SCHEMA), True)
        before = self.dataset("alert_deliveries").load()
        for batch in deliver_alerts(settings, channels, context, self.dataset("alerts").load(), before):
            self.dataset("alert_deliveries").save(batch)

    def run(self, now: datetime, channels: tuple[Channel, ...], parameters: Mapping[str, Any] | None = None) -> None:
        self.find(now, channels, parameters)
        self.deliver(now, channels, parameters)

    def rows(self, table: str) -> pl.DataFrame:
        return pl.read_delta(str(self.root / "operations" / table))

    def version(self, table: str) -> int | None:
        seen = self.dataset(table).load().seen
        return None if seen is None else seen.version

    def trade(self, spikes: Mapping[str, Mapping[int, float]], hours: int = 30, first: int = 0) -> datetime:
        """Coins with quiet volume but for the spikes, up to date; gives the moment after the last hour."""
        opened = [START + HOUR * number for number in range(first, first + hours)]
        self.write(
            "mart_volume_metrics_1h",
            (
                {"coin": coin, "open_timestamp": hour, "volume_spike_ratio": of_coin.get(first + number, 1.0)}
                for coin, of_coin in spikes.items()
                for number, hour in enumerate(opened)
            ),
        )
        known = ({"coin": coin, "first_hour": opened[0], "last_hour": opened[-1]} for coin in spikes)
        self.write("kline_runs", known)
        self.write("dim_coins", ({"coin": coin, "is_active": True} for coin in spikes), mode="overwrite")
        return opened[-1] + HOUR
