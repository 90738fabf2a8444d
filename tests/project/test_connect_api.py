"""What Spark Connect lacks stays out of all that runs on Databricks: the JVM, RDDs, the context, Delta's own class."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "klineforge"
FORBIDDEN = {"_jvm", "_jsc", "_jdf", "_jsparkSession", "rdd", "sparkContext", "_gateway"}
# Where Spark of one's own is started, stopped and made quicker: a session that the platform brings is used as it is.
OWN_SPARK = {"spark/archive.py", "spark/launch.py", "spark/session.py"}
# A merge takes Delta's commit metadata only from the session; the option is one that Connect passes on.
SETTINGS = {"lake/writing.py": {"_METADATA_CONF"}}


def beyond_connect(source: str, file: str = "") -> list[str]:
    """Uses of what only a classic session has, and settings of the session that are not among the known ones."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN:
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Call) and _sets_conf(node.func):
            key = ast.unparse(node.args[0]) if node.args else ""
            if key not in SETTINGS.get(file, set()):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {alias.name for alias in node.names}
            if node.module.split(".")[0] == "delta" or (node.module.startswith("pyspark") and "SparkContext" in names):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Import):
            found += [f"line {node.lineno}: {name.name}" for name in node.names if name.name.split(".")[0] == "delta"]
    return found


def _sets_conf(called: ast.expr) -> bool:
    """Whether it is ``....conf.set`` or ``....conf.unset``."""
    return (
        isinstance(called, ast.Attribute)
        and called.attr in {"set", "unset"}
        and isinstance(called.value, ast.Attribute)
        and called.value.attr == "conf"
    )


@pytest.mark.parametrize(
    "bad",
    [
        "spark._jvm.java.lang.System.gc()",
        "spark.sparkContext.setLogLevel('WARN')",
        "frame.rdd.map(str)",
        "frame._jdf.queryExecution()",
        "spark.conf.set('spark.sql.shuffle.partitions', 2)",
        "spark.conf.unset('spark.sql.ansi.enabled')",
        "from delta.tables import DeltaTable",
        "from delta import DeltaTable",
        "import delta.tables",
        "from pyspark import SparkContext",
    ],
)
def test_use_beyond_connect_is_found(bad: str) -> None:
    assert beyond_connect(bad)


@pytest.mark.parametrize(
    "good",
    ["spark.conf.get('x')", "from deltalake import DeltaTable", "frame.mergeInto('t', c)", "options.set('a', 1)"],
)
def test_what_connect_has_is_left_alone(good: str) -> None:
    assert beyond_connect(good) == []


def test_known_setting_is_known_in_its_file_only() -> None:
    assert beyond_connect("spark.conf.set(_METADATA_CONF, text)", "lake/writing.py") == []
    assert beyond_connect("spark.conf.set(_METADATA_CONF, text)", "lake/table.py")


def test_package_keeps_to_connect_outside_its_own_spark() -> None:
    files = {file.relative_to(PACKAGE).as_posix(): file for file in sorted(PACKAGE.rglob("*.py"))}
    assert set(files) >= OWN_SPARK | set(SETTINGS)
    found = {name: beyond_connect(file.read_text("utf-8"), name) for name, file in files.items()}
    assert {name: uses for name, uses in found.items() if uses and name not in OWN_SPARK} == {}
    assert all(found[name] for name in OWN_SPARK), "an exception that nobody needs any more"
