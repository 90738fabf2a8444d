"""Recipes of the marts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Literal

from klineforge.contracts.indicators import MART_INDICATORS_1H
from klineforge.contracts.marts import (
    MART_CORRELATIONS,
    MART_MARKET_BREADTH_1H,
    MART_RETURNS_1H,
    MART_TOP_MOVERS,
    MART_VOLUME_METRICS_1H,
)
from klineforge.formulas.windows import SERIES
from klineforge.incremental.recipe import TO_THE_END, Reach, Recipe, Stream
from klineforge.incremental.stand_in import Highest
from klineforge.kernels.correlation_rows import CANDLE_COLUMNS, correlation_rows
from klineforge.tables.breadth import market_breadth_1h
from klineforge.tables.correlation_blocks import correlations_1h_blocks
from klineforge.tables.correlations import correlations_1h
from klineforge.tables.indicators import MONTH_HOURS, indicators_1h
from klineforge.tables.movers import top_movers
from klineforge.tables.returns import returns_1h
from klineforge.tables.volume import volume_metrics_1h

Engine = Literal["windows", "blocks", "auto"]

# A regime at t compares with volatilities back to t - 23 h, those with returns another 23 h back, those with a close
# one hour earlier: 47 hours, and one in reserve.
_REGIME_BACK = timedelta(hours=48)
_WINDOW = timedelta(hours=24)
# A correlation reads returns of 24 hours, each from two closes, and its alert compares with the hour before.
_ALERT = timedelta(hours=26)
# The longest windows; the sums of an index begin as long before its calendar month, and read returns alone.
_LONG = timedelta(hours=MONTH_HOURS)
_INDEX = _LONG + timedelta(days=31)
_PEAK = Highest("close_price", by=SERIES, time="open_timestamp")

RETURNS = Recipe(
    output=MART_RETURNS_1H,
    inputs={"candles": Reach(back=_REGIME_BACK, forward=TO_THE_END, stand_in=_PEAK)},
    transform=returns_1h,
    by=("exchange", "coin"),
    version="2",
)

VOLUME = Recipe(
    output=MART_VOLUME_METRICS_1H,
    inputs={"candles": Reach(back=_WINDOW, forward=_WINDOW)},
    transform=volume_metrics_1h,
    by=("exchange", "coin"),
    version="2",
)

# A rank compares all coins of the hour.
MOVERS = Recipe(
    output=MART_TOP_MOVERS,
    inputs={"returns": Reach(), "volume": Reach()},
    transform=top_movers,
    by=("exchange",),
    version="1",
)

# An hour's breadth reads that hour alone, but all coins and pairs of it.
BREADTH = Recipe(
    output=MART_MARKET_BREADTH_1H,
    inputs={"returns": Reach(), "volume": Reach(), "correlations": Reach()},
    transform=market_breadth_1h,
    by=("exchange",),
    version="1",
)


def correlations(min_observations: int, engine: Engine = "auto") -> Recipe:
    """Pairwise correlations; another minimum makes another version of the table, another engine the same rows.

    Args:
        min_observations: Hours in which both returns must exist, 2 to 24.
        engine: ``windows`` or ``blocks`` for everything; ``auto`` takes blocks for rebuilds, where they are faster, and
            windows for increments, which then need no Python workers. A rebuild by blocks of a table on this machine
            does without Spark.
    """
    windows = partial(correlations_1h, min_observations=min_observations)
    blocks = partial(correlations_1h_blocks, min_observations=min_observations)
    stream = Stream({"candles": CANDLE_COLUMNS}, partial(correlation_rows, min_observations=min_observations))
    return Recipe(
        output=MART_CORRELATIONS,
        inputs={"candles": Reach(back=_ALERT, forward=_ALERT)},
        transform=blocks if engine == "blocks" else windows,
        bulk_transform=blocks if engine == "auto" else None,
        bulk_stream=None if engine == "windows" else stream,
        unique_by_construction=True,
        by=("exchange",),
        version=f"3-min{min_observations}",
    )


def indicators(reference_coin: str, min_observations: int) -> Recipe:
    """Momentum, trend, relative volume and beta; another reference or minimum makes another version of the table.

    Args:
        reference_coin: Native symbol of the coin that betas are against.
        min_observations: Hours in which both returns must exist, 2 to 720.
    """
    return Recipe(
        output=MART_INDICATORS_1H,
        inputs={
            "returns": Reach(back=_INDEX, forward=_INDEX),
            "volume": Reach(back=_LONG, forward=_LONG),
        },
        transform=partial(indicators_1h, reference_coin=reference_coin, min_observations=min_observations),
        # A change of the reference reaches every coin of the exchange.
        by=("exchange",),
        version=f"2-{reference_coin}-min{min_observations}",
        asks=True,
    )
