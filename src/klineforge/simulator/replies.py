"""What the demo exchange answers, before it becomes HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a reply travels; the default is whole and at once.

    Args:
        sent: Bytes of the body that are sent before the connection ends; None means all of them.
        reset: Whether a connection that ends early is reset instead of closed.
        chunked: Whether the body goes in chunks, without its length in the headers; cut short, no last chunk follows.
        silent: ``request``: nothing is answered at all; ``headers``: nothing follows the headers.
        drip_seconds: Pause after each piece of the body.
        pieces: How many pieces a dripping body has.
    """

    sent: int | None = None
    reset: bool = False
    chunked: bool = False
    silent: str = ""
    drip_seconds: float = 0.0
    pieces: int = 1


WHOLE = Delivery()


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and the headers that depend on the answer; length and date are added on the wire."""

    status: HTTPStatus
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = WHOLE


def json_body(content: Json) -> bytes:
    """JSON without blanks, as Binance sends it."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def json_reply(content: Json, headers: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """A JSON answer as Binance sends it."""
    headers = {"Cache-Control": "no-store", **headers}
    return Reply(status, json_body(content), "application/json;charset=UTF-8", headers)


class RequestRefusedError(Exception):
    """A request the REST interface answers with an error body.

    Args:
        code: Binance's error code, negative (exchange-protocols §2.4).
        message: Its text.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def reply(self, headers: Mapping[str, str]) -> Reply:
        """The error as Binance words it, with HTTP 400."""
        return json_reply({"code": self.code, "msg": self.message}, headers, HTTPStatus.BAD_REQUEST)
