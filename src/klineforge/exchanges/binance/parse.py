"""Binance's bytes to records, without losing a line: CSV files, REST pages, checksums, listings and error bodies.

Every field keeps the text it was sent with. A record that cannot be split into the twelve fields becomes a row whose
fields are null and whose ``malformed_record`` is the raw text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from klineforge.contracts.bronze import KLINE_FIELDS
from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.wire import FIELD_TYPES, INTEGER_FIELDS, RECORD_SCHEMA
from klineforge.exchanges.dialect import ServerError

_BOM = b"\xef\xbb\xbf"
_INT64 = range(-(2**63), 2**63)
_INTEGER = re.compile(r"-?\d{1,19}\Z", re.ASCII)
_CHECKSUM = re.compile(r"\s*([0-9a-fA-F]{64})[ \t]+\*?(\S+)\s*\Z")
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIGURE = re.compile(rb"[0-9]")
# Arrow reads these as hexadecimal, and so as another number than anybody else.
_HEXADECIMAL = re.compile(rb"0[xX]")
_MESSAGE_SHOWN: Final = 400

SPLIT_FIELDS: Final = pacsv.ParseOptions(delimiter=",", quote_char=False, ignore_empty_lines=True)
CONVERT_FIELDS: Final = pacsv.ConvertOptions(column_types=FIELD_TYPES, null_values=[], strings_can_be_null=False)


def parse_csv(content: bytes) -> pa.Table:
    """Read the CSV of one archive file.

    A byte order mark, a header line, CRLF and blank lines are tolerated and not counted as records.

    Returns:
        One row per record in file order (``wire.RECORD_SCHEMA``).
    """
    body = body_of(content)
    if not body.strip(b"\r\n"):
        return RECORD_SCHEMA.empty_table()
    # Looking for one letter is many times as fast, and hardly a file has it.
    if (b"x" in body or b"X" in body) and _HEXADECIMAL.search(body):
        return _line_by_line(body)
    try:
        fields = pacsv.read_csv(pa.BufferReader(body), _read_options(len(body)), SPLIT_FIELDS, CONVERT_FIELDS)
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        # Some line is not clean: read it line by line, keeping what cannot be read.
        return _line_by_line(body)
    return with_positions(fields)


def body_of(content: bytes) -> bytes:
    """The records of a CSV file: what is left without a byte order mark and a header line."""
    return _without_header(content.removeprefix(_BOM))


def _read_options(size: int) -> pacsv.ReadOptions:
    # One block: the default of 1 MiB costs more than reading a month of hours does.
    return pacsv.ReadOptions(use_threads=False, column_names=list(KLINE_FIELDS), block_size=size + 1)


def _without_header(body: bytes) -> bytes:
    first, *rest = _LINE_END.split(body.lstrip(b"\r\n"), maxsplit=1)
    # A line with figures is none: it may be a record run into the header, and is kept.
    is_header = first.split(b",", 1)[0].strip().lower() in {b"open_time", b"open time"} and not _FIGURE.search(first)
    return b"".join(rest) if is_header else body


def _line_by_line(body: bytes) -> pa.Table:
    return _records(_split_line(line) for line in _lines(body))


def _lines(body: bytes) -> Iterable[str]:
    for line in _LINE_END.split(body):
        if line:
            yield line.decode("utf-8", errors="backslashreplace")


def _split_line(line: str) -> tuple[Sequence[Any], str]:
    return line.split(","), line


def with_positions(fields: pa.Table) -> pa.Table:
    """Readable records of one source (``wire.RECORD_SCHEMA``), counted from 0."""
    rows = fields.num_rows
    columns = [*fields.columns, pa.array(np.arange(rows, dtype=np.int32)), pa.nulls(rows, pa.string())]
    return pa.Table.from_arrays(columns, schema=RECORD_SCHEMA)


def _records(lines: Iterable[tuple[Sequence[Any], str]]) -> pa.Table:
    """Build the table from split records, each with its raw text in case it cannot be read."""
    columns: dict[str, list[Any]] = {name: [] for name in RECORD_SCHEMA.names}
    for position, (fields, raw) in enumerate(lines):
        values = _typed(fields)
        for name, value in zip(KLINE_FIELDS, values or [None] * len(KLINE_FIELDS), strict=True):
            columns[name].append(value)
        columns["source_row"].append(position)
        columns["malformed_record"].append(None if values else raw)
    return pa.Table.from_pydict(columns, schema=RECORD_SCHEMA)


def _typed(fields: Sequence[Any]) -> list[Any] | None:
    """The twelve fields in their wire types, or None when the record is not readable as such."""
    if len(fields) != len(KLINE_FIELDS):
        return None
    values: list[Any] = []
    for name, field in zip(KLINE_FIELDS, fields, strict=True):
        if not isinstance(field, str | int) or isinstance(field, bool):
            return None
        text = str(field)
        if not _is_text(text):
            return None
        if name in INTEGER_FIELDS:
            if not _INTEGER.match(text.strip()) or int(text) not in _INT64:
                return None
            values.append(int(text))
        else:
            values.append(text)
    return values


def parse_klines_page(content: bytes) -> pa.Table:
    """Read one answer of ``/api/v3/klines``.

    Returns:
        One row per element in the order sent (``wire.RECORD_SCHEMA``).

    Raises:
        MalformedPayloadError: When the answer is not a JSON array, or nested too deeply.
    """
    payload = parse_json(content, "a JSON array of klines")
    if not isinstance(payload, list):
        raise MalformedPayloadError(f"expected a JSON array of klines, found {snippet(content)!r}")
    return _records(_element(element) for element in payload)


def _element(element: object) -> tuple[Sequence[Any], str]:
    fields = element if isinstance(element, list) else []
    return fields, _raw_text(element)


def _raw_text(value: object, *, sort_keys: bool = False) -> str:
    """The JSON of a value, as readable as it can be kept in a table."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
        return text if _is_text(text) else json.dumps(value, separators=(",", ":"), sort_keys=sort_keys)
    except RecursionError as error:
        raise MalformedPayloadError("the JSON is nested too deeply") from error


