"""What a table's contract promises, asked of its rows: every rule in one pass over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from klineforge.domain.contract import YEAR_COLUMN, TableContract
from klineforge.errors import ContractError
from klineforge.quality.finding import SAMPLES, Finding, Severity

UNIQUE_KEY = "unique_key"
NOT_IN_FUTURE = "not_in_future"
_BROKEN = "_broken_"


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule that every row keeps or breaks by itself.

    Args:
        name: Unique within the table.
        keeps: SQL condition that is true where a row keeps it; anything else, null included, breaks it.
        severity: What breaking it means.
        detail: What to do about it.
    """

    name: str
    keeps: str
    severity: Severity = "error"
    detail: str = ""


def row_rules(contract: TableContract, *, stored: bool = False) -> tuple[RowRule, ...]:
    """The rules of a contract that one row can break: NOT NULL, accepted values, ranges, the partition's year.

    Args:
        contract: The table's contract.
        stored: For rows as they stand in the table, with the columns of its layout and its partition.
    """
    required = [column for column in (contract.all_columns if stored else contract.columns) if not column.nullable]
    filled = [RowRule(f"not_null_{column.name}", f"`{column.name}` IS NOT NULL") for column in required]
    bounded = [RowRule(name, condition) for name, condition in contract.constraints.items()]
    year = f"`{YEAR_COLUMN}` = EXTRACT(YEAR FROM `{contract.time_column}`)"
    placed = [RowRule("year_of_partition", year)] if contract.partitioned and stored else []
    return (*filled, *bounded, *placed)


def broken_rows(rows: pl.LazyFrame, contract: TableContract, rules: Sequence[RowRule]) -> list[Finding]:
    """Ask every row every rule, in one pass; a second one names some rows where any rule is broken.

    Args:
        rows: Rows of the table, at least the columns the rules speak of.
        contract: The table's contract; samples show its key.
        rules: What to ask.
    """
    marks = ", ".join(f"NOT ({rule.keeps}) AS `{_BROKEN}{rule.name}`" for rule in rules)
    marked = rows.sql(f"SELECT *, {marks} FROM self") if rules else rows  # noqa: S608  # rules come from contracts
    broken = {rule.name: pl.col(_BROKEN + rule.name).fill_null(value=True) for rule in rules}
    counts = marked.select(pl.len().alias("_rows"), *(mark.sum().alias(name) for name, mark in broken.items()))
    found = counts.collect(engine="streaming").row(0, named=True)
    return [
        Finding(
            contract.name,
            rule.name,
            rule.severity,
            found["_rows"],
            int(found[rule.name]),
            _samples(marked.filter(broken[rule.name]), contract.grain) if found[rule.name] else (),
            rule.detail if found[rule.name] else "",
        )
        for rule in rules
    ]


def require_promises(rows: pl.DataFrame, contract: TableContract) -> None:
    """Refuse rows that break their table's contract, in words that name the rule and some of the rows.

    Args:
        rows: New rows, at least the contract's columns; other columns do not count.
        contract: The table's contract.

    Raises:
        ContractError: Lists every broken rule.
    """
    broken = [finding for finding in broken_rows(rows.lazy(), contract, row_rules(contract)) if not finding.holds]
    if broken:
        found = "; ".join(str(finding) for finding in broken)
        raise ContractError(f"{found}. Nothing was written; the table stays as it was")


def repeated_rows(rows: pl.LazyFrame, contract: TableContract) -> Finding:
    """Rows that share their key with another one; all of them count."""
    keys = rows.select(contract.grain)
    repeated = keys.group_by(contract.grain).len().filter(pl.col("len") > 1)
    size = keys.select(pl.len()).collect(engine="streaming").item()
    found = repeated.collect(engine="streaming")
    sample = tuple(found.select(contract.grain).head(SAMPLES).iter_rows(named=True))
    return Finding(contract.name, UNIQUE_KEY, "error", size, int(found["len"].sum()), sample)


def rows_in_future(rows: pl.LazyFrame, contract: TableContract, now: datetime) -> Finding:
    """Rows about hours that have not begun.

    Args:
        rows: Rows of the table.
        contract: The table's contract, with a time column.
        now: Aware UTC instant.
    """
    when = pl.col(str(contract.time_column))
    size = rows.select(pl.len(), (when > now).sum().alias("late")).collect(engine="streaming").row(0, named=True)
    sample = _samples(rows.filter(when > now), contract.grain) if size["late"] else ()
    return Finding(contract.name, NOT_IN_FUTURE, "error", size["len"], int(size["late"]), sample)


def strangers(rows: pl.LazyFrame, contract: TableContract, known: Mapping[str, pl.LazyFrame]) -> Iterable[Finding]:
    """Rows that refer to a row of another table which is not there.

    Args:
        rows: Rows of the table.
        contract: The table's contract.
        known: The tables it refers to, by name; what is not among them is not asked.
    """
    for link in contract.foreign_keys:
        if link.table not in known:
            continue
        there = known[link.table].select(
            pl.col(key).alias(own) for own, key in zip(link.columns, link.keys, strict=True)
        )
        # Distinct first: a fact has few subjects and hours beside its rows.
        used = rows.group_by(link.columns).len()
        orphans = used.join(there.unique(), on=list(link.columns), how="anti").collect(engine="streaming")
        size = rows.select(pl.len()).collect(engine="streaming").item()
        sample = tuple(orphans.select(link.columns).head(SAMPLES).iter_rows(named=True))
        yield Finding(contract.name, link.rule, "error", size, int(orphans["len"].sum()), sample)


def _samples(rows: pl.LazyFrame, grain: Sequence[str]) -> tuple[dict[str, object], ...]:
    return tuple(rows.select(grain).head(SAMPLES).collect().iter_rows(named=True))
