"""What the current run did to each table, collected for the run log."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableEntry:
    """One table in one run.

    ``started_at`` is the UTC instant at which the work began, ISO 8601; tables are worked on side by side.
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


@dataclass
class Journal:
    """Entries of one run, in the order of the commits; safe to use from several threads."""

    run_id: str = ""
    entries: list[TableEntry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def record(self, entry: TableEntry) -> None:
        """Add an entry."""
        with self._lock:
            self.entries.append(entry)

    def begin(self, run_id: str) -> None:
        """Forget the run before and start another."""
        with self._lock:
            self.run_id = run_id
            self.entries.clear()


# Datasets are made by Kedro from configuration and cannot be handed a journal; there is one run per process.
JOURNAL = Journal()
