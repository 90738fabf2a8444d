"""Contracts of the tables about the warehouse itself: what was checked, what ran, what was told to whom."""

from __future__ import annotations

from klineforge.domain.contract import Column, TableContract

SEVERITIES = ("error", "warning")

QUALITY_RESULTS = TableContract(
    name="quality_results",
    layer="operations",
    description="One row per check of the quality pipeline: how many rows it looked at, how many broke it, and which.",
    grain=("run_id", "table_name", "rule"),
    time_column="checked_at",
    sort_by=("checked_at", "table_name", "rule"),
    source="every table of the lake; the rules are those of the contracts and of klineforge.quality",
    columns=(
        Column("run_id", "STRING", "The run that checked."),
        Column("table_name", "STRING", "The table that was checked."),
        Column("rule", "STRING", "What was asked, for example unique_key."),
        Column("severity", "STRING", "What breaking it means.", accepted=SEVERITIES),
        Column("checked_at", "TIMESTAMP", "When it was checked.", "UTC"),
        Column("rows_checked", "BIGINT", "Rows, files or commits looked at.", check="rows_checked >= 0"),
        Column("rows_failed", "BIGINT", "How many of them broke the rule.", check="rows_failed >= 0"),
        Column("sample", "STRING", "Up to five of them, as JSON.", None, "none broke the rule"),
        Column("detail", "STRING", "What was found and what to do, in words.", None, "none broke the rule"),
        Column("table_version", "BIGINT", "Version of the table that was checked.", None, "the table is not readable"),
    ),
)

ALERT_SEVERITIES = ("info", "warning", "error")

ALERTS = TableContract(
    name="alerts",
    layer="operations",
    description="One row per event that people are told of; a row is never changed or removed.",
    grain=("alert_id",),
    time_column="fired_at",
    sort_by=("fired_at", "alert_id"),
    source="the marts, kline_runs, kline_gaps, dim_coins, quality_results and the run log; rules in docs/alerts.md",
    columns=(
        Column(
            "alert_id", "STRING", "SHA-256 of rule, subject, hour and step: the same event has the same id for ever."
        ),
        Column("rule", "STRING", "Which rule found it, for example volume_spike."),
        Column("severity", "STRING", "How much it matters.", accepted=ALERT_SEVERITIES),
        Column("exchange", "STRING", "Exchange code.", None, "the event is about the warehouse itself"),
        Column("subject", "STRING", "What it is about: binance/BTCUSDT, an exchange, a table and check, a pipeline."),
        Column("hour", "TIMESTAMP", "Hour of the event; for checks and runs the instant it began.", "UTC"),
        Column("value", "DOUBLE", "The figure that crossed the threshold.", "of the rule", "the rule has no figure"),
        Column("threshold", "DOUBLE", "The threshold it crossed.", "of the rule", "the rule has no threshold"),
        Column("message", "STRING", "The event in words."),
        Column("channels", "ARRAY<STRING>", "Names of the channels it is delivered to, decided when it was found."),
        Column("fired_at", "TIMESTAMP", "When it was found.", "UTC"),
        Column("run_id", "STRING", "The run that found it."),
    ),
)

ALERT_DELIVERIES = TableContract(
    name="alert_deliveries",
    layer="operations",
    description="One row per attempt to deliver an alert through a channel; the alert is delivered once error is null.",
    grain=("alert_id", "channel", "attempt"),
    time_column="attempted_at",
    sort_by=("attempted_at", "channel", "alert_id"),
    source="alerts and what the channels answered",
    columns=(
        Column("alert_id", "STRING", "The alert."),
        Column("channel", "STRING", "Name of the channel."),
        Column("attempt", "INT", "Number of the attempt, from 1.", check="attempt >= 1"),
        Column("attempted_at", "TIMESTAMP", "When it was sent, or tried.", "UTC"),
        Column("alerts_in_message", "INT", "Alerts the message told of; more than one is a digest.", "alerts"),
        Column("error", "STRING", "Why it was not delivered; never holds the channel's address.", None, "delivered"),
        Column("run_id", "STRING", "The run that sent it."),
    ),
)

RUN_KINDS = ("run", "node", "table")
RUN_OUTCOMES = ("succeeded", "partial", "failed", "interrupted", "killed")
_OF_TABLES = "the row is a node"
_ONE_TABLE = "the row is a run or a node"

RUN_LOG = TableContract(
    name="run_log",
    layer="operations",
    description="One row per run, per node of it and per table it worked on: when, how it ended, what changed.",
    grain=("run_id", "kind", "name"),
    time_column="started_at",
    sort_by=("started_at", "run_id", "kind", "name"),
    source="_klineforge/runs.jsonl of the lake, where every run is written down first; runs that changed nothing come "
    "with the next one that did (docs/run-log.md)",
    columns=(
        Column("run_id", "STRING", "Identifier of the run; every commit of the run carries it in its note."),
        Column("kind", "STRING", "What the row is about.", accepted=RUN_KINDS),
        Column("name", "STRING", "Name of the pipeline, the node or the table."),
        Column("started_at", "TIMESTAMP", "When the work began.", "UTC"),
        Column("ended_at", "TIMESTAMP", "When it ended.", "UTC", "the run was killed"),
        Column("outcome", "STRING", "How it ended; partial: some coins could not be ingested.", accepted=RUN_OUTCOMES),
        Column("error", "STRING", "What went wrong, without credentials.", None, "nothing went wrong"),
        Column("pipeline", "STRING", "Pipeline of the run."),
        Column("env", "STRING", "Kedro environment of the run."),
        Column("package_version", "STRING", "Version of KlineForge.", None, "written by a version before the column"),
        Column("parameters", "STRING", "Runtime parameters as JSON, without credentials.", None, "not a run"),
        Column(
            "action",
            "STRING",
            "What was done to the table: append, merge, rebuild, acknowledge (nothing differed), unchanged.",
            None,
            "not a table, or its work did not succeed",
        ),
        Column("rows_inserted", "BIGINT", "Rows added; of a run, in all tables.", "rows", _OF_TABLES),
        Column("rows_updated", "BIGINT", "Rows replaced; of a run, in all tables.", "rows", _OF_TABLES),
        Column("rows_deleted", "BIGINT", "Rows removed; of a run, in all tables.", "rows", _OF_TABLES),
        Column("rows_unchanged", "BIGINT", "Rows computed again and found equal.", "rows", _OF_TABLES),
        Column(
            "bytes_added",
            "BIGINT",
            "Size of the data files added; of a run, in all tables.",
            "bytes",
            "the row is a node, or the table is not on this machine",
        ),
        Column(
            "version_before",
            "BIGINT",
            "Delta version the run found.",
            None,
            "the row is a run or a node, or the table was not there",
        ),
        Column("version_written", "BIGINT", "Newest Delta version the run wrote.", None, "the run wrote none"),
        Column("versions_read", "STRING", "Delta versions of its inputs as JSON, by table.", None, _ONE_TABLE),
        Column("reason", "STRING", "Why the table was made anew.", None, "it was not"),
    ),
)
