"""The semantic model: what its tables, relationships and measures are. How they are written is ``model_files``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import Column
from klineforge.measures.registry import PAGES, Metric, metrics

TABLES: Final = (
    "dim_timestamp",
    "dim_coins",
    "dim_exchange",
    "mart_returns_1h",
    "mart_volume_metrics_1h",
    "mart_top_movers",
    "mart_indicators_1h",
    "mart_correlations",
    "mart_market_breadth_1h",
)
MEASURES: Final = "Measures"
AMOUNT: Final = "Investment Amount"
KEYS: Final = {"coin": "coin_key", "base_coin": "base_coin_key", "related_coin": "related_coin_key"}
"""Columns that the model adds, by the column they are made of: a coin together with its exchange names a row."""
_TYPES: Final = {
    "STRING": "string",
    "INT": "int64",
    "BIGINT": "int64",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "dateTime",
    "DATE": "dateTime",
}
_FORMATS: Final = {
    "percent": "0.00 %;-0.00 %;0.00 %",
    "signed_percent": "+0.00 %;-0.00 %;0.00 %",
    "correlation": "+0.00;-0.00;0.00",
    "ratio": "#,0.00",
    "number": "#,0.00",
    "integer": "#,0",
    "hours": "#,0",
    "price": "#,0.########",
    "money": "#,0.00",
    "compact": "#,0",
}


@dataclass(frozen=True, slots=True)
class Relationship:
    """Rows of one table belong to a row of another.

    Args:
        table: Many.
        column: Of it.
        to_table: One.
        to_column: Of it.
        is_active: Whether filters follow it by themselves.
    """

    table: str
    column: str
    to_table: str
    to_column: str
    is_active: bool = True


def columns(table: str) -> tuple[Column, ...]:
    """Columns that a table of the model reads from the lake: those of its contract, without arrays."""
    return tuple(column for column in CONTRACTS[table].columns if column.type in _TYPES)


def keys(table: str) -> tuple[str, ...]:
    """Columns that the model adds to a table."""
    held = {column.name for column in columns(table)}
    return tuple(key for source, key in KEYS.items() if source in held)


def data_type(column: Column) -> str:
    """The type of a column in TMDL."""
    return _TYPES[column.type]


def format_string(metric: Metric) -> str | None:
    """How Power BI writes a measure; None for words."""
    return _FORMATS.get(metric.format)


def measures() -> Sequence[Metric]:
    """Figures of the registry that Power BI computes."""
    return [row for row in metrics().values() if row.dax]


def folder(metric: Metric) -> str:
    """Display folder of a measure: the first page that shows it."""
    return PAGES[metric.pages[0]]


def relationships() -> tuple[Relationship, ...]:
    """Hours to the calendar, coins to their dimension, and what has no coin to its exchange."""
    found = []
    for table in TABLES:
        held = {column.name for column in columns(table)}
        if "open_timestamp" in held:
            found.append(Relationship(table, "open_timestamp", "dim_timestamp", "ts"))
        if table == "dim_coins":
            found.append(Relationship(table, "exchange", "dim_exchange", "exchange"))
            continue
        added = keys(table)
        # Two active ways to one table would be ambiguous: a pair follows its first coin.
        found += [
            Relationship(table, key, "dim_coins", "coin_key", is_active=place == 0) for place, key in enumerate(added)
        ]
        if not added and "exchange" in held and table != "dim_exchange":
            found.append(Relationship(table, "exchange", "dim_exchange", "exchange"))
    return tuple(found)


def fields() -> dict[str, set[str]]:
    """Every column and measure of the model, by table."""
    found = {table: {column.name for column in columns(table)} | set(keys(table)) for table in TABLES}
    found[MEASURES] = {row.label for row in measures()}
    found[AMOUNT] = {AMOUNT}
    return found
