"""Where a table lives: a folder, or a name in a catalog."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from klineforge.errors import ConfigurationError


@dataclass(frozen=True)
class TableLocation:
    """A Delta table by path or by catalog name, never both.

    Args:
        path: Local folder or URI of the table.
        name: ``catalog.schema.table`` (or ``schema.table``) in the session's catalog.
        declares_keys: The catalog takes primary keys, as Unity Catalog does and Delta by itself does not.

    Raises:
        ConfigurationError: When neither or both are given.
    """

    path: str | None = None
    name: str | None = None
    declares_keys: bool = False

    def __post_init__(self) -> None:
        if bool(self.path) == bool(self.name):
            raise ConfigurationError(
                f"a Delta table needs either a path or a table name, got path={self.path!r} and table={self.name!r}; "
                "correct its catalog entry"
            )

    @property
    def is_local(self) -> bool:
        """Whether the table's log can be read from this machine's file system without Spark."""
        return self.path is not None and "://" not in self.path

    @property
    def sql(self) -> str:
        """The table as an identifier in SQL text."""
        if self.path is not None:
            target = str(Path(self.path).absolute()) if self.is_local else self.path
            return f"delta.`{target.replace('`', '``')}`"
        return ".".join(f"`{part.strip('`')}`" for part in str(self.name).split("."))

    def __str__(self) -> str:
        return self.path or self.name or ""
