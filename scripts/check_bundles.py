"""Hold the Databricks bundles to the JSON schema that the Databricks CLI prints (``databricks bundle schema``).

The schema is Databricks' own and no part of this repository. Give a file of it, or have the CLI on the PATH.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for

# The published schema is closed below the root, not at the root itself, where YAML anchors may have any name.
ROOT_KEYS = {"bundle", "include", "resources", "sync", "targets", "variables"}
ROOT = Path(__file__).resolve().parent.parent


def complaints(document: Any, schema: dict[str, Any]) -> list[str]:
    """What the schema has against a document, by place.

    Args:
        document: A bundle's configuration, as YAML is read.
        schema: JSON schema of bundles.
    """
    kind = validator_for(schema)
    kind.check_schema(schema)
    errors = sorted(kind(schema).iter_errors(document), key=lambda error: error.json_path)
    unknown = [f"$: {key!r} is no key that this project's bundles have" for key in sorted(set(document) - ROOT_KEYS)]
    return [*unknown, *(f"{error.json_path}: {deepest(error)}" for error in errors)]


def deepest(error: Any) -> str:
    """The message that says most: any value may also be ``${...}``, so that causes hide in alternatives."""
    while error.context:
        error = max(error.context, key=lambda cause: len(cause.absolute_path))
    return str(error.message)


def published_schema(file: Path | None) -> dict[str, Any]:
    """The schema out of a file, or out of the Databricks CLI.

    Raises:
        FileNotFoundError: Where there is neither.
    """
    if file is None:
        if (program := shutil.which("databricks")) is None:
            raise FileNotFoundError("the Databricks CLI is not on the PATH, and no --schema FILE was given")
        text = subprocess.run([program, "bundle", "schema"], check=True, capture_output=True, text=True).stdout
    else:
        text = file.read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def main() -> int:
    """Entry point: 0 where nothing is wrong, 1 where something is, 3 where there is no schema to ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schema", type=Path, help="what `databricks bundle schema` printed")
    arguments = parser.parse_args()
    try:
        schema = published_schema(arguments.schema)
    except FileNotFoundError as missing:
        print(f"bundles NOT held to the published schema: {missing}", file=sys.stderr)
        return 3
    if not complaints({"resources": {"jobs": {"x": {"tsaks": []}}}}, schema):
        print("this schema does not notice a misspelt key; expected that of Databricks bundles", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        script = ROOT / "scripts" / "databricks_bundle.py"
        subprocess.run([sys.executable, str(script), "--without-wheel", "--output", folder], check=True)
        files = sorted([*Path(folder).glob("*/databricks.yml"), *Path(folder).glob("*/resources/*.yml")])
        found = [
            f"{file.relative_to(folder)} {line}"
            for file in files
            for line in complaints(yaml.safe_load(file.read_text("utf-8")), schema)
        ]
    print("\n".join([*found, f"{len(files)} files of bundles, {len(found)} complaints"]))
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
