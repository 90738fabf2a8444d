"""Rules of contracts, asked of a few rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from klineforge.domain.contract import Column, ForeignKey, TableContract
from klineforge.errors import ContractError
from klineforge.quality.finding import Finding, together
from klineforge.quality.promises import (
    broken_rows,
    repeated_rows,
    require_promises,
    row_rules,
    rows_in_future,
    strangers,
)

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
CONTRACT = TableContract(
    name="figures",
    layer="marts",
    description="Of a test.",
    grain=("coin", "ts"),
    time_column="ts",
    partitioned=True,
    columns=(
        Column("coin", "STRING", "Coin."),
        Column("ts", "TIMESTAMP", "Hour."),
        Column("figure", "DOUBLE", "Figure.", None, "unknown", check="figure BETWEEN -1 AND 0"),
        Column("kind", "STRING", "Kind.", accepted=("low", "high")),
    ),
    checks=(("on_the_hour", "ts = date_trunc('HOUR', ts)"),),
    foreign_keys=(ForeignKey(("coin",), "coins", ("symbol",)),),
)


def rows(**changes: object) -> pl.DataFrame:
    """Three sound rows; a change is made to the second."""
    sound = [
        {"coin": "A", "ts": NOON + timedelta(hours=hour), "figure": -0.5, "kind": "low", "year": 2024}
        for hour in range(3)
    ]
    sound[1] |= changes
    kinds = {
        "coin": pl.String,
        "ts": pl.Datetime("us", "UTC"),
        "figure": pl.Float64,
        "kind": pl.String,
        "year": pl.Int32,
    }
    return pl.DataFrame(sound, schema=kinds)


def broken(frame: pl.DataFrame) -> dict[str, int]:
    """Rules that do not hold, with how many rows break them."""
    found = broken_rows(frame.lazy(), CONTRACT, row_rules(CONTRACT, stored=True))
    return {finding.rule: finding.failed for finding in found if not finding.holds}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"coin": None}, "not_null_coin"),
        ({"kind": None}, "not_null_kind"),
        ({"figure": 0.1}, "figure_valid"),
        ({"figure": float("nan")}, "figure_valid"),
        ({"kind": "none of these"}, "kind_valid"),
        ({"ts": NOON + timedelta(minutes=61)}, "on_the_hour"),
        ({"year": 2023}, "year_of_partition"),
    ],
)
def test_each_rule_tells_the_row_that_breaks_it(change: dict[str, object], rule: str) -> None:
    assert broken(rows(**change)).get(rule) == 1


def test_sound_rows_break_nothing_and_a_null_that_is_allowed_is_sound() -> None:
    assert broken(rows()) == {}
    assert broken(rows(figure=None)) == {}
    asked = {rule.name for rule in row_rules(CONTRACT, stored=True)}
    assert asked == {
        "not_null_coin",
        "not_null_ts",
        "not_null_kind",
        "not_null_year",
        "figure_valid",
        "kind_valid",
        "on_the_hour",
        "year_of_partition",
    }


def test_a_rule_whose_condition_is_null_is_broken_as_delta_has_it() -> None:
    strict = replace(CONTRACT, checks=(("falls", "figure < 0"),))
    (falls,) = [rule for rule in row_rules(strict) if rule.name == "falls"]
    (finding,) = broken_rows(rows(figure=None).lazy(), strict, [falls])
    assert (finding.checked, finding.failed) == (3, 1)
    assert finding.sample == ({"coin": "A", "ts": NOON + timedelta(hours=1)},)


def test_all_rows_of_a_repeated_key_count() -> None:
    finding = repeated_rows(rows(ts=NOON).lazy(), CONTRACT)
    assert (finding.checked, finding.failed, len(finding.sample)) == (3, 2, 1)
    assert repeated_rows(rows().lazy(), CONTRACT).holds


def test_hours_to_come_are_told() -> None:
    assert rows_in_future(rows().lazy(), CONTRACT, NOON + timedelta(hours=1)).failed == 1
    assert rows_in_future(rows().lazy(), CONTRACT, NOON + timedelta(hours=2)).holds


def test_names_that_the_other_table_does_not_have_are_strangers() -> None:
    coins = pl.LazyFrame({"symbol": ["A", "C"]})
    (finding,) = strangers(rows(coin="B").lazy(), CONTRACT, {"coins": coins})
    assert (finding.rule, finding.checked, finding.failed) == ("coin_in_coins", 3, 1)
    assert finding.sample == ({"coin": "B"},)
    assert list(strangers(rows().lazy(), CONTRACT, {})) == []


def test_refused_rows_are_named_with_every_rule_that_they_break() -> None:
    require_promises(rows().drop("year"), CONTRACT)
    with pytest.raises(ContractError) as refused:
        require_promises(rows(figure=2.0, kind="odd").drop("year"), CONTRACT)
    told = str(refused.value)
    assert "figures: figure_valid is broken by 1 of 3, for example A 2024-05-01 13:00:00+00:00" in told
    assert "kind_valid" in told
    assert "Nothing was written" in told


def test_parts_of_a_table_are_added_up() -> None:
    one = Finding("t", "r", "error", 10, 1, ({"k": 1},), "first", 7)
    two = Finding("t", "r", "error", 5, 2, ({"k": 2}, {"k": 3}), "second", 7)
    other = Finding("t", "s", "warning", 5, 0)
    assert together([one, other, two]) == [
        Finding("t", "r", "error", 15, 3, ({"k": 1}, {"k": 2}, {"k": 3}), "first", 7),
        other,
    ]
