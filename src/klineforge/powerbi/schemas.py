"""A project held against the JSON schemas that Microsoft publishes, from a folder with a copy of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from klineforge.errors import ConfigurationError

PUBLISHED: Final = "https://developer.microsoft.com/json-schemas/"


def schema_errors(files: Mapping[str, str], schemas: Path) -> list[str]:
    """What of a project breaks its schemas.

    Args:
        files: Text by path; those that name a published schema are checked.
        schemas: A checkout of github.com/microsoft/json-schemas.

    Returns:
        ``path: place: what is wrong``, in order of the paths.

    Raises:
        ConfigurationError: The folder lacks a schema that a file names, or jsonschema is not installed.
    """
    return list(_errors(files, schemas))


def _errors(files: Mapping[str, str], schemas: Path) -> Iterator[str]:
    try:
        from jsonschema import Draft7Validator  # of the development environment
        from referencing import Registry, Resource  # comes with jsonschema
    except ImportError as error:
        raise ConfigurationError("checking against schemas needs jsonschema: pip install jsonschema") from error

    def retrieve(uri: str) -> Resource[Any]:
        return Resource.from_contents(_schema(uri, schemas))

    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs alias
    for path, text in sorted(files.items()):
        uri = _named_schema(text)
        if uri is None:
            continue
        validator = Draft7Validator(_schema(uri, schemas), registry=registry)
        for found in validator.iter_errors(json.loads(text)):
            place = "/".join(map(str, found.absolute_path)) or "(whole file)"
            yield f"{path}: {place}: {found.message}"


def _named_schema(text: str) -> str | None:
    if not text.startswith("{"):
        return None
    named = json.loads(text).get("$schema", "")
    return named if named.startswith(PUBLISHED) else None


def _schema(uri: str, schemas: Path) -> Any:  # JSON
    place = schemas / uri.partition("#")[0].removeprefix(PUBLISHED)
    if not place.is_file():
        raise ConfigurationError(
            f"there is no {place}, the copy of {uri}; expected a checkout of github.com/microsoft/json-schemas"
        )
    return json.loads(place.read_text(encoding="utf-8"))
