"""Only what PySpark 4.0 has is used, because that is what Databricks' oldest supported environments speak."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from pyspark.sql import Column, DataFrame, DataFrameReader, DataFrameWriter, SparkSession, Window, functions

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "klineforge"
NEWEST = (4, 0)
_ADDED = re.compile(r"versionadded:: (\d+)\.(\d+)")


def added_later(owner: object) -> set[str]:
    """Public names of a module or class whose documentation says that they came after 4.0."""
    found = set()
    for name in dir(owner):
        added = _ADDED.search(getattr(owner, name).__doc__ or "") if not name.startswith("_") else None
        if added is not None and (int(added[1]), int(added[2])) > NEWEST:
            found.add(name)
    return found


FUNCTIONS = added_later(functions)
_CLASSES = (Column, DataFrame, DataFrameReader, DataFrameWriter, SparkSession, Window)
# Names that mean something older here: the changes of a table's log, and transform of a DataFrame rather than a Column.
OLDER = {"changes", "transform"}
METHODS = {name for owner in _CLASSES for name in added_later(owner)} - OLDER


def too_new(source: str) -> list[str]:
    """Uses of functions and methods that PySpark 4.0 does not have."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            is_function = isinstance(node.value, ast.Name) and node.value.id == "F"
            if node.attr in (FUNCTIONS if is_function else METHODS):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.ImportFrom) and node.module == "pyspark.sql.functions":
            found += [f"line {node.lineno}: {alias.name}" for alias in node.names if alias.name in FUNCTIONS]
    return found


def test_spark_itself_says_what_is_new() -> None:
    assert FUNCTIONS
    assert "max" not in FUNCTIONS
    assert "withColumn" not in METHODS


@pytest.mark.parametrize("name", sorted(FUNCTIONS)[:2])
def test_new_function_is_found(name: str) -> None:
    assert too_new(f"F.{name}('x')")
    assert too_new(f"from pyspark.sql.functions import {name}")
    assert not too_new("F.max('x')")


def test_new_method_is_found() -> None:
    assert too_new("frame.zipWithIndex()")
    assert not too_new("frame.withColumn('x', y)")


def test_package_uses_nothing_newer_than_4_0() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    found = {file.relative_to(PACKAGE).as_posix(): too_new(file.read_text("utf-8")) for file in files}
    assert {name: uses for name, uses in found.items() if uses} == {}
