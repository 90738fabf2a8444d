"""The landing zone: a folder that keeps what was downloaded until bronze has taken it over.

A unit is complete or not there: its bytes are written first, then its manifest, each under a temporary name that is
then renamed. What a killed run leaves behind is removed by ``sweep`` and fetched again. Files are not forced to disk,
which would take longer than downloading them: what a power cut tears is told by its digest like any other damage.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from klineforge.errors import ConfigurationError

logger = logging.getLogger(__name__)

MANIFEST: Final = ".json"
CONTENT: Final = ".bin"
PARTIAL: Final = ".partial"
_FORMAT: Final = 1


class DamagedUnitError(Exception):
    """A landed unit's bytes are not those its manifest describes; it has to be downloaded again."""


@dataclass(frozen=True)
class StoredUnit:
    """One landed download.

    Args:
        unit_id: Digest of what identifies it; the same download gives the same id.
        kind: What its document describes, for example ``klines``.
        document: JSON-able description.
        sha256: Digest of its bytes; None for an outcome without bytes.
        size: Number of bytes.
    """

    unit_id: str
    kind: str
    document: Mapping[str, Any]
    sha256: str | None
    size: int


class LandingZone:
    """Landed units in one folder; nothing is created before the first unit is written.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def put(
        self, kind: str, identity: Iterable[str], document: Mapping[str, Any], content: bytes | None = None
    ) -> StoredUnit:
        """Keep one download; putting the same again replaces it.

        Args:
            kind: What the document describes.
            identity: Texts that together tell this unit from every other one.
            document: JSON-able description.
            content: The bytes as downloaded; None for an outcome without bytes.

        Raises:
            ConfigurationError: When the folder cannot be written to.
        """
        unit_id = hashlib.sha256("\n".join((kind, *identity)).encode()).hexdigest()
        sha256 = None if content is None else hashlib.sha256(content).hexdigest()
        unit = StoredUnit(unit_id, kind, dict(document), sha256, len(content or b""))
        manifest = {"format": _FORMAT, "kind": kind, "sha256": sha256, "size": unit.size, "document": unit.document}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if content is not None:
                self._write(unit_id + CONTENT, content)
            self._write(unit_id + MANIFEST, json.dumps(manifest, ensure_ascii=False).encode())
        except OSError as error:
            raise ConfigurationError(
                f"cannot write to the landing zone {self.path}: {error.strerror or error}; free some space, or choose "
                "a writable folder with --params lake=/some/folder"
            ) from error
        return unit

    def units(self) -> list[StoredUnit]:
        """All complete units, by id; unreadable manifests are left to ``sweep``."""
        found = (self._manifest(path) for path in sorted(self._files(MANIFEST)))
        return [unit for unit in found if unit is not None]

    def content(self, unit: StoredUnit) -> bytes:
        """The bytes of a unit, verified.

        Raises:
            DamagedUnitError: When they are missing or differ from the manifest.
        """
        if unit.sha256 is None:
            return b""
        try:
            content = (self.path / (unit.unit_id + CONTENT)).read_bytes()
        except OSError as error:
            raise DamagedUnitError(f"unit {unit.unit_id}: {error}") from error
        if len(content) != unit.size or hashlib.sha256(content).hexdigest() != unit.sha256:
            raise DamagedUnitError(f"unit {unit.unit_id}: its {len(content)} bytes are not the {unit.size} landed")
        return content

    def sweep(self) -> list[StoredUnit]:
        """Remove everything that is not a complete, undamaged unit, and return those that are."""
        good: list[StoredUnit] = []
        for unit in self.units():
            try:
                self.content(unit)
                good.append(unit)
            except DamagedUnitError as error:
                logger.warning("a landed download is damaged and will be fetched again: %s", error)
        keep = {unit.unit_id + suffix for unit in good for suffix in (MANIFEST, CONTENT)}
        for path in (*self._files(PARTIAL), *self._files(MANIFEST), *self._files(CONTENT)):
            if path.name not in keep:
                path.unlink(missing_ok=True)
        return good

    def remove(self, unit_ids: Iterable[str]) -> None:
        """Forget units that bronze has taken over; unknown ids are ignored."""
        for unit_id in unit_ids:
            # The manifest goes first: bytes without a manifest are no unit.
            for suffix in (MANIFEST, CONTENT):
                (self.path / (unit_id + suffix)).unlink(missing_ok=True)

    def _files(self, suffix: str) -> Iterator[Path]:
        return (path for path in self.path.glob("*" + suffix) if path.is_file() or path.is_symlink())

    def _write(self, name: str, content: bytes) -> None:
        partial = self.path / (name + PARTIAL)
        with partial.open("wb") as file:
            file.write(content)
        partial.replace(self.path / name)

    def _manifest(self, path: Path) -> StoredUnit | None:
        try:
            manifest = json.loads(path.read_bytes())
            if manifest["format"] != _FORMAT or not isinstance(manifest["document"], dict):
                return None
            return StoredUnit(
                path.name.removesuffix(MANIFEST),
                manifest["kind"],
                manifest["document"],
                manifest["sha256"],
                manifest["size"],
            )
        except FileNotFoundError:  # removed by the other bronze node since it was listed
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            logger.warning("landing manifest %s cannot be read: %s", path.name, error)
            return None
