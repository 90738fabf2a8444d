"""A day more in a DuckDB file, the naive way: ``duckdb_day FILE DAY``.

It reads the last two days, computes the marts of them and replaces what was there: the usual daily job, which gets the
figures at the seam wrong because it has not read far enough back.
"""

from __future__ import annotations

import sys

import duckdb

from benchmarks.sql import NAIVE_MARTS, statement


def main(file: str, day: str) -> None:
    """Add the day's candles and replace the last two days of every mart, in one transaction."""
    with duckdb.connect(file) as database:
        database.begin()
        # Names of files and tables are this suite's own.
        first = database.sql(f"FROM '{day}'").min("open_timestamp").fetchall()[0][0]
        since = f"open_timestamp >= TIMESTAMP '{first}' - INTERVAL 24 HOURS"
        database.sql(f"INSERT INTO candles FROM '{day}'")
        database.sql(f"CREATE TEMP VIEW fact AS FROM candles WHERE {since}")
        for name in NAIVE_MARTS:
            database.sql(f"CREATE TEMP TABLE {name} AS {statement(name)}")
            database.sql(f"DELETE FROM mart_{name} WHERE {since}")  # noqa: S608
            database.sql(f"INSERT INTO mart_{name} FROM {name}")
        database.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
