"""Bytes to records, exactly and without losing any."""

from __future__ import annotations

import json
from typing import Any

import pytest
from exchanges.hostile import unhurried
from hypothesis import given
from hypothesis import strategies as st
from ingestion.fakes import csv_of, hours, kline

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.parse import (
    parse_checksum,
    parse_csv,
    parse_error_body,
    parse_exchange_info,
    parse_klines_page,
    parse_server_time,
)

HEADER = (
    b"open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
ROWS = [kline(opened) for opened in hours("2021-01-01", "2021-01-01T03:00")]
CLEAN = csv_of(ROWS)
DIGEST = "0123456789abcdef" * 4


def fields(records: Any) -> list[list[Any]]:
    return [[row[name] for name in KLINE_FIELDS] for row in records.to_pylist()]


def test_csv_fields_are_kept_as_sent() -> None:
    line = b"1609459200000,0.00000001,1E-8,0.10,1.,99999999999999999999.123456789012345678,1609462799999,0,0,0,0,x\n"

    records = parse_csv(line)

    assert fields(records) == [
        [
            1609459200000, "0.00000001", "1E-8", "0.10", "1.", "99999999999999999999.123456789012345678", 1609462799999,
            "0", 0, "0", "0", "x",
        ]
    ]  # fmt: skip
    assert records["malformed_record"].to_pylist() == [None]


@pytest.mark.parametrize(
    "content",
    [
        CLEAN,
        CLEAN.rstrip(b"\n"),
        b"\xef\xbb\xbf" + CLEAN,
        HEADER + b"\n" + CLEAN,
        b"\xef\xbb\xbf" + HEADER + b"\r\n" + CLEAN.replace(b"\n", b"\r\n"),
        CLEAN + b"\n\n",
        CLEAN.replace(b"\n", b"\n\n"),
    ],
    ids=["plain", "no last newline", "BOM", "header", "BOM, header, CRLF", "trailing blank lines", "blank lines"],
)
def test_csv_in_any_dress_gives_the_same_records(content: bytes) -> None:
    records = parse_csv(content)

    assert fields(records) == ROWS
    assert records["source_row"].to_pylist() == [0, 1, 2]


@pytest.mark.parametrize(
    "line",
    [
        b"1609466400000,1,2,3",
        CLEAN.splitlines()[1] + CLEAN.splitlines()[2],
        CLEAN.splitlines()[1] + b",",
        b"not-a-time" + CLEAN.splitlines()[1][13:],
        b"" + CLEAN.splitlines()[1][13:],
        b"99999999999999999999" + CLEAN.splitlines()[1][13:],
        b"\xff\xfe\x00",
        b"1.5" + CLEAN.splitlines()[1][13:],
    ],
    ids=["cut", "two merged", "a field more", "word for time", "no time", "overflow", "not text", "fraction"],
)
def test_csv_line_that_cannot_be_read_is_kept_as_raw_text(line: bytes) -> None:
    first, _, last = CLEAN.splitlines()

    records = parse_csv(b"\n".join([first, line, last]))

    assert fields(records) == [ROWS[0], [None] * 12, ROWS[2]]
    assert records["malformed_record"].to_pylist() == [None, line.decode("utf-8", errors="backslashreplace"), None]
    assert records["source_row"].to_pylist() == [0, 1, 2]


@pytest.mark.parametrize("content", [b"", b"\n\r\n", HEADER])
def test_csv_without_records_is_an_empty_table(content: bytes) -> None:
    assert parse_csv(content).num_rows == 0


@unhurried
@given(st.binary(max_size=300))
def test_csv_of_any_bytes_is_read_without_losing_a_line(content: bytes) -> None:
    records = parse_csv(content)

    for row in records.to_pylist():
        assert (row["malformed_record"] is None) == (row["open_time"] is not None)


@unhurried
@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.booleans())
def test_csv_read_fast_and_slowly_gives_the_same_records(picks: list[int], broken: bool) -> None:
    lines = [CLEAN.splitlines()[pick] for pick in picks]

    records = parse_csv(b"\n".join(lines + [b"broken"] * broken))

    assert fields(records)[: len(lines)] == [ROWS[pick] for pick in picks]
    assert records.num_rows == len(lines) + broken


