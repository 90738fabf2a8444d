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