def _is_text(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone in it, which JSON allows and UTF-8 does not."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def parse_json(content: bytes, expected: str) -> Any:
    """Decode JSON with decimal numbers kept as the text they were sent with.

    Raises:
        MalformedPayloadError: When it is not JSON; shows the beginning of what came instead.
    """
    try:
        return json.loads(content, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise MalformedPayloadError(f"expected {expected}, found {snippet(content)!r}") from error


def parse_server_time(content: bytes) -> int:
    """Read ``serverTime`` of ``/api/v3/time``, in epoch milliseconds.

    Raises:
        MalformedPayloadError: When there is no plausible time in the answer.
    """
    payload = parse_json(content, "a JSON object with serverTime")
    moment = payload.get("serverTime") if isinstance(payload, dict) else None
    if isinstance(moment, bool) or not isinstance(moment, int) or not _is_epoch(moment):
        raise MalformedPayloadError(f"expected a JSON object with serverTime, found {snippet(content)!r}")
    return moment // 1000 if moment >= 10**15 else moment


def _is_epoch(moment: int) -> bool:
    """Whether a number is an instant between 2001 and 2286, in milliseconds or microseconds."""
    return 10**12 <= moment < 10**13 or 10**15 <= moment < 10**16


@dataclass(frozen=True)
class ListedSymbol:
    """One symbol of the exchange's listing; unknown statuses and fields are kept in ``raw``."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    raw: str


def parse_exchange_info(content: bytes) -> tuple[ListedSymbol, ...]:
    """Read the symbols of ``/api/v3/exchangeInfo``; an entry without symbol or assets is left out.

    Raises:
        MalformedPayloadError: When the answer holds no list of symbols.
    """
    payload = parse_json(content, "the exchange's listing as JSON")
    symbols = payload.get("symbols") if isinstance(payload, dict) else None
    if not isinstance(symbols, list):
        raise MalformedPayloadError(f"expected a listing with 'symbols', found {snippet(content)!r}")
    return tuple(listed for entry in symbols if (listed := _listed(entry)) is not None)


def _listed(entry: object) -> ListedSymbol | None:
    if not isinstance(entry, Mapping):
        return None
    symbol, base, quote = (entry.get(name) for name in ("symbol", "baseAsset", "quoteAsset"))
    if not (isinstance(symbol, str) and isinstance(base, str) and isinstance(quote, str)):
        return None
    if not _is_text(symbol + base + quote):
        return None
    # Sorted keys: the same listing must give the same text whatever the order of fields.
    raw = _raw_text(entry, sort_keys=True)
    status = entry.get("status", "")
    known = isinstance(status, str) and _is_text(status)
    return ListedSymbol(symbol, status if known else _raw_text(status), base, quote, raw)


def parse_checksum(content: bytes, file_name: str) -> str:
    """Read the SHA-256 out of a ``.CHECKSUM`` file, lower case.

    Raises:
        MalformedPayloadError: When it is not one line of 64 hex digits and the name of the file.
    """
    match = _CHECKSUM.match(content[:4096].decode("utf-8", errors="replace"))
    if match is None:
        raise MalformedPayloadError(f"expected '<64 hex digits>  {file_name}', found {snippet(content)!r}")
    if match.group(2).rsplit("/", 1)[-1] != file_name:
        raise MalformedPayloadError(f"the checksum is about {match.group(2)!r}, expected {file_name!r}")
    return match.group(1).lower()


def parse_error_body(content: bytes) -> ServerError:
    """Read Binance's ``{"code", "msg"}``, with the end of a ban where the text names one; anything else is no code."""
    try:
        payload = json.loads(content)
    except (ValueError, RecursionError):
        return ServerError(None, snippet(content))
    if not isinstance(payload, dict):
        return ServerError(None, snippet(content))
    code, said = payload.get("code"), payload.get("msg", "")
    message = _shown(said, _MESSAGE_SHOWN) if isinstance(said, str) else snippet(content)
    banned = _BANNED_UNTIL.search(said) if isinstance(said, str) else None
    return ServerError(
        code if isinstance(code, int) and not isinstance(code, bool) else None,
        message,
        int(banned.group(1)) / 1000 if banned else None,
    )


def snippet(content: bytes, most: int = 160) -> str:
    """The beginning of an answer, fit for a message."""
    return _shown(content[: most * 4].decode("utf-8", errors="replace"), most) or "an empty answer"


def _shown(text: str, most: int) -> str:
    """A text from outside in one line, without what a terminal would obey or could not show."""
    line = " ".join(text[: most * 4].split())[:most]
    return "".join(character if character.isprintable() else "\ufffd" for character in line)
