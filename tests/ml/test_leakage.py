"""check_no_leakage lets honest features pass and names those that look ahead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from ml.panels import HOUR, START, candles, honest

from klineforge.errors import ConfigurationError, ContractError, LeakageError
from klineforge.ml import check_no_leakage

MINE: dict[str, Any] = {"partition_by": ["exchange", "coin"], "order_by": "open_timestamp"}
CLOSE = pl.col("close_price")
LEAKS = {
    "the next close": CLOSE.shift(-1).over(**MINE),
    "a centred mean": CLOSE.rolling_mean(5, center=True, min_samples=1).over(**MINE),
    "scaled by the whole history": (CLOSE - CLOSE.mean()) / CLOSE.std(),
    "filled from behind": pl.when(CLOSE.rank() % 7 == 0).then(None).otherwise(CLOSE).backward_fill(),
    "rank over all of time": CLOSE.rank().over("coin"),
}


def test_honest_features_do_not_look_ahead() -> None:
    report = check_no_leakage(honest, candles(2, 40), sample=15)
    assert (report.features, report.instants, report.rows) == (("log_return_1h", "mean_5"), 15, 30)
    assert "2 features do not look ahead: 30 rows of 15 instants" in str(report)


@pytest.mark.parametrize("leak", LEAKS)
def test_leaky_feature_is_named_and_the_honest_ones_are_not(leak: str) -> None:
    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        return honest(rows).with_columns(rows.select(LEAKS[leak].alias("leak"))["leak"])

    with pytest.raises(
        LeakageError, match=r"1 features come out otherwise .*\n  leak: \d+ of 30 rows, first binance C"
    ):
        check_no_leakage(compute, candles(2, 40), sample=15)


def test_row_that_needs_the_next_candle_to_exist_is_a_leak() -> None:
    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        return honest(rows).filter(rows.select(CLOSE.shift(-1).over(**MINE).is_not_null())["close_price"])

    with pytest.raises(LeakageError, match="from what was known no row"):
        check_no_leakage(compute, candles(1, 30), sample=5)


def test_row_available_before_its_candle_has_closed_is_a_leak() -> None:
    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        return honest(rows).with_columns(available_at=pl.col("open_timestamp"))

    with pytest.raises(LeakageError, match="from what was known no row"):
        check_no_leakage(compute, candles(1, 30), sample=5)


def test_stored_table_is_held_against_what_was_known() -> None:
    rows = candles(2, 40)
    stored = honest(rows)
    assert check_no_leakage(honest, rows, features=stored.to_pandas(), sample=4).rows == 8
    changed = stored.with_columns(mean_5=pl.col("mean_5").shift(-1))
    with pytest.raises(LeakageError, match="mean_5"):
        check_no_leakage(honest, rows, features=changed, sample=4)
    assert check_no_leakage(honest, rows, features=changed, names=["log_return_1h"], sample=4).rows == 8


def test_numbers_within_the_tolerance_are_the_same() -> None:
    rows = candles(1, 20)
    stored = honest(rows).with_columns(pl.col("mean_5") + 1e-9)
    with pytest.raises(LeakageError, match="mean_5"):
        check_no_leakage(honest, rows, features=stored, sample=3)
    assert check_no_leakage(honest, rows, features=stored, sample=3, tolerance=1e-8).instants == 3


def test_lookback_that_is_long_enough_changes_nothing() -> None:
    assert check_no_leakage(honest, candles(1, 40), sample=10, lookback=6 * HOUR).rows == 10
    with pytest.raises(LeakageError, match="mean_5"):
        check_no_leakage(honest, candles(1, 40), sample=10, lookback=2 * HOUR)


def test_check_says_what_it_cannot_do() -> None:
    with pytest.raises(ConfigurationError, match="sample must be a whole number"):
        check_no_leakage(honest, candles(1, 10), sample=0)
    with pytest.raises(ConfigurationError, match="no features to compare: no row"):
        check_no_leakage(honest, candles(1, 10).clear())
    with pytest.raises(ConfigurationError, match="there are no features to compare: the columns are"):
        check_no_leakage(lambda rows: honest(rows).drop("mean_5", "log_return_1h"), candles(1, 10))
    with pytest.raises(ContractError, match="what compute gives has no column 'x'"):
        check_no_leakage(honest, candles(1, 10), features=honest(candles(1, 10)).with_columns(x=pl.lit(1)))
    with pytest.raises(ContractError, match="has no time zone"):
        check_no_leakage(honest, candles(1, 9).with_columns(pl.col("open_timestamp").dt.replace_time_zone(None)))
    with pytest.raises(ContractError, match="rows that share exchange, coin, available_at"):
        check_no_leakage(honest, pl.concat([candles(1, 9), candles(1, 9)]), lookback=timedelta(hours=1))


def test_rows_that_only_the_future_takes_away_are_a_leak() -> None:
    def survivors(rows: pl.DataFrame) -> pl.DataFrame:
        lasting = rows.group_by("coin").agg(last="open_timestamp").with_columns(pl.col("last").list.max())
        kept = lasting.filter(pl.col("last") == rows["open_timestamp"].max())["coin"]
        return honest(rows.filter(pl.col("coin").is_in(kept.to_list())))

    rows = candles(2, 40)
    delisted = rows.filter((pl.col("coin") != rows["coin"].max()) | (pl.col("open_timestamp") < START + 30 * HOUR))
    with pytest.raises(LeakageError, match=r"rows that later candles took away: \d+ of"):
        check_no_leakage(survivors, delisted, sample=40)


def test_counts_without_a_sign_are_compared_within_the_tolerance() -> None:
    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        return honest(rows).with_columns(n=pl.lit(3).cast(pl.UInt32))

    stored = compute(candles(1, 20)).with_columns(n=pl.lit(2).cast(pl.UInt32))
    with pytest.raises(LeakageError, match="n:"):
        check_no_leakage(compute, candles(1, 20), features=stored, sample=3, tolerance=0.5)
    assert check_no_leakage(compute, candles(1, 20), features=stored, sample=3, tolerance=1.5).rows == 3
