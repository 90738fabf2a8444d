"""The kinds of faults: each is a function, and what can be set about it is the function's signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from klineforge.simulator.archive import ArchiveFile
from klineforge.simulator.replies import Reply

Part = Literal["csv", "zip", "checksum", "reply"]
Value = int | float | str | bool

API = "/api/"
KLINES = "/api/v3/klines"
INFO = "/api/v3/exchangeInfo"
TIME = "/api/v3/time"
ZIP = ".zip"
CHECKSUM = ".zip.CHECKSUM"


@dataclass(frozen=True)
class Asked:
    """The request a fault may spoil.

    Args:
        target: Path and query, percent-decoded.
        now: The exchange's clock.
        file: The archive asked for, when it is one that can exist; also for its checksum.
        memory: What the fault remembers between requests.
    """

    target: str
    now: datetime
    file: ArchiveFile | None = None
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> Mapping[str, str]:
        """Parameters of the request."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Args:
        name: As written in specifications.
        part: What it changes: the CSV inside an archive, the zip around it, its checksum file, or any reply.
        text: What it does, in a sentence.
        match: Which requests it applies to unless a fault says otherwise.
        settings: Its parameters with their defaults.
        apply: ``(content, asked, **settings)`` to the changed content, or to the very same object when this request
            is not affected.
    """

    name: str
    part: Part
    text: str
    match: str
    settings: Mapping[str, Value]
    apply: Callable[..., Any]


KINDS: dict[str, Kind] = {}
"""Every kind by name, once the modules that define them are imported."""


def _register(part: Part, match: str, apply: Callable[..., Any]) -> None:
    name = apply.__name__.strip("_").replace("_", "-")
    parameters = inspect.signature(apply).parameters.values()
    settings = {each.name: each.default for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
    KINDS[name] = Kind(name, part, (inspect.getdoc(apply) or "").split("\n", 1)[0], match, settings, apply)


def reply_fault(match: str = "") -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
    """Make a function from reply to reply a kind of fault.

    Args:
        match: Pattern of the requests it applies to by default; empty means all.
    """

    def register(apply: Callable[..., Reply]) -> Callable[..., Reply]:
        _register("reply", match, apply)
        return apply

    return register


def archive_fault(part: Part) -> Callable[[Callable[..., bytes]], Callable[..., bytes]]:
    """Make a function from bytes to bytes a kind of fault of archive files."""

    def register(apply: Callable[..., bytes]) -> Callable[..., bytes]:
        _register(part, CHECKSUM if part == "checksum" else ZIP, apply)
        return apply

    return register


def lines_fault(apply: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Make a function on the lines of a CSV a kind of fault of archive files."""

    def on_bytes(csv: bytes, asked: Asked, **settings: Value) -> bytes:
        before = csv.decode().splitlines()
        after = apply(list(before), asked, **settings)
        return csv if after == before else "".join(line + "\n" for line in after).encode()

    _register("csv", ZIP, apply)
    name = apply.__name__.strip("_").replace("_", "-")
    kind = KINDS[name]
    KINDS[name] = Kind(kind.name, kind.part, kind.text, kind.match, kind.settings, on_bytes)
    return apply
