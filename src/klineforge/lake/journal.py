"""What the current run did, node by node and table by table, collected for the run log."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True)
class TableEntry:
    """One table in one run.

    ``started_at`` is the UTC instant at which the work began, ISO 8601; tables are worked on side by side. ``version``
    is the newest one afterwards and ``version_before`` that of before, both None where there is no table. ``read`` are
    the versions of the tables it was made from. ``bytes_added`` is None where the log cannot be read without Spark.
    """

    table: str
    action: str
    version: int | None
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    seconds: float = 0.0
    reason: str = ""
    started_at: str = ""
    version_before: int | None = None
    bytes_added: int | None = None
    read: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class NodeEntry:
    """One node in one run; it has not ended where ``ended_at`` is None.

    Args:
        name: Its name in the pipeline.
        outputs: What it saves.
        started_at: When it was called, UTC.
        ended_at: When its last output was saved, or when it failed, UTC.
        outcome: ``running``, ``succeeded``, ``failed`` or ``interrupted``.
        error: What went wrong.
    """

    name: str
    outputs: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str = "running"
    error: str | None = None


@dataclass
class Journal:
    """Entries of one run, in the order of the commits; safe to use from several threads."""

    run_id: str = ""
    entries: list[TableEntry] = field(default_factory=list)
    _nodes: dict[str, NodeEntry] = field(default_factory=dict)
    _unsaved: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def nodes(self) -> tuple[NodeEntry, ...]:
        """The nodes in the order in which they were called."""
        with self._lock:
            return tuple(self._nodes.values())

    def record(self, entry: TableEntry) -> None:
        """Add an entry."""
        with self._lock:
            self.entries.append(entry)

    def begin(self, run_id: str) -> None:
        """Forget the run before and start another."""
        with self._lock:
            self.run_id = run_id
            self.entries.clear()
            self._nodes.clear()
            self._unsaved.clear()

    def node_began(self, name: str, outputs: tuple[str, ...], now: datetime) -> NodeEntry:
        """A node is called."""
        with self._lock:
            self._unsaved[name] = set(outputs)
            return self._changed(NodeEntry(name, outputs, now))

    def node_saved(self, name: str, output: str, now: datetime, *, is_stream: bool) -> NodeEntry | None:
        """An output was saved; the node where that was its last one.

        Args:
            name: The node.
            output: What was saved.
            now: UTC instant.
            is_stream: Whether it hands over its outputs batch by batch: then nobody knows which is the last.
        """
        with self._lock:
            entry = self._nodes.get(name)
            if entry is None:
                return None
            self._unsaved[name].discard(output)
            if is_stream:
                self._changed(replace(entry, ended_at=now))
                return None
            return None if self._unsaved[name] else self._changed(replace(entry, ended_at=now, outcome="succeeded"))

    def node_failed(self, name: str, error: str) -> None:
        """A node raised an error; it counts as running until it is known whether the user wanted that."""
        with self._lock:
            entry = self._nodes.get(name)
            if entry is not None:
                self._changed(replace(entry, error=error))

    def close(self, outcome: str, error: str | None, now: datetime) -> tuple[NodeEntry, ...]:
        """The run has ended, and with it the nodes of which that was not known.

        Args:
            outcome: That of the run; a node that was running shares it, unless the run succeeded.
            error: What ended the run.
            now: UTC instant.

        Returns:
            The nodes of which only now is known that they have ended.
        """
        with self._lock:
            running = [entry for entry in self._nodes.values() if entry.outcome == "running"]
            return tuple(self._changed(self._ended(entry, outcome, error, now)) for entry in running)

    def _ended(self, entry: NodeEntry, outcome: str, error: str | None, now: datetime) -> NodeEntry:
        of_tables = [table.error for table in self.entries if table.table in entry.outputs and table.error]
        own = entry.error or (of_tables[-1] if of_tables else None)
        blamed = error is not None and not self._is_owned_up_to(error)
        saved_all = entry.ended_at is not None and not self._unsaved[entry.name]
        if own is None and (outcome in {"succeeded", "partial"} or (saved_all and not blamed)):
            return replace(entry, ended_at=entry.ended_at or now, outcome="succeeded")
        return replace(
            entry,
            ended_at=now,
            outcome="interrupted" if outcome == "interrupted" else "failed",
            error=own or (error if blamed else "it did not come to an end"),
        )

    def _is_owned_up_to(self, error: str) -> bool:
        """Whether a table or a node has told of what ended the run."""
        told = [*(entry.error for entry in self.entries), *(node.error for node in self._nodes.values())]
        return any(known and known in error for known in told)

    def _changed(self, entry: NodeEntry) -> NodeEntry:
        self._nodes[entry.name] = entry
        return entry


# Datasets are made by Kedro from configuration and cannot be handed a journal; there is one run per process.
JOURNAL = Journal()
