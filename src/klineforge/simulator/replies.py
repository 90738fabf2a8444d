"""What the demo exchange answers, before it becomes HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, body and the headers that depend on the answer; length and date are added on the wire."""

    status: HTTPStatus
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


def json_reply(content: Json, headers: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """A JSON answer without blanks, as Binance sends it."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Reply(status, body, "application/json;charset=UTF-8", {"Cache-Control": "no-store", **headers})


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
