"""A DuckDB file with the fact and the naive marts, for increments: ``duckdb_database FACT FILE``."""

from __future__ import annotations

import sys

import duckdb

from benchmarks.sql import NAIVE_MARTS, statement


def main(fact: str, file: str) -> None:
    """Load the fact and make every mart; a mart ``x`` is the table ``mart_x``."""
    with duckdb.connect(file) as database:
        database.sql(f"CREATE TABLE candles AS FROM '{fact}'")
        database.sql("CREATE TEMP VIEW fact AS FROM candles")
        for name in NAIVE_MARTS:
            database.sql(f"CREATE TABLE mart_{name} AS {statement(name)}")
            database.sql(f"CREATE TEMP VIEW {name} AS FROM mart_{name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
