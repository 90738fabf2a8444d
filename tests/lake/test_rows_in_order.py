"""Rows are written in order, whether they have to be sorted or not, and the same rows come back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klineforge.contracts.bronze import BINANCE_KLINES_DAILY
from klineforge.lake.arrow import _is_ordered, arrow_schema, ordered
from klineforge.lake.local import LocalWriter
from klineforge.lake.location import TableLocation
from klineforge.lake.note import CommitNote

START = datetime(2024, 12, 31, 12, tzinfo=UTC)
PRICES = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.sampled_from("ABC")),
        st.one_of(st.none(), st.sampled_from([0.0, 1.0, float("nan"), float("-inf")])),
    ),
    max_size=8,
)


def numbered(rows: list[tuple[str | None, float | None]]) -> pa.Table:
    coins, values = zip(*rows, strict=True) if rows else ((), ())
    columns = {"coin": pa.array(coins, pa.string()), "value": pa.array(values, pa.float64())}
    return pa.table({**columns, "number": pa.array(range(len(rows)), pa.int64())})


@settings(deadline=None)
@given(st.one_of(ROWS, ROWS.map(lambda rows: sorted(rows, key=repr))), st.integers(0, 8))
def test_rows_are_in_the_order_that_sorting_gives(rows: list[tuple[str | None, float | None]], cut: int) -> None:
    table = numbered(rows)
    pieces = pa.concat_tables([table[:cut], table[cut:]])

    order = ordered(pieces, ("coin", "value"))

    assert order["number"].equals(table.sort_by([("coin", "ascending"), ("value", "ascending")])["number"])


@pytest.mark.parametrize(
    ("rows", "stays"),
    [
        ([("A", 1.0), ("A", 1.0), ("B", 0.0), ("C", 0.0)], True),
        ([("A", 1.0), ("A", 0.0)], False),
        ([("B", 0.0), ("A", 1.0)], False),
        ([("A", 1.0), (None, 1.0)], False),
        ([], True),
    ],
    ids=["in order", "second column", "first column", "null", "nothing"],
)
def test_rows_are_sorted_only_where_one_has_to_move(
    rows: list[tuple[str | None, float | None]], *, stays: bool
) -> None:
    assert _is_ordered(numbered(rows), ("coin", "value")) is stays


def test_many_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    count = 12_000
    rows = pa.Table.from_pydict(
        {
            "open_time": [1_609_459_200_000 + hour for hour in range(count)],
            **{name: [f"{number}.50" for number in range(count)] for name in PRICES},
            **{name: [-(2**63) if number % 2 else None for number in range(count)] for name in ("close_time", "count")},
            **{name: ["0"] * count for name in ("ignore", "coin")},
            "interval": ["1h"] * count,
            **{name: [START] * count for name in ("ingestion_ts", "candle_hour")},
            "source_kind": ["rest"] * count,
            "source_uri": ["https://example.org"] * count,
            "sha256": ["0"] * count,
            "source_row": list(range(count)),
            "batch_id": ["0"] * count,
            "malformed_record": [None] * count,
        },
        schema=arrow_schema(BINANCE_KLINES_DAILY, stored=True),
    )
    writer = LocalWriter(BINANCE_KLINES_DAILY, TableLocation(str(tmp_path / "bronze"), None))
    writer.create()
    assert writer.append(rows, CommitNote("binance_klines_daily", "append"), once_as="rows")

    assert pl.read_delta(str(tmp_path / "bronze")).sort("source_row").to_arrow().cast(rows.schema).equals(rows)
    (file,) = (tmp_path / "bronze").glob("*.parquet")
    group = pq.ParquetFile(file).metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    with_dictionary = {column.path_in_schema for column in columns if column.has_dictionary_page}
    assert {"coin", "source_uri", "sha256"} <= with_dictionary
    assert not with_dictionary & {"open_time", "source_row", *PRICES}
