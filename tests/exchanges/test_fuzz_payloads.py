"""Whatever an exchange answers: read without losing a line, or refused with a typed error."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from exchanges.hostile import CSV, DIGEST, JSON, ODDITIES, PAGE, ROWS, mutations_of, nested, unhurried
from hypothesis import example, given
from hypothesis import strategies as st
from ingestion.fakes import zipped

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance import parse
from klineforge.exchanges.binance.epochs import UNREADABLE, hours_of, open_micros, to_instant
from klineforge.exchanges.binance.limits import parse_rate_limits, read_usage
from klineforge.exchanges.binance.unpack import unpack_csv
from klineforge.exchanges.binance.wire import RECORD_SCHEMA

NAME = "BTCUSDT-1h-2021-01.zip"
MEMBER = "BTCUSDT-1h-2021-01.csv"
HEADER = ",".join(KLINE_FIELDS).encode() + b"\n"
INFO = {
    "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}],
    "symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}],
}
# One more than the JSON reader takes is refused by it; somewhat fewer were read, but could not be written as text.
DEPTHS = [10, 500, *range(900, 1000, 7), 5000]


def read_or_refused(read: Callable[[bytes], Any], content: bytes) -> Any:
    """What was read; None when it was refused as it should be."""
    try:
        return read(content)
    except MalformedPayloadError as error:
        str(error).encode()
        return None


def lines_of(content: bytes) -> list[bytes]:
    return [line for line in re.split(rb"\r\n|\n|\r", content.removeprefix(b"\xef\xbb\xbf")) if line]


def check_records(records: pa.Table) -> None:
    """Each record is whole, or its raw text is kept; its time can be reckoned with."""
    assert records.schema == RECORD_SCHEMA
    assert records["source_row"].to_pylist() == list(range(records.num_rows))
    for row in records.to_pylist():
        values = [row[name] for name in KLINE_FIELDS]
        whole = all(value is not None for value in values)
        assert whole == (row["malformed_record"] is None)
        assert whole or all(value is None for value in values)
    micros = open_micros(records)
    for span in hours_of(micros):
        assert span.hours > 0
    for value in micros[micros != UNREADABLE]:
        to_instant(int(value))


@unhurried
@given(mutations_of(CSV, HEADER + CSV, CSV.replace(b"\n", b"\r\n"), CSV.replace(b"\n", b"\r")))
@example(HEADER.replace(b"\n", b"\r") + CSV.replace(b"\n", b"\r")).via("everything was taken for the header")
@example(HEADER.strip() + CSV).via("a record run into the header was lost")
@example(b"  \n \t \n").via("blank but not empty lines were lost when there was nothing else")
@example(CSV + b"\n\x00\n\x1a").via("what other systems end a file with")
@example(b"," * 100_000)
def test_csv_line_ends_as_a_record_or_as_its_raw_text(content: bytes) -> None:
    records = parse.parse_csv(content)

    check_records(records)
    lines = lines_of(content)
    lost = len(lines) - records.num_rows
    assert lost in {0, 1}
    if lost:
        assert lines[0].strip().lower().startswith((b"open_time", b"open time"))
        assert not re.search(rb"[0-9]", lines[0])
    for line, row in zip(lines[lost:], records.to_pylist(), strict=True):
        if row["malformed_record"] is not None:
            assert row["malformed_record"] == line.decode("utf-8", errors="backslashreplace")


@unhurried
@given(mutations_of(CSV))
@example(CSV.replace(b"1609459200000", b"0x176BB3E7000")).via("Arrow reads hexadecimal")
def test_csv_read_at_once_says_the_same_as_line_by_line(content: bytes) -> None:
    records = parse.parse_csv(content).to_pylist()

    for row, line in zip(records[::-1], lines_of(content)[::-1], strict=False):
        alone = parse.parse_csv(b"broken\n" + line).to_pylist()[1]
        assert {**alone, "source_row": row["source_row"]} == row


@unhurried
@given(mutations_of(zipped(MEMBER, CSV)))
def test_zip_is_unpacked_whole_or_refused(content: bytes) -> None:
    unpacked = read_or_refused(lambda zip_bytes: unpack_csv(zip_bytes, NAME), content)

    assert unpacked in {None, CSV}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_zip_bomb_takes_no_memory(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(MEMBER, b"0" * 60_000_000)

    tracemalloc.start()
    with pytest.raises(MalformedPayloadError, match="compressed in a way that is not used|unpacks to more than"):
        unpack_csv(buffer.getvalue(), NAME, most=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8_000_000


def test_zip_with_a_large_directory_is_refused_before_it_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(12_000):
            archive.writestr(f"{number}{'x' * 60}", b"")

    with pytest.raises(MalformedPayloadError, match="the zip states a directory of [0-9]+ bytes"):
        unpack_csv(buffer.getvalue(), NAME)


@unhurried
@given(mutations_of(PAGE) | JSON.map(lambda value: json.dumps(value).encode()))
@example(b'[["\\ud800"]]').via("half of a surrogate pair cannot be stored")
@example(json.dumps([[*ROWS[0][:1], "\udfff", *ROWS[0][2:]]]).encode())
@example(b"[" + b"9" * 5000 + b"]")
def test_page_element_ends_as_a_record_or_as_its_raw_text(content: bytes) -> None:
    records = read_or_refused(parse.parse_klines_page, content)

    if records is not None:
        check_records(records)
        elements = parse.parse_json(content, "")
        assert records.num_rows == len(elements)
        for element, raw in zip(elements, records["malformed_record"].to_pylist(), strict=True):
            assert raw is None or json.loads(raw) == element


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("read", "frame"),
    [
        (parse.parse_klines_page, b"[%b]"),
        (parse.parse_error_body, b'{"code":-1,"msg":%b}'),
        (parse.parse_server_time, b'{"serverTime":%b}'),
        (parse.parse_exchange_info, b'{"symbols":[{"symbol":"A","baseAsset":"B","quoteAsset":"C","status":%b}]}'),
        (
            parse_rate_limits,
            b'{"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":%b,"limit":1,"intervalNum":1}]}',
        ),
    ],
)
def test_json_nested_deeply_is_read_or_refused(read: Callable[[bytes], Any], frame: bytes, depth: int) -> None:
    read_or_refused(read, frame % nested(depth))


@unhurried
@given(mutations_of(json.dumps(INFO).encode()) | JSON.map(lambda value: json.dumps({"symbols": [value]}).encode()))
@example(b'{"symbols":[{"symbol":"A\\ud800","baseAsset":"B","quoteAsset":"C"}]}')
@example(b'{"symbols":[{"symbol":"A","baseAsset":"B","quoteAsset":"C","status":"\\ud800","x":"\\udc00"}]}')
def test_listing_is_text_that_can_be_stored(content: bytes) -> None:
    for listed in read_or_refused(parse.parse_exchange_info, content) or ():
        for text in (listed.symbol, listed.status, listed.base_asset, listed.quote_asset, listed.raw):
            text.encode()
        json.loads(listed.raw)


@unhurried
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "rateLimitType": st.sampled_from(["REQUEST_WEIGHT", "RAW_REQUESTS"]) | JSON,
            "interval": st.sampled_from(["SECOND", "MINUTE", "DAY"]) | JSON,
            "intervalNum": st.integers(0, 10**12) | JSON,
            "limit": st.integers(0, 10**12) | JSON,
        },
    )
)
@example({"rateLimitType": [], "interval": "DAY"}).via("a list cannot be looked up in a set")
@example({"rateLimitType": "REQUEST_WEIGHT", "interval": "DAY", "intervalNum": 10**9, "limit": 1}).via(
    "a window of a million years would be waited for"
)
def test_rate_limit_is_one_that_can_be_waited_for(entry: object) -> None:
    limits = read_or_refused(parse_rate_limits, json.dumps({"rateLimits": [entry]}).encode()) or ()

    assert all(0 < limit.seconds <= 86_400 and limit.most > 0 for limit in limits)


@unhurried
@given(st.dictionaries(st.sampled_from(["x-mbx-used-weight-1m", "X-MBX-USED-WEIGHT-9999d"]), st.text(max_size=15)))
def test_used_weight_of_any_text_is_a_count_or_nothing(headers: dict[str, str]) -> None:
    assert all(0 <= count <= 10**9 for count in read_usage(headers).values())


@unhurried
@given(mutations_of(b'{"serverTime":1615377600000}') | st.integers().map(lambda n: b'{"serverTime":%d}' % n))
@example(b'{"serverTime":900000000000000}').via("the year 30489 is none that can be reckoned with")
def test_server_time_can_be_reckoned_with(content: bytes) -> None:
    moment = read_or_refused(parse.parse_server_time, content)

    assert moment is None or 2001 <= to_instant(moment * 1000).year <= 2286


@unhurried
@given(mutations_of(f"{DIGEST}  {NAME}\n".encode()))
@example(DIGEST.encode() + b"  ../../" + NAME.encode())
@example(b" " * 60_000)
def test_checksum_is_a_digest_of_this_file_or_refused(content: bytes) -> None:
    digest = read_or_refused(lambda body: parse.parse_checksum(body, NAME), content)

    assert digest is None or re.fullmatch("[0-9a-f]{64}", digest)


@unhurried
@given(mutations_of(b'{"code":-1003,"msg":"banned until 1700000000000"}') | JSON.map(lambda v: json.dumps(v).encode()))
@example(json.dumps({"msg": "\ud800\x1b[2J" + "x" * 10_000, "code": 10**400}).encode())
def test_error_body_gives_a_short_text_that_can_be_shown(content: bytes) -> None:
    error = parse.parse_error_body(content)

    assert len(error.message) <= 400
    assert error.message == "" or error.message.isprintable()
    assert error.code is None or isinstance(error.code, int)


@unhurried
@given(st.lists(st.sampled_from(ODDITIES), max_size=30).map(b"".join))
def test_snippet_is_short_and_can_be_shown(content: bytes) -> None:
    assert 0 < len(parse.snippet(content)) <= 160
    assert parse.snippet(content).isprintable()
