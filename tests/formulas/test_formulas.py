"""Formulas one by one, each list of values in one Spark query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from faults.catalogue import case
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from klineforge.formulas.correlation import clipped, correlation_regime, is_breakdown, pearson
from klineforge.formulas.epochs import epoch_to_timestamp, hour_at, hour_number, is_on_the_hour
from klineforge.formulas.returns import drawdown, log_return, simple_return, volatility_regime
from klineforge.formulas.volume import is_spike, mover_signal, spike_ratio, volume_weighted_price

Evaluate = Callable[..., list[Any]]


@pytest.fixture
def evaluate(spark: SparkSession) -> Evaluate:
    """Apply a formula to rows of values, in order."""

    def run(formula: Callable[..., Column], kind: str, *rows: tuple[Any, ...]) -> list[Any]:
        names = [f"argument_{position}" for position in range(len(rows[0]))]
        schema = ", ".join(["row INT", *(f"{name} {kind}" for name in names)])
        frame = spark.createDataFrame([(number, *row) for number, row in enumerate(rows)], schema)
        result = frame.select("row", formula(*map(F.col, names)).alias("result")).collect()
        return [row.result for row in sorted(result, key=lambda row: row.row)]

    return run


def test_epoch_is_read_by_its_number_of_digits(evaluate: Evaluate) -> None:
    found = evaluate(
        lambda epoch: F.unix_micros(epoch_to_timestamp(epoch)),
        "BIGINT",
        (1_735_689_600_000,),
        (1_735_689_600_000_000,),
        # The last instants of an hour, exact to the unit they are written in.
        (1_735_693_199_999,),
        (1_735_693_199_999_999,),
        # Seconds, 12, 14, 15, 17 and 19 digits, negative, nothing.
        (1_735_689_600,),
        (999_999_999_999,),
        (10_000_000_000_000,),
        (173_568_960_000_000,),
        (17_356_896_000_000_000,),
        (9_223_372_036_854_775_807,),
        (-1_735_689_600_000,),
        (None,),
    )
    assert found == [
        1_735_689_600_000_000,
        1_735_689_600_000_000,
        1_735_693_199_999_000,
        1_735_693_199_999_999,
        *[None] * 8,
    ]


@case("86")
def test_hours_are_counted_from_instants_not_from_the_wall_clock(evaluate: Evaluate) -> None:
    noon = datetime(2021, 3, 28, 12, tzinfo=UTC)
    assert evaluate(is_on_the_hour, "TIMESTAMP", (noon,), (noon.replace(microsecond=1),)) == [True, False]
    moments = noon, noon.replace(day=30), noon.replace(hour=13, minute=59, second=59, microsecond=999_999)
    numbers = evaluate(hour_number, "TIMESTAMP", *((moment,) for moment in moments))
    assert [number - numbers[0] for number in numbers] == [0, 48, 1]
    assert evaluate(lambda instant: hour_at(hour_number(instant)), "TIMESTAMP", (moments[2],)) == [
        noon.replace(hour=13, tzinfo=None)
    ]


def test_returns_of_missing_or_zero_prices_are_null(evaluate: Evaluate) -> None:
    rows = (3.0, 2.0), (2.0, None), (None, 2.0), (2.0, 0.0)
    assert evaluate(simple_return, "DOUBLE", *rows) == [0.5, None, None, None]
    assert evaluate(log_return, "DOUBLE", *rows) == [pytest.approx(0.4054651081081644), None, None, None]
    assert evaluate(drawdown, "DOUBLE", (3.0, 4.0), (4.0, 4.0)) == [-0.25, 0.0]


def test_volatility_regime_at_its_thresholds_belongs_to_the_lower_one(evaluate: Evaluate) -> None:
    rows = (1.5, 1.0), (1.6, 1.0), (1.0, 1.0), (0.0, 0.0), (None, 1.0)
    assert evaluate(volatility_regime, "DOUBLE", *rows) == ["Medium", "High", "Low", "Low", None]


def test_volume_formulas_without_trades_are_null_and_no_spike(evaluate: Evaluate) -> None:
    rows = (4.0, 2.0), (5.0, 2.0), (0.0, 0.0)
    assert evaluate(spike_ratio, "DOUBLE", *rows) == [2.0, 2.5, None]
    assert evaluate(is_spike, "DOUBLE", *rows) == [False, True, False]
    assert evaluate(volume_weighted_price, "DOUBLE", *rows) == [2.0, 2.5, None]
    assert evaluate(mover_signal, "DOUBLE", (-0.5, 2.0), (None, 2.0), (0.5, None)) == [1.0, None, None]


def test_correlation_of_a_side_without_spread_is_null(evaluate: Evaluate) -> None:
    assert evaluate(pearson, "DOUBLE", (1.0, 2.0, 1.0), (0.0, 0.0, 1.0), (None, 1.0, 1.0)) == [0.5, None, None]
    assert evaluate(clipped, "DOUBLE", (1.1,), (-1.1,), (0.3,), (None,)) == [1.0, -1.0, 0.3, None]


def test_correlation_regime_at_its_floors_belongs_to_the_higher_one(evaluate: Evaluate) -> None:
    values = [(0.8,), (-0.8,), (0.5,), (-0.3,), (0.29,), (0.0,), (None,)]
    expected = ["High", "High", "Medium", "Low", "Uncorrelated", "Uncorrelated", None]
    assert evaluate(correlation_regime, "DOUBLE", *values) == expected


def test_breakdown_needs_two_correlations_more_than_a_half_apart(evaluate: Evaluate) -> None:
    rows = (0.5, 0.0), (0.5, -0.25), (-0.5, 0.25), (None, 1.0), (1.0, None)
    assert evaluate(is_breakdown, "DOUBLE", *rows) == [False, True, True, False, False]
