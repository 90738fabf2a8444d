"""What can go wrong with ingestion: 101 cases, and the mark that ties a test to them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

KINDS = {
    "N": "Network",
    "P": "Protocol",
    "C": "Content of archives",
    "S": "Storage and process",
    "K": "Concurrency",
    "T": "Time",
    "Y": "Life of a symbol",
}

COMMON = (
    "Every candle there was is in bronze as the exchange has it, once the fault is over and a run has finished.",
    "No record is there twice.",
    "No open candle is stored as final.",
    "The SHA-256 of everything accepted is in bronze and is that of bytes the exchange sent.",
    "A stop is a typed error that names exchange, coin, hours, URL, cause and what to do.",
    "Another run without news adds no row and commits nothing.",
    "Other coins proceed when one fails, and the run still says that it is incomplete.",
)
"""What must hold after every case, whatever the fault was."""


@dataclass(frozen=True)
class Case:
    """One thing that can go wrong.

    Args:
        number: As cited; some have a letter.
        kind: Key of ``KINDS``.
        fault: What happens.
        expected: What KlineForge has to do.
        not_yet: The exchange or interface it is about, where KlineForge does not speak to that yet.
    """

    number: str
    kind: str
    fault: str
    expected: str
    not_yet: str = ""


def case(*numbers: str) -> pytest.MarkDecorator:
    """Mark a test as the proof, or part of the proof, of some cases.

    Raises:
        ValueError: When there is no such case.
    """
    if unknown := set(numbers) - BY_NUMBER.keys():
        raise ValueError(f"there is no case {', '.join(sorted(unknown))}")
    return pytest.mark.fault_case(*numbers)


CASES = (
    Case("1", "N", "connection refused or name unknown", "bounded retries, typed error, state unchanged"),
    Case("2", "N", "no answer, or silence after the headers", "timeout, retry; no hang"),
    Case("3", "N", "body drips byte by byte", "deadline for the whole request, retry; no partial file"),
    Case("4", "N", "connection reset in the middle of a zip", "nothing of it kept, fetched again"),
    Case("5", "N", "chunked body ends early, without a length", "passing trouble, never taken for no data"),
    Case("6", "N", "body not compressed as Content-Encoding says", "passing trouble, retry"),
    Case("7", "N", "500, 502, 503 or 504 with HTML", "retry with growing waits; the page is quoted in the error"),
    Case("8", "N", "200 with a page for people", "recognised by its shape, retry, then a typed error"),
    Case("9", "N", "429 with Retry-After", "wait at least as long, everybody, then go on"),
    Case("10", "N", "429 whose Retry-After is absent, no number, a date or huge", "next minute; capped"),
    Case(
        "11",
        "N",
        "418 with Retry-After",
        "no call to that host until it is over; longer than patience: stop, resumable",
    ),
    Case("12", "N", "418 whose end stands only in the text", "read from the text; as 11"),
    Case("13", "N", "403 from a firewall", "no rapid retry; the host is left alone"),
    Case("14", "N", "451, restricted location", "final for the host; the message names the way round"),
    Case("15", "N", "redirect to another host", "not followed; typed error"),
    Case("16", "N", "certificate not trusted, or a proxy that wants a login", "configuration error without retries"),
    Case("17", "N", "weight nearly used up", "slow down before being refused"),
    Case("18", "N", "one of several REST hosts fails", "go on with another one"),
    Case("19", "P", "the newest row is the open candle", "not stored until it is closed"),
    Case("20", "P", "rows just closed show old values for a while", "grace and look-back correct them as a revision"),
    Case("21", "P", "empty answer inside the listed period", "not the end of data; asked again later"),
    Case("22", "P", "bounds in another unit give an empty answer", "such a request cannot be built"),
    Case(
        "23", "P", "page as full as it can be, and more exists", "next page after the last open; no loss, no repetition"
    ),
    Case("24", "P", "page shorter than asked for, and more exists", "go on until the end or an empty page"),
    Case("25", "P", "limit above the largest: capped, or refused", "neither leaves a hole"),
    Case("25b", "P", "start after end gives an empty answer", "such a request cannot be built"),
    Case("26", "P", "pages from new to old", "all pages, sorted, no hole", "Bybit, OKX"),
    Case("27", "P", "bounds that are exclusive", "each candle at a border once", "OKX"),
    Case("28", "P", "`before` alone gives the newest rows", "never used alone", "OKX"),
    Case("29", "P", "category left out gives another market", "always sent", "Bybit"),
    Case("30", "P", "status 200 with an error in the body", "recognised as the error it is", "Bybit, OKX"),
    Case("31", "P", "one symbol of many is unknown", "that one is reported, the others are done"),
    Case("32", "P", "request refused as malformed (-1100, -1102, -1104, -1120)", "error without retry"),
    Case("33", "P", "passing error codes (-1000, -1001, -1007, -1008)", "limited retries"),
    Case("34", "P", "error code nobody knows", "no retry; the whole answer in the message; resumable"),
    Case("35", "P", "listing with new statuses, fields and filters", "read, kept as sent; the run goes on"),
    Case("36", "P", "row with 11 or 13 fields", "kept as raw text for quarantine; its hour is fetched again"),
    Case("37", "P", "decimals as JSON numbers, with exponents, empty or null", "exact, or kept for quarantine"),
    Case("38", "P", "times in microseconds unasked", "unit told per value; same instants"),
    Case("39", "P", "daily file not published yet", "hours from REST; no error; asked for again"),
    Case("40", "P", "monthly file not published yet", "daily files instead"),
    Case("41", "P", "403 instead of 404 for a key that does not exist", "typed; the hours come from elsewhere"),
    Case(
        "42",
        "P",
        "bucket listing in several pages, or stale",
        "all keys found; a key that is there counts",
        "no bucket listing is read",
    ),
    Case(
        "42b",
        "P",
        "listing answers AccessDenied, or nothing for a known symbol",
        "never taken for vanished",
        "no bucket listing is read",
    ),
    Case("43", "P", "stream cut, shut down or late", "reconnect and fill by REST", "WebSocket"),
    Case("44", "P", "stream without the closing message of an hour", "closed by time and checked by REST", "WebSocket"),
    Case("45", "C", "checksum stale, zip good", "refused, fetched again, then finer sources; never silent"),
    Case("46", "C", "zip altered, checksum right", "refused and fetched again"),
    Case(
        "47",
        "C",
        "checksum missing, empty, or in another form",
        "form is forgiven, the name is not; missing is recorded",
    ),
    Case("48", "C", "corrupt zip whose checksum is right", "found by its CRC; finer sources; recorded"),
    Case("49", "C", "no member, two, another name, `../`, a zip bomb", "refused, typed; nothing written outside"),
    Case("50", "C", "CSV of no bytes", "a defect, not an hour without trades"),
    Case("51", "C", "key whose month is not padded", "read or reported, not dropped", "no bucket listing is read"),
    Case("52", "C", "header, byte order mark, CRLF, blank lines", "the same rows"),
    Case(
        "53",
        "C",
        "milliseconds and microseconds mixed; times outside the file",
        "told per value; strays kept for quarantine",
    ),
    Case("54", "C", "rows repeated", "one candle per hour; counted"),
    Case("55", "C", "one open time with two values in a file", "both in bronze, one chosen by rule"),
    Case("56", "C", "rows out of order", "no loss"),
    Case("57", "C", "two rows on one line, or the last line cut", "kept as raw text; the hours come from REST"),
    Case(
        "58",
        "C",
        "opens off the hour, short closes, overlapping seams",
        "kept in bronze; silver has one row per hour, flagged",
    ),
    Case("58b", "C", "close before open", "the open time is the key; flagged; finality does not use the close"),
    Case("59", "C", "known outage", "no row invented, no endless retry"),
    Case("60", "C", "hours missing from an archive", "finer archives, then REST; what stays missing is told"),
    Case(
        "61",
        "C",
        "daily file that ends early and is replaced later",
        "partial load accepted; the revision brings the rest",
    ),
    Case("62", "C", "monthly file of a few days", "told by its coverage; finer sources fill"),
    Case("63", "C", "monthly, daily and REST differ", "ranked by rule, all kept"),
    Case("64", "C", "old file replaced silently", "found, read again; exactly the differing rows change"),
    Case("65", "C", "impossible values", "quarantine with the rule's name; the run goes on"),
    Case("66", "C", "flat candles without volume", "kept and flagged; after the listing's end told apart"),
    Case("67", "C", "very small and very large numbers", "no rounding on the way to bronze"),
    Case("68", "C", "day candle differs from its hours", "a warning at most"),
    Case("69", "S", "killed in any phase", "the next run finishes; nothing twice, nothing lost, no leftovers"),
    Case("70", "S", "same transaction number with other data", "cannot happen: never skipped silently"),
    Case("71", "S", "transaction settings left over for the next write", "the next write is not skipped"),
    Case("72", "S", "disk full or read-only", "typed error; the former version stays readable; the next run heals"),
    Case("73", "S", "landed file truncated by a former run", "told by size and digest, fetched again"),
    Case("74", "S", "state deleted, older or newer than the data", "rebuilt from the tables; no hole"),
    Case("75", "S", "state in the far future", "nothing believed that the data does not show"),
    Case("76", "S", "change feed removed by cleaning up", "full refresh; a clear message"),
    Case("77", "S", "schema of a table changed", "refused with a way out"),
    Case("78", "S", "transaction log damaged", "told as such; rebuilt tables have the same rows"),
    Case("79", "K", "two runs at once", "one works, the other is told; nothing twice or lost"),
    Case("80", "K", "backfill and daily run overlap", "final rows by rank; nothing twice"),
    Case("81", "K", "commit conflicts again and again", "bounded retries, then an error"),
    Case(
        "82",
        "K",
        "parallel pages in any order, one fails",
        "the others are kept, its hours are fetched by the next run",
    ),
    Case("83", "K", "files joined while others write", "nothing twice, nothing lost"),
    Case("84", "K", "lock left by a dead process", "told as such and taken over"),
    Case("85", "T", "machine's clock two hours off", "the exchange's time decides; a warning; none asked for or cut"),
    Case("86", "T", "time zone of the machine not UTC; days of 23 and 25 hours", "the same instants"),
    Case("87", "T", "midnight, end of month, end of year with its change of unit", "one series"),
    Case("88", "T", "server time jumps back, or cannot be had", "no candle counts as final in doubt"),
    Case("89", "T", "archive days that are not UTC days", "converted or refused", "Bybit, OKX"),
    Case("90", "Y", "listed in mid-hour", "first candle accepted; the listing begins with it"),
    Case("91", "Y", "symbol vanishes from the listing", "history kept, last hours fetched"),
    Case("92", "Y", "renamed, with days between", "two listings; never one series"),
    Case("93", "Y", "symbol used again for another asset", "two listings; candles split at the border"),
    Case("94", "Y", "listed again after months", "the hole is told; not retried without end"),
    Case("95", "Y", "redenominated or forked", "told as another listing; no false alarm"),
    Case("96", "Y", "trading halted now", "told apart from being behind"),
    Case("97", "Y", "odd symbols (FTMBNB, 1000CHEEMS, non-ASCII)", "right assets, safe paths"),
    Case("98", "Y", "asset metadata change", "a new row of history, not overwritten"),
)

BY_NUMBER = {each.number: each for each in CASES}
