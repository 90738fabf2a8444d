"""The short way for clean files gives what the careful one gives, and is taken where it should be."""

from __future__ import annotations

import pytest
from exchanges.hostile import CSV, mutations_of, unhurried
from hypothesis import example, given
from hypothesis import strategies as st
from ingestion.fakes import csv_of, hours, kline

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.exchanges.binance import clean
from klineforge.exchanges.binance.clean import clean_open_times, parse_csvs
from klineforge.exchanges.binance.parse import parse_csv

HEADER = ",".join(KLINE_FIELDS).encode() + b"\n"
LINE = csv_of([kline(hours("2021-01-01", "2021-01-01T01:00")[0])])
MICROSECONDS = CSV.replace(b"00000,", b"00000000,")
# Fields of every width, and signs, spaces and points in numbers that may have none.
NUMBERS = st.one_of(
    st.integers(0, 10**19).map(str),
    st.sampled_from(
        ["", "0", "007", "-1", "+1", " 1", "1 ", "1.0", "9" * 18, "9" * 19, "0x1F", "1_0", "\u0661", "\x001"]
    ),
)
TEXTS = st.one_of(st.decimals(0, 10**9, places=8).map(str), st.sampled_from(["", "0x1F", "1e5", '"', "é", "\x00"]))
RECORDS = st.lists(
    st.tuples(*(NUMBERS if place in (0, 6, 8) else TEXTS for place in range(len(KLINE_FIELDS)))).map(",".join),
    max_size=6,
)
FILES = st.one_of(
    st.sampled_from([CSV, MICROSECONDS, HEADER + CSV, b""]),
    st.tuples(RECORDS, st.sampled_from(["\n", "\r\n", "\r", "\n\n"])).map(lambda file: file[1].join(file[0]).encode()),
    RECORDS.map(lambda records: "".join(record + "\n" for record in records).encode()),
    mutations_of(CSV, HEADER + CSV),
)


def check_open_times(content: bytes) -> None:
    found = clean_open_times(content)
    records = parse_csv(content)
    if found is not None:
        assert records["malformed_record"].null_count == records.num_rows
        assert found.tolist() == records["open_time"].to_pylist()


@unhurried
@given(FILES)
@example(LINE[:-1])
@example(LINE + b"\n" + LINE)
@example(b"\n" + LINE)
@example(LINE.replace(b",", b"\n", 1).replace(b"\n", b",", 2))
@example(LINE.replace(b",", b";"))
def test_open_times_of_a_clean_file_are_those_of_its_records(content: bytes) -> None:
    check_open_times(content)


@pytest.mark.parametrize(
    "content",
    [CSV, CSV[:-1], MICROSECONDS, HEADER + CSV, b"\xef\xbb\xbf" + HEADER + CSV, CSV + MICROSECONDS],
    ids=["plain", "no last newline", "microseconds", "header", "BOM and header", "both units"],
)
def test_clean_file_is_not_looked_at_record_by_record(content: bytes) -> None:
    found = clean_open_times(content)

    assert found is not None
    assert found.tolist() == parse_csv(content)["open_time"].to_pylist()


@unhurried
@given(st.lists(FILES, max_size=5))
@example([CSV + b"\n", CSV])
@example([CSV[:-1], CSV])
@example([LINE * 12_000, CSV])
def test_files_read_together_give_the_records_of_each(contents: list[bytes]) -> None:
    together = parse_csvs(contents)

    assert len(together) == len(contents)
    for table, content in zip(together, contents, strict=True):
        alone = parse_csv(content)
        assert table.schema == alone.schema
        assert table.to_pylist() == alone.to_pylist()


def test_only_files_with_oddities_are_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone: list[bytes] = []
    monkeypatch.setattr(clean, "parse_csv", lambda content: alone.append(content) or parse_csv(content))
    odd = CSV.replace(b"\n", b"\r\n")

    assert [table.num_rows for table in parse_csvs([CSV, odd, HEADER + CSV])] == [5, 5, 5]
    assert alone == [odd]
