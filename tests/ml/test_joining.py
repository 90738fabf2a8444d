"""The as-of join, against one that looks at every row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml.panels import HOUR, START, candles, honest

from klineforge.errors import ConfigurationError, ContractError
from klineforge.ml import asof_join

COINS = st.sampled_from(["A", "B"])
MINUTE = timedelta(minutes=1)


def spine_of(rows: list[tuple[str, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "exchange": ["x"] * len(rows),
            "coin": [coin for coin, _ in rows],
            "asof": [START + MINUTE * minute for _, minute in rows],
        },
        schema={"exchange": pl.String, "coin": pl.String, "asof": pl.Datetime("us", "UTC")},
    )


def features_of(rows: list[tuple[str, int]]) -> pl.DataFrame:
    spine = spine_of(rows).rename({"asof": "available_at"})
    return spine.with_columns(
        (pl.col("available_at") - HOUR).alias("open_timestamp"),
        pl.int_range(pl.len()).cast(pl.Float64).alias("value"),
    )


@given(
    spine=st.lists(st.tuples(COINS, st.integers(0, 600)), max_size=30),
    features=st.lists(st.tuples(COINS, st.integers(0, 600)), max_size=30, unique=True),
    max_age=st.integers(0, 200),
)
def test_join_finds_what_looking_at_every_row_finds(
    spine: list[tuple[str, int]], features: list[tuple[str, int]], max_age: int
) -> None:
    joined = asof_join(spine_of(spine), features_of(features), max_age=MINUTE * max_age)
    expected: list[float | None] = []
    for coin, minute in spine:
        known = [
            (at, float(number))
            for number, (other, at) in enumerate(features)
            if other == coin and minute - max_age <= at <= minute
        ]
        expected.append(max(known)[1] if known else None)
    assert joined["value"].to_list() == expected
    assert joined.select("exchange", "coin", "asof").equals(spine_of(spine))
    assert joined.columns == ["exchange", "coin", "asof", "feature_available_at", "value"]


def test_join_never_gives_a_row_before_its_candle_has_closed() -> None:
    features = honest(candles(1, 10))
    spine = features.select("exchange", "coin", pl.col("open_timestamp").alias("asof"))
    joined = asof_join(spine, features)
    # At the instant the candle opens, the one before it is the newest that is known.
    assert (joined["feature_available_at"].drop_nulls() == joined["asof"][1:]).all()
    assert joined["mean_5"].to_list()[1:] == features["mean_5"].to_list()[:-1]


@pytest.mark.parametrize(
    ("kind", "type_"), [("polars", pl.DataFrame), ("pandas", pd.DataFrame), ("arrow", pa.Table), ("lazy", pl.LazyFrame)]
)
def test_join_takes_and_gives_any_kind_of_table(kind: Any, type_: type) -> None:
    spine, features = spine_of([("A", 90), ("B", 5)]), features_of([("A", 60)])
    expected = asof_join(spine, features)
    given_as: dict[str, Any] = {
        "polars": spine,
        "pandas": spine.to_pandas(),
        "arrow": spine.to_arrow(),
        "lazy": spine.lazy(),
    }
    joined = asof_join(given_as[kind], features.to_pandas())
    assert isinstance(joined, type_)
    assert isinstance(asof_join(spine, features, kind=kind), type_)
    again = joined.collect() if isinstance(joined, pl.LazyFrame) else pl.DataFrame(joined)
    assert again["value"].to_list() == expected["value"].to_list() == [0.0, None]


def test_join_takes_categories_and_other_time_zones_for_what_they_mean() -> None:
    spine = spine_of([("A", 90)]).with_columns(
        pl.col("coin").cast(pl.Categorical), pl.col("asof").dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ns")
    )
    joined = asof_join(spine, features_of([("A", 60), ("A", 120)]))
    assert joined["value"].to_list() == [0.0]
    assert joined["asof"].to_list() == [START + 90 * MINUTE]


@pytest.mark.parametrize(
    ("spine", "features", "message"),
    [
        (spine_of([("A", 1)]).drop("coin"), features_of([]), "the spine has no column 'coin'; its columns are"),
        (spine_of([("A", 1)]), features_of([]).drop("available_at"), "features has no column 'available_at'"),
        (
            spine_of([("A", 1)]).with_columns(pl.col("asof").dt.replace_time_zone(None)),
            features_of([]),
            "column 'asof' of the spine has no time zone",
        ),
        (spine_of([("A", 1)]).with_columns(asof=pl.lit("2026")), features_of([]), "must hold instants"),
        (
            spine_of([("A", 1)]).with_columns(coin=pl.lit(None, pl.String)),
            features_of([]),
            "'coin' of the spine is null",
        ),
        (spine_of([("A", 1)]).with_columns(coin=pl.lit(1)), features_of([("A", 1)]), "give both the same type"),
        (
            spine_of([("A", 1)]),
            features_of([("A", 1), ("A", 1)]),
            "1 rows that repeat a key and available_at, first x A at",
        ),
        (spine_of([("A", 1)]).with_columns(value=pl.lit(1)), features_of([]), "both have a column 'value'"),
        (
            spine_of([("A", 1)]),
            features_of([("A", 60)]).with_columns(available_at=pl.col("open_timestamp")),
            "claim to be known before their candle has closed in 1 of 1 rows",
        ),
        ([1, 2], features_of([]), "the spine must be a polars, pandas or Arrow table, found list"),
    ],
)
def test_join_refuses_tables_that_it_would_join_wrongly(spine: Any, features: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        asof_join(spine, features)


def test_join_refuses_other_arguments() -> None:
    with pytest.raises(ConfigurationError, match="max_age must be a timedelta of zero or more, found 2"):
        asof_join(spine_of([]), features_of([]), max_age=2)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="kind must be one of lazy, polars, pandas, arrow, found 'csv'"):
        asof_join(spine_of([]), features_of([]), kind="csv")  # type: ignore[arg-type]


def test_key_and_instant_may_have_other_names() -> None:
    spine = pl.DataFrame({"coin": ["A"], "decided": [datetime(2026, 1, 1, 2, tzinfo=UTC)]})
    joined = asof_join(spine, features_of([("A", 60)]).drop("exchange"), by="coin", asof="decided")
    assert joined["value"].to_list() == [0.0]


def test_nanoseconds_do_not_make_a_feature_known_before_it_is() -> None:
    known = features_of([("A", 1)]).with_columns(
        pl.col("available_at").dt.cast_time_unit("ns") + pl.duration(nanoseconds=1, time_unit="ns")
    )

    assert asof_join(spine_of([("A", 1)]), known)["value"].to_list() == [None]
    assert asof_join(spine_of([("A", 2)]), known)["value"].to_list() == [0.0]


def test_join_by_no_column_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="by names no column"):
        asof_join(spine_of([("A", 1)]), features_of([("A", 1)]), by=[])
