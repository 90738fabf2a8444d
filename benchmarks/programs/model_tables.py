"""Write ``features_1h`` and ``labels_1h`` with invented values: ``model_tables LAKE COINS HOURS``.

What a read costs depends on the number of rows, columns and files, and on how well values compress; random ones do not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
from deltalake import write_deltalake

from benchmarks.market import Market
from klineforge.contracts.features import FEATURES_1H, LABELS_1H
from klineforge.domain.contract import TableContract
from klineforge.domain.hours import HOUR
from klineforge.lake.arrow import conformed


def main(lake: str, coins: str, hours: str) -> None:
    """Do it, coin by coin."""
    market = Market(int(coins), int(hours))
    for contract in (FEATURES_1H, LABELS_1H):
        rows = pl.concat(_rows(contract, market, number) for number in range(market.coins))
        table = conformed(rows.sort("available_at", "coin").to_arrow(), contract)
        path = Path(lake) / contract.layer / contract.name
        write_deltalake(path, table, mode="overwrite", partition_by=list(contract.partition_columns))


def _rows(contract: TableContract, market: Market, number: int) -> pl.DataFrame:
    random = np.random.default_rng((11, number))
    opened = pl.datetime_range(market.start, market.end, "1h", closed="left", time_zone="UTC", eager=True)
    known = {
        "exchange": pl.repeat("binance", market.hours, eager=True),
        "coin": pl.repeat(market.symbols[number], market.hours, eager=True),
        "open_timestamp": opened,
        "available_at": opened + HOUR,
        "listing_seq": pl.repeat(1, market.hours, dtype=pl.Int32, eager=True),
        "year": (opened + HOUR).dt.year(),
    }
    invented: Mapping[str, Callable[[], pl.Series]] = {
        "DOUBLE": lambda: pl.Series(random.normal(size=market.hours)),
        "INT": lambda: pl.Series(random.integers(0, 2, market.hours), dtype=pl.Int32),
        "BOOLEAN": lambda: pl.Series(random.random(market.hours) < 0.5),
        "TIMESTAMP": lambda: opened + timedelta(hours=25),
    }
    return pl.DataFrame(
        {
            column.name: known[column.name] if column.name in known else invented[column.type]()
            for column in contract.all_columns
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
