"""Comparing two versions of a table by key, against a dictionary."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.domain.contract import Column, TableContract
from klineforge.errors import ContractError
from klineforge.incremental.compare import changed_rows
from klineforge.lake.writing import CHANGE

CONTRACT = TableContract(
    name="figures",
    layer="marts",
    description="Figures.",
    grain=("coin", "hour"),
    columns=(
        Column("coin", "STRING", "Coin."),
        Column("hour", "BIGINT", "Hour."),
        Column("price", "DOUBLE", "Price.", None, "missing"),
        Column("noisy", "DOUBLE", "Computed in another order.", None, "missing", tolerance=1e-9),
        Column("reasons", "ARRAY<STRING>", "Reasons.", None, "missing"),
    ),
)
SCHEMA = {
    "coin": pl.String,
    "hour": pl.Int64,
    "price": pl.Float64,
    "noisy": pl.Float64,
    "reasons": pl.List(pl.String),
}

Figures = tuple[float | None, float | None, list[str] | None]
Version = dict[tuple[str, int], Figures]

FIGURES = st.tuples(
    st.sampled_from([None, 0.0, -0.0, 1.5, float("nan")]),
    st.sampled_from([None, 1.0, 1.0 + 1e-12, 1.1]),
    st.sampled_from([None, [], ["a"], ["a", "b"]]),
)
VERSIONS = st.dictionaries(st.tuples(st.sampled_from("AB"), st.integers(0, 3)), FIGURES)


def frame(version: Version) -> pl.DataFrame:
    rows = [(*key, *figures) for key, figures in version.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def is_same(one: Figures, other: Figures) -> bool:
    (price, noisy, reasons), (held_price, held_noisy, held_reasons) = one, other
    same_price = price == held_price or repr(price) == repr(held_price) == "nan"
    near = noisy == held_noisy or (noisy is not None and held_noisy is not None and abs(noisy - held_noisy) <= 1e-9)
    return same_price and near and reasons == held_reasons


@given(new=VERSIONS, old=VERSIONS)
def test_changes_are_those_of_a_dictionary(new: Version, old: Version) -> None:
    changes, counts = changed_rows(frame(new), frame(old), CONTRACT)
    kinds = dict.fromkeys(new.keys() - old.keys(), "insert")
    kinds |= dict.fromkeys(old.keys() - new.keys(), "delete")
    kinds |= {key: "unchanged" if is_same(new[key], old[key]) else "update" for key in new.keys() & old.keys()}
    expected = Counter(kinds.values())
    assert vars(counts) == {
        "inserted": expected["insert"],
        "updated": expected["update"],
        "deleted": expected["delete"],
        "unchanged": expected["unchanged"],
    }
    told = {(row["coin"], row["hour"]): row for row in changes.iter_rows(named=True)}
    assert {key: row[CHANGE] for key, row in told.items()} == {k: v for k, v in kinds.items() if v != "unchanged"}
    for key, row in told.items():
        source = old[key] if row[CHANGE] == "delete" else new[key]
        assert repr((row["price"], row["noisy"], row["reasons"])) == repr(source)


def test_two_recomputed_rows_with_one_key_are_refused() -> None:
    twice = pl.concat([frame({("A", 1): (1.0, 1.0, [])}), frame({("A", 1): (2.0, 1.0, [])})])
    with pytest.raises(ContractError, match=r"table figures: 1 keys of \(coin, hour\) occur more than once.*'hour': 1"):
        changed_rows(twice, frame({}), CONTRACT)