def test_page_of_klines_keeps_numbers_as_text() -> None:
    row: list[Any] = [*ROWS[0]]
    page = json.dumps([row]).replace('"1.00000000"', "1.10").replace('"2.00000000"', "1E-8")

    assert fields(parse_klines_page(page.encode())) == [[row[0], "1.10", "1E-8", *row[3:]]]


@pytest.mark.parametrize(
    "element", [ROWS[1][:11], [*ROWS[1], "13"], [None, *ROWS[1][1:]], {"open": 1}, 7, [True, *ROWS[1][1:]]]
)
def test_page_element_that_is_no_kline_is_kept_as_raw_text(element: object) -> None:
    records = parse_klines_page(json.dumps([ROWS[0], element]).encode())

    assert fields(records) == [ROWS[0], [None] * 12]
    assert json.loads(records["malformed_record"][1].as_py()) == element


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"code":0}', b"[[1,2", b"\xff"])
def test_page_that_is_no_array_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedPayloadError, match="expected a JSON array of klines, found"):
        parse_klines_page(content)


@pytest.mark.parametrize(
    "content",
    [
        f"{DIGEST}  A.zip",
        f"{DIGEST}  A.zip\n",
        f"{DIGEST.upper()}  A.zip\r\n",
        f"{DIGEST} *A.zip",
        f"{DIGEST}  ./some/A.zip",
    ],
)
def test_checksum_is_read_in_every_form(content: str) -> None:
    assert parse_checksum(content.encode(), "A.zip") == DIGEST


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"{DIGEST}  B.zip", "the checksum is about 'B.zip', expected 'A.zip'"),
        (DIGEST, "expected '<64 hex digits>  A.zip'"),
        (f"{DIGEST[:-1]}  A.zip", "expected '<64 hex digits>"),
        ("<html></html>", "found '<html></html>'"),
    ],
)
def test_checksum_about_something_else_is_malformed(content: str, problem: str) -> None:
    with pytest.raises(MalformedPayloadError, match=problem):
        parse_checksum(content.encode(), "A.zip")


def test_listing_tolerates_new_statuses_and_fields_and_skips_what_is_no_symbol() -> None:
    known = {"symbol": "FTMBNB", "status": "SHINY_NEW", "baseAsset": "FTM", "quoteAsset": "BNB", "novelty": [1]}

    listed = parse_exchange_info(json.dumps({"symbols": [known, {"symbol": 7}, None], "sors": []}).encode())

    assert [(item.symbol, item.status, item.base_asset, item.quote_asset) for item in listed] == [
        ("FTMBNB", "SHINY_NEW", "FTM", "BNB")
    ]
    assert json.loads(listed[0].raw) == known


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"symbols": 3}'])
def test_listing_without_symbols_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedPayloadError, match="expected a listing with 'symbols'"):
        parse_exchange_info(content)


@pytest.mark.parametrize(("content", "expected"), [(b'{"serverTime":1615377600000}', 1615377600000),
                                                   (b'{"serverTime":1615377600000123}', 1615377600000)])  # fmt: skip
def test_server_time_is_read_in_either_unit(content: bytes, expected: int) -> None:
    assert parse_server_time(content) == expected


@pytest.mark.parametrize("content", [b"{}", b'{"serverTime":"now"}', b'{"serverTime":1615377600}', b"[]"])
def test_server_time_that_is_none_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedPayloadError, match="expected a JSON object with serverTime"):
        parse_server_time(content)


def test_error_body_tells_the_end_of_a_ban() -> None:
    body = b'{"code":-1003,"msg":"Way too much request weight used; IP banned until 1700000000000. Please"}'

    assert parse_error_body(body).banned_until == 1_700_000_000.0
    assert parse_error_body(b"<html> no\n json</html>").message == "<html> no json</html>"


@unhurried
@given(st.binary(max_size=200))
def test_error_body_of_any_bytes_never_raises(content: bytes) -> None:
    assert isinstance(parse_error_body(content).message, str)
