"""Tables from a fact with DuckDB, into Parquet: ``duckdb_tables FACT FOLDER NAME...``."""

from __future__ import annotations

import sys

import duckdb

from benchmarks.sql import statement


def main(fact: str, folder: str, *names: str) -> None:
    """Write each table and make it readable under its name for the next."""
    # All settings are DuckDB's own but for the place of what does not fit into memory: not the repository.
    database = duckdb.connect(config={"temp_directory": f"{folder}/spilled"})
    database.sql(f"CREATE VIEW fact AS FROM '{fact}'")
    for name in names:
        file = f"{folder}/{name}.parquet"
        database.sql(f"COPY ({statement(name)}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
        database.sql(f"CREATE VIEW {name} AS FROM '{file}'")


if __name__ == "__main__":
    main(*sys.argv[1:])
