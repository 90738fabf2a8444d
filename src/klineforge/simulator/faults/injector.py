"""Applying faults to what the demo exchange is about to answer, and keeping a record of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from klineforge.simulator.archive import ArchiveFile, StoredObject, csv_of, zipped
from klineforge.simulator.faults.fault import Fault
from klineforge.simulator.faults.kinds import Asked, Part
from klineforge.simulator.replies import Reply


@dataclass(frozen=True)
class Injected:
    """One request that a fault spoilt.

    Args:
        name: Kind of fault.
        target: Path and query of the request, percent-decoded.
        at: The exchange's time.
    """

    name: str
    target: str
    at: datetime


@dataclass
class _Armed:
    fault: Fault
    passed: int = 0
    used: int = 0
    memory: dict[str, Any] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)


class Injector:
    """Decides which answers are spoilt; safe to call from several threads.

    Args:
        faults: What to inject, in the order in which it is applied.
    """

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._armed = [_Armed(fault) for fault in faults]
        self._injected: list[Injected] = []
        self._lock = threading.Lock()

    @property
    def injected(self) -> tuple[Injected, ...]:
        """What has been spoilt so far, oldest first."""
        with self._lock:
            return tuple(self._injected)

    def arm(self, faults: Sequence[Fault]) -> None:
        """Inject these faults from now on and none of the former ones; the record of those stays."""
        with self._lock:
            self._armed = [_Armed(fault) for fault in faults]

    def reply(self, reply: Reply, target: str, now: datetime, file: ArchiveFile | None) -> Reply:
        """The reply as it leaves the exchange.

        Args:
            reply: What a faultless exchange would answer.
            target: Path and query of the request, percent-decoded.
            now: The exchange's clock.
            file: The archive asked for, if it is one.
        """
        with self._lock:
            for armed in self._armed:
                if armed.fault.kind.part == "reply":
                    reply = self._applied(armed, reply, Asked(target, now, file, armed.memory))
        return reply

    def archive(self, stored: StoredObject, file: ArchiveFile, target: str, now: datetime) -> StoredObject:
        """An archive as the exchange holds it at this time, its checksum being asked for or it itself.

        Args:
            stored: The faultless file.
            file: Which one it is.
            target: Path of the request, percent-decoded.
            now: The exchange's clock.
        """
        with self._lock:
            csv = csv_of(stored.body)
            changed = self._spoilt("csv", csv, file, target, now)
            body = stored.body if changed is csv else zipped(file.name, changed)
            body = self._spoilt("zip", body, file, target, now)
            ended = [
                armed.fault.until
                for armed in self._armed
                if armed.fault.kind.part in {"csv", "zip"} and armed.fault.until and armed.fault.until <= now
                if armed.fault.concerns(target, armed.fault.since or stored.modified)
            ]
        # A file that was mended is younger than its first publication.
        return replace(stored, body=body, modified=max((stored.modified, *ended)))

    def checksum(self, line: bytes, file: ArchiveFile, target: str, now: datetime) -> bytes:
        """A checksum file as the exchange holds it; empty bytes where it holds an empty one."""
        with self._lock:
            return self._spoilt("checksum", line, file, target, now)

    def _spoilt(self, part: Part, content: bytes, file: ArchiveFile, target: str, now: datetime) -> bytes:
        of_the_zip = target.removesuffix(".CHECKSUM")
        for armed in self._armed:
            if armed.fault.kind.part != part:
                continue
            asked = Asked(target if part == "checksum" else of_the_zip, now, file, armed.memory)
            if part != "checksum" and target != of_the_zip:
                # The checksum describes the file as it was handed out last, or as it would be now.
                if armed.fault.concerns(of_the_zip, now) and self._holds_for(armed, of_the_zip):
                    content = armed.fault.kind.apply(content, asked, **armed.fault.settings)
            else:
                content = self._applied(armed, content, asked)
        return content

    def _holds_for(self, armed: _Armed, target: str) -> bool:
        fault = armed.fault
        return target in armed.spoilt or (fault.times is None and armed.passed >= fault.after)

    def _applied(self, armed: _Armed, content: Any, asked: Asked) -> Any:
        fault = armed.fault
        if not fault.concerns(asked.target, asked.now) or (fault.times is not None and armed.used >= fault.times):
            armed.spoilt.discard(asked.target)
            return content
        changed = fault.kind.apply(content, asked, **fault.settings)
        if changed is content:
            return content
        armed.passed += 1
        if armed.passed <= fault.after:
            return content
        armed.used += 1
        armed.spoilt.add(asked.target)
        self._injected.append(Injected(fault.name, asked.target, asked.now))
        return changed
