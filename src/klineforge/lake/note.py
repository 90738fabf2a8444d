"""The note each commit of KlineForge carries: what was done, which input versions it rests on, what changed.

It travels as JSON in Delta's ``userMetadata``, in the very commit that writes the rows, so rows and memory can never
disagree after a crash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["append", "merge", "rebuild", "acknowledge"]

# In place of the version of the formulas: an input was repaired, or another program interfered, so that nothing the
# table remembers can be used.
TAKEN_BACK = "taken back"
_KEY = "klineforge"


@dataclass(frozen=True)
class InputVersion:
    """A version of an input table; ``id`` tells a table from another one made anew at the same place."""

    id: str
    version: int


@dataclass(frozen=True)
class Counts:
    """Rows a commit touched; ``unchanged`` were recomputed, found equal and dropped."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

    @property
    def changed(self) -> int:
        """Rows that differ from the version before."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True)
class CommitNote:
    """What a commit says about itself.

    Args:
        table: The table it is about.
        action: How rows were written; ``acknowledge`` writes none and only moves the consumed versions on.
        consumed: Input versions the table now rests on, by table name.
        recipe_version: Version of the formulas that made the rows.
        counts: Rows touched.
        run_id: The run that wrote it.
        extra: Anything else the writer must find again, for example the checkpoints of a bronze append.
    """

    table: str
    action: Action
    consumed: Mapping[str, InputVersion] = field(default_factory=dict)
    recipe_version: str = ""
    counts: Counts = field(default_factory=Counts)
    run_id: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The note as Delta user metadata."""
        body = {
            "table": self.table,
            "action": self.action,
            "recipe_version": self.recipe_version,
            "consumed": {name: {"id": seen.id, "version": seen.version} for name, seen in self.consumed.items()},
            "counts": vars(self.counts),
            "run_id": self.run_id,
            **({"extra": dict(self.extra)} if self.extra else {}),
        }
        return json.dumps({_KEY: body}, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> CommitNote | None:
        """Read a note back; None when the text was not written by KlineForge."""
        try:
            body = json.loads(text)[_KEY] if text else None
        except (ValueError, TypeError, KeyError):
            return None
        if not isinstance(body, dict):
            return None
        return cls(
            table=body.get("table", ""),
            action=body["action"],
            consumed={name: InputVersion(**seen) for name, seen in body.get("consumed", {}).items()},
            recipe_version=body.get("recipe_version", ""),
            counts=Counts(**body.get("counts", {})),
            run_id=body.get("run_id", ""),
            extra=body.get("extra", {}),
        )
