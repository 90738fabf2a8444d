"""Faults in what the REST interface says: rows, times and the listing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from klineforge.simulator.faults.kinds import INFO, KLINES, TIME, Asked, reply_fault
from klineforge.simulator.replies import Reply, json_body, json_reply

HOUR_MS = 3_600_000
PRICES = range(1, 6)
VOLUMES = (5, 7, 9, 10)


def _with_rows(reply: Reply, change: Callable[[list[list[Any]]], list[list[Any]]]) -> Reply:
    """The reply with other klines; itself when they are the same or it is no page of klines."""
    if reply.status != HTTPStatus.OK:
        return reply
    before = json.loads(reply.body)
    after = change(json.loads(reply.body))
    return reply if after == before else replace(reply, body=json_body(after))


@reply_fault(KLINES)
def no_rows(reply: Reply, _asked: Asked) -> Reply:
    """Answer an empty list although there are candles."""
    return _with_rows(reply, lambda _: [])


@reply_fault(KLINES)
def short_page(reply: Reply, _asked: Asked, *, rows: int = 10) -> Reply:
    """Give at most that many rows, whatever limit was asked for."""
    return _with_rows(reply, lambda klines: klines[:rows])


@reply_fault(KLINES)
def refuse_limit(reply: Reply, asked: Asked, *, most: int = 1000) -> Reply:
    """Refuse a limit above the largest one instead of capping it."""
    if int(asked.query.get("limit", 0)) <= most:
        return reply
    text = f"Illegal parameter 'limit': cannot be greater than {most}."
    return json_reply({"code": -1102, "msg": text}, reply.headers, HTTPStatus.BAD_REQUEST)


@reply_fault(KLINES)
def lag(reply: Reply, asked: Asked, *, hours: int = 2, share: float = 0.5) -> Reply:
    """Show the candles closed within the last hours as they were when only that share of their volume was traded."""
    edge = asked.now.timestamp() * 1000 - (hours + 1) * HOUR_MS

    def behind(klines: list[list[Any]]) -> list[list[Any]]:
        for row in klines:
            if row[0] > edge:
                for position in VOLUMES:
                    row[position] = f"{Decimal(row[position]) * Decimal(str(share)):.8f}"
                row[8] = int(row[8] * share)
                row[4] = row[1]
        return klines

    return _with_rows(reply, behind)


@reply_fault(KLINES)
def day_differs(reply: Reply, asked: Asked, *, share: float = 0.99) -> Reply:
    """Give candles of days only that share of what their hours traded."""
    if asked.query.get("interval") != "1d":
        return reply

    def less(klines: list[list[Any]]) -> list[list[Any]]:
        for row in klines:
            row[5] = f"{Decimal(row[5]) * Decimal(str(share)):.8f}"
        return klines

    return _with_rows(reply, less)


@reply_fault(KLINES)
def columns(reply: Reply, _asked: Asked, *, columns: int = 13, row: int = 0) -> Reply:
    """Give one row of a page another number of fields."""

    def other(klines: list[list[Any]]) -> list[list[Any]]:
        if row < len(klines):
            klines[row] = [*klines[row], *["0"] * columns][:columns]
        return klines

    return _with_rows(reply, other)


@reply_fault(KLINES)
def numbers(reply: Reply, _asked: Asked, *, style: str = "json", row: int = 0) -> Reply:
    """Write the decimals of one row as JSON numbers (style=json), with exponents, as empty texts or as null."""

    def written(text: str) -> Any:
        if style == "exponent":
            return f"{Decimal(text):E}"
        return {"empty": "", "null": None}.get(style, float(text))

    def other(klines: list[list[Any]]) -> list[list[Any]]:
        if row < len(klines):
            for position in PRICES:
                klines[row][position] = written(klines[row][position])
        return klines

    return _with_rows(reply, other)


@reply_fault(KLINES)
def microseconds(reply: Reply, _asked: Asked) -> Reply:
    """Give open and close times in microseconds although nobody asked for them."""

    def finer(klines: list[list[Any]]) -> list[list[Any]]:
        return [[row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]] for row in klines]

    return _with_rows(reply, finer)


@reply_fault(TIME)
def server_time(reply: Reply, asked: Asked, *, seconds: int = 7200) -> Reply:
    """Tell a time that is off by that many seconds."""
    if reply.status != HTTPStatus.OK:
        return reply
    moment = asked.now + timedelta(seconds=seconds)
    return replace(reply, body=json_body({"serverTime": int(moment.timestamp() * 1000)}))


@reply_fault(INFO)
def new_fields(reply: Reply, _asked: Asked, *, status: str = "CANCEL_ONLY") -> Reply:
    """List the coins with a status, a field and a filter that nobody has heard of."""
    return _with_listing(reply, lambda entry: _renewed(entry, status))


def _renewed(entry: dict[str, Any], status: str) -> dict[str, Any]:
    filters = [*entry["filters"], {"filterType": "UNHEARD_OF", "depth": {"levels": [1, 2]}}]
    return {**entry, "status": status, "filters": filters, "tradingPhase": {"name": "AUCTION"}}


@reply_fault(INFO)
def unlisted(reply: Reply, _asked: Asked, *, symbol: str = "BTCUSDT") -> Reply:
    """Leave one symbol out of the listing."""
    return _with_listing(reply, lambda entry: None if entry["symbol"] == symbol else entry)


def _with_listing(reply: Reply, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Reply:
    if reply.status != HTTPStatus.OK:
        return reply
    content = json.loads(reply.body)
    changed = [change(entry) for entry in content["symbols"]]
    symbols = [entry for entry in changed if entry is not None]
    return reply if symbols == content["symbols"] else replace(reply, body=json_body({**content, "symbols": symbols}))
