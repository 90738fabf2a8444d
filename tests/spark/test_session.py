"""The session as a whole, in processes of its own: how it starts, what it prints, what it is set to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.catalogue import case
from pyspark.sql import SparkSession

REPORT = """
import json, sys, os
from datetime import datetime, timezone
from klineforge.spark.session import active_session, configure, get_session, stop

assert active_session() is None
configure({"spark.sql.shuffle.partitions": 3})
session = get_session()
assert get_session() is session and active_session() is session
hour = session.sql("SELECT TIMESTAMP'2024-07-01 12:00:00' AS hour").collect()[0].hour
table = os.path.join(sys.argv[1], "table")
session.range(3).write.format("delta").save(table)
settings = {name: session.conf.get(name) for name in ("spark.sql.shuffle.partitions", "spark.sql.session.timeZone")}
rows = session.read.format("delta").load(table).count()
stop()
stopped = active_session() is None
again = get_session() is not session
stop()
print(json.dumps({"hour": str(hour), "rows": rows, "settings": settings, "stopped": stopped, "again": again}))
"""


def python(code: str, *arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env={**os.environ, **variables},
    )


@case("86")
def test_session_starts_and_stops_without_a_word_and_leaves_no_files(tmp_path: Path) -> None:
    work, lake = tmp_path / "work", tmp_path / "lake"
    work.mkdir()
    lake.mkdir()
    run = python(REPORT, str(lake), cwd=work, TZ="America/New_York")
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    report = json.loads(run.stdout)
    assert report["hour"] == "2024-07-01 12:00:00"
    assert report["rows"] == 3
    assert report["settings"] == {"spark.sql.shuffle.partitions": "3", "spark.sql.session.timeZone": "UTC"}
    assert report["stopped"]
    assert report["again"]
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("spark.driver.memory", "1x", "Invalid maximum heap size: -Xmx1x"),
        ("spark.master", "somewhere", "Master must either be yarn or start with spark, k8s, or local"),
        ("spark.driver.bindAddress", "203.0.113.1", "Cannot assign requested address"),
    ],
)
def test_session_that_cannot_start_says_why(tmp_path: Path, name: str, value: str, reason: str) -> None:
    code = f"""
from klineforge.errors import EnvironmentProblem
from klineforge.spark.session import configure, get_session
configure({{{name!r}: {value!r}}})
try:
    get_session()
except EnvironmentProblem as problem:
    print(problem)
"""
    run = python(code, cwd=tmp_path)
    assert run.stderr == ""
    assert reason in run.stdout


def test_session_module_import_starts_nothing_and_imports_no_spark(tmp_path: Path) -> None:
    code = "import sys, klineforge.spark.session as s; print(s.active_session(), 'pyspark' in sys.modules)"
    assert python(code, cwd=tmp_path).stdout == "None False\n"


def test_session_is_ansi(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
