"""Ingestion as most scripts do it, in one thread: ``plain_ingest URL FOLDER FILE_OF_PATHS``.

Each file and its checksum by ``requests``, unpacked by ``zipfile``, read by ``csv``, its rows kept as text beside their
source, and everything written into one Delta table at the end: what ``binance_klines_daily`` holds, without
checkpoints, revisions, resumption or bounds on memory. Prints the number of candles.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import requests
from deltalake import write_deltalake

COLUMNS = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count"),
    *("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
NUMBERS = ("open_time", "close_time", "count")


def main(url: str, folder: str, paths: str) -> None:
    """Download and write."""
    rows: list[list[str]] = []
    with requests.Session() as session:
        session.trust_env = False
        for path in Path(paths).read_text(encoding="utf-8").split():
            rows += rows_of(session, f"{url}/{path}")
    columns = dict(zip(("coin", "source", *COLUMNS), zip(*rows, strict=True), strict=True))
    table = pa.table({name: list(values) for name, values in columns.items()})
    for name in NUMBERS:
        at = table.column_names.index(name)
        table = table.set_column(at, name, table.column(name).cast(pa.int64()))
    write_deltalake(folder, table, partition_by=["coin"])
    print(f"candles {len(rows)}")


def rows_of(session: requests.Session, address: str) -> list[list[str]]:
    """The rows of a file, each with its coin and source.

    Raises:
        ValueError: When the checksum does not agree.
    """
    content = download(session, address)
    expected = download(session, f"{address}.CHECKSUM").decode().split()[0]
    if hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(f"{address}: another checksum than {expected}")
    coin = address.rsplit("/", 1)[-1].split("-", 1)[0]
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(archive.namelist()[0]) as member:
        return [[coin, address, *row] for row in csv.reader(io.TextIOWrapper(member, "utf-8"))]


def download(session: requests.Session, address: str) -> bytes:
    """The body of a good answer."""
    answer = session.get(address, timeout=30)
    answer.raise_for_status()
    return answer.content


if __name__ == "__main__":
    main(*sys.argv[1:])
