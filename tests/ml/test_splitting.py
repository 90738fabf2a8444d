"""Purged walk-forward splits, against purgedcv and by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from purgedcv import WalkForwardSplit, purge
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from klineforge.errors import ConfigurationError, ContractError
from klineforge.ml import PurgedWalkForward

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
# A test period needs rows, and so does what comes before it: nearly an hour of each is enough.
PANELS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), min_size=1, max_size=60)


def instants(hours: list[int]) -> pl.Series:
    return pl.Series([START + HOUR * hour for hour in hours], dtype=pl.Datetime("us", "UTC"))


@given(
    length=st.integers(20, 60),
    horizons=st.lists(st.integers(1, 10), min_size=60, max_size=60),
    n_splits=st.integers(1, 4),
    test_size=st.integers(1, 4),
    embargo=st.integers(0, 3),
)
def test_splits_of_one_coin_are_those_of_purgedcv(
    length: int, horizons: list[int], n_splits: int, test_size: int, embargo: int
) -> None:
    t0 = instants(list(range(length)))
    t1 = instants([hour + horizon for hour, horizon in zip(range(length), horizons[:length], strict=True)])
    theirs = WalkForwardSplit(
        n_splits,
        test_size,
        prediction_times=t0.to_pandas(),
        evaluation_times=t1.to_pandas(),
        purge_horizon=pd.Timedelta(hours=embargo),
    )
    # The first test period begins late enough that something is known before it, whatever the labels.
    expected = [(list(train), list(test)) for train, test in theirs.split(np.zeros(length))]
    ours = PurgedWalkForward(n_splits, test=HOUR * test_size, embargo=HOUR * embargo, t0=t0, t1=t1)
    if any(not train for train, _ in expected):
        with pytest.raises(ConfigurationError, match="no rows to train on"):
            list(ours.split(np.zeros(length)))
    else:
        assert [(list(train), list(test)) for train, test in ours.split(np.zeros(length))] == expected


@given(rows=PANELS, test=st.integers(2, 12), embargo=st.integers(0, 4), sliding=st.none() | st.integers(4, 30))
def test_panel_in_any_order_is_purged_as_purgedcv_purges(
    rows: list[tuple[int, int]], test: int, embargo: int, sliding: int | None
) -> None:
    # Hours that hold rows for sure, so that every period has some.
    rows = [*rows, *((hour, 1) for hour in range(61))]
    t0, t1 = instants([hour for hour, _ in rows]), instants([hour + horizon for hour, horizon in rows])
    hours = np.array([hour for hour, _ in rows])
    last = 60
    train = None if sliding is None else HOUR * (sliding + embargo + 12)
    ours = PurgedWalkForward(
        2, test=HOUR * test, train=train, expanding=train is None, embargo=HOUR * embargo, t0=t0, t1=t1
    )
    for number, (trained, tested) in enumerate(ours.split(np.zeros(len(rows)))):
        after = last - test * (2 - number)
        assert list(tested) == list(np.flatnonzero((hours > after) & (hours <= after + test)))
        oldest = -1 if train is None else after - train // HOUR
        before = np.flatnonzero((hours <= after) & (hours > oldest))
        kept = purge(before, tested, t0.to_pandas(), t1.to_pandas(), pd.Timedelta(hours=embargo))
        assert list(trained) == list(kept)
        assert t1[trained.tolist()].max() + HOUR * embargo <= t0[tested.tolist()].min()  # type: ignore[operator]
        assert set(hours[trained]).isdisjoint(hours[tested])


def test_embargo_keeps_labels_that_end_shortly_before_the_test_period_out_of_training() -> None:
    t0 = instants(list(range(10)))
    t1 = t0 + HOUR
    close = PurgedWalkForward(1, test=2 * HOUR, t0=t0, t1=t1)
    apart = PurgedWalkForward(1, test=2 * HOUR, embargo=3 * HOUR, t0=t0, t1=t1)
    # The test period is hours 8 and 9: the label of hour 7 is known at 8, and may be used.
    assert [train.tolist() for train, _ in close.split(t0)] == [[0, 1, 2, 3, 4, 5, 6, 7]]
    assert [train.tolist() for train, _ in apart.split(t0)] == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    "convert", [pl.Series.to_list, pl.Series.to_numpy, pl.Series.to_pandas, pl.Series.to_arrow, pl.Series]
)
def test_times_are_taken_from_any_library(convert: Any) -> None:
    t0 = instants([*range(10), *range(10)])
    t1 = t0 + 2 * HOUR
    times = {"t0": convert(t0), "t1": convert(t1)}
    expected = [(train.tolist(), test.tolist()) for train, test in PurgedWalkForward(3, t0=t0, t1=t1).split(t0)]
    bound, late = PurgedWalkForward(3, **times), PurgedWalkForward(3)
    assert [(train.tolist(), test.tolist()) for train, test in bound.split(t0)] == expected
    assert [(train.tolist(), test.tolist()) for train, test in late.split(t0, **times)] == expected


def test_splitter_works_in_cross_val_score() -> None:
    t0 = instants([*range(20), *range(20)])
    splitter = PurgedWalkForward(4, t0=t0, t1=t0 + HOUR)
    y = np.tile([0, 0, 0, 1], 10)
    scores = cross_val_score(DummyClassifier(), np.zeros((40, 1)), y, cv=splitter)
    assert splitter.get_n_splits() == len(scores) == 4
    assert set(scores) <= {0.5, 0.75, 1.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_splits": 0}, "n_splits must be a whole number of 1 or more, found 0"),
        ({"test": timedelta(0)}, "test must be a timedelta above zero"),
        ({"embargo": -HOUR}, "embargo must be a timedelta of zero or more"),
        ({"expanding": False}, "expected one with expanding=False"),
        ({"train": HOUR}, "none with expanding=True"),
        ({"t0": instants([1])}, "t0 and t1 belong together"),
        ({"t0": instants([1]), "t1": instants([1, 2])}, "t0 has 1 rows and t1 2"),
        ({"t0": instants([2]), "t1": instants([1])}, "t1 lies before t0 in 1 of 1 rows"),
        ({"t0": instants([2]).dt.replace_time_zone(None), "t1": instants([3])}, "has no time zone"),
        ({"t0": instants([2]), "t1": pl.Series([None], dtype=pl.Datetime("us", "UTC"))}, "is null in 1 of 1"),
    ],
)
def test_splitter_refuses_what_it_cannot_use(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigurationError, ContractError), match=message):
        PurgedWalkForward(**arguments)


def test_splitting_says_what_is_missing() -> None:
    t0 = instants(list(range(10)))
    with pytest.raises(ConfigurationError, match="knows no times"):
        next(PurgedWalkForward().split(t0))
    with pytest.raises(ContractError, match="X has 3 rows and the times 10"):
        next(PurgedWalkForward(t0=t0, t1=t0).split(np.zeros(3)))
    with pytest.raises(
        ConfigurationError, match=r"split 1 of 1 has no rows to train on: .* up to 2026-01-01 09:00 UTC"
    ):
        next(PurgedWalkForward(1, test=10 * HOUR, t0=t0, t1=t0).split(t0))
    gap = instants([0, 1, 2, 20])
    with pytest.raises(ConfigurationError, match="split 1 of 2 has no rows to test on"):
        list(PurgedWalkForward(2, test=HOUR, t0=gap, t1=gap).split(gap))
