"""Labels made from candles, by hand and against one that looks at every candle."""

from __future__ import annotations

import math
import statistics
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ml.panels import HOUR, START, candles

from klineforge.errors import ConfigurationError, ContractError
from klineforge.ml import Barriers, make_labels

Label = tuple[float | None, datetime | None]


def of_closes(closes: list[float | None], listings: list[int] | None = None) -> pl.DataFrame:
    """Candles of one coin, hour after hour; None where there is none."""
    frame = pl.DataFrame(
        {
            "exchange": "x",
            "coin": "A",
            "open_timestamp": [START + HOUR * hour for hour in range(len(closes))],
            "close_price": closes,
            "listing_seq": listings or [1] * len(closes),
        },
        schema_overrides={"close_price": pl.Float64, "open_timestamp": pl.Datetime("us", "UTC")},
    )
    return frame.drop_nulls()


def of_barriers(closes: list[float | None], hour: int, horizon: int, barriers: Barriers) -> Label:
    """The label of one candle, by its definition."""
    close = closes[hour]
    later = closes[hour + 1 : hour + 1 + horizon]
    pairs = [(closes[at - 1], closes[at]) for at in range(max(1, hour - 23), hour + 1)]
    returns = [new / old - 1 for old, new in pairs if new is not None and old is not None]
    if close is None or len(later) < horizon or None in later or len(returns) < barriers.min_observations:
        return None, None
    width = statistics.stdev(returns) * math.sqrt(horizon)
    if width == 0:
        return None, None
    opened = START + HOUR * hour
    for after, price in enumerate(later, start=1):
        assert price is not None
        if price >= close * math.exp(barriers.upper * width):
            return 1.0, opened + HOUR * (1 + after)
        if price <= close * math.exp(-barriers.lower * width):
            return -1.0, opened + HOUR * (1 + after)
    return 0.0, opened + HOUR * (1 + horizon)


@given(
    closes=st.lists(st.none() | st.floats(90, 110).map(lambda price: round(price, 1)), min_size=4, max_size=60),
    horizon=st.integers(1, 6),
    upper=st.sampled_from([0.3, 0.7]),
)
def test_barriers_are_those_found_by_looking_at_every_candle(
    closes: list[float | None], horizon: int, upper: float
) -> None:
    barriers = Barriers(upper, 0.5, 2)
    made = make_labels(of_closes(closes), horizons=f"{horizon}h", label="triple_barrier", barriers=barriers)
    there = [hour for hour, close in enumerate(closes) if close is not None]
    expected = [of_barriers(closes, hour, horizon, barriers) for hour in there]
    assert made.select("y", "t1").rows() == expected


def test_returns_look_exactly_as_far_as_asked() -> None:
    made = make_labels(of_closes([100.0, 110.0, None, 99.0, 50.0]), horizons=("1h", "2h"))
    # Hour 1 has no candle an hour later, hour 3 none two hours later.
    assert made["y"].to_list() == [
        *(math.log(1.1), None, math.log(50 / 99), None),
        *(None, math.log(99 / 110), None, None),
    ]
    first = made.row(0, named=True)
    assert (first["available_at"], first["t1"], first["horizon"]) == (START + HOUR, START + 2 * HOUR, "1h")
    assert made.columns == ["exchange", "coin", "available_at", "horizon", "y", "t1"]


def test_direction_is_one_where_the_price_rises_and_null_where_it_is_unknown() -> None:
    made = make_labels(of_closes([100.0, 110.0, 110.0, 99.0]), horizons=["1h"], label="direction")
    assert made["y"].to_list() == [1.0, 0.0, 0.0, None]


@pytest.mark.parametrize("label", ["log_return", "triple_barrier"])
def test_no_label_reaches_into_the_next_listing(label: Any) -> None:
    walk = [100.0, 101.0, 99.0, 101.0, 99.0, 100.0]
    barriers = Barriers(min_observations=2) if label == "triple_barrier" else None
    alone = make_labels(of_closes(walk), horizons="1h", label=label, barriers=barriers)
    both = make_labels(of_closes([*walk, 9.0, 8.0], [1] * 6 + [2] * 2), horizons="1h", label=label, barriers=barriers)
    assert both["y"].to_list()[:6] == alone["y"].to_list()
    assert alone["y"].to_list()[-1] is None


def test_order_of_candles_does_not_matter_and_the_kind_is_kept() -> None:
    rows = candles(2, 30).drop("listing_seq")
    expected = make_labels(rows, horizons="1d")
    shuffled = make_labels(rows.sample(fraction=1.0, shuffle=True, seed=3).to_pandas(), horizons="1d")
    assert pl.from_pandas(shuffled)["t1"].to_list() == expected["t1"].to_list()
    assert make_labels(rows.to_arrow(), horizons="24h").num_rows == expected.height


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizons": "soon"}, "a horizon is a number of hours or days such as 24h or 7d, found 'soon'"),
        ({"horizons": "0h"}, "found '0h'"),
        ({"label": "price"}, "label must be one of log_return, direction, triple_barrier"),
        ({"barriers": Barriers()}, "barriers belong to label='triple_barrier'"),
    ],
)
def test_labels_refuse_other_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_labels(candles(1, 5), **arguments)


@pytest.mark.parametrize(("values", "message"), [((0, 1, 5), "found upper=0"), ((1, 1, 1), "from 2 to 24, found 1")])
def test_barriers_that_are_none_are_refused(values: tuple[float, float, int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Barriers(*values)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (candles(1, 5).drop("close_price"), "the candles has no column 'close_price'"),
        (candles(1, 5).with_columns(close_price=0.0), "5 candles have no close_price above zero"),
        (candles(1, 5).with_columns(close_price=float("nan")), "5 candles have no close_price above zero"),
        (candles(1, 5).with_columns(close_price=float("inf")), "5 candles have no close_price above zero"),
        (pl.concat([candles(1, 5), candles(1, 5)]), "10 candles share exchange, coin and open_timestamp"),
        (candles(1, 5).with_columns(pl.col("open_timestamp") + HOUR / 2), "5 candles do not open on the hour"),
    ],
)
def test_candles_that_are_none_are_refused(rows: pl.DataFrame, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        make_labels(rows)
