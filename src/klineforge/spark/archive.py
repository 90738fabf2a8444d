"""An archive of the Java classes a run loads, made once per environment: the JVM maps it instead of loading them.

Most of what a small run costs is Spark and Delta loading and compiling classes (docs/benchmarks.md). The JVM takes an
archive only for exactly the class path it was made for, so it lives in the Python environment and goes with it. Without
one, everything works, more slowly.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from klineforge.errors import EnvironmentProblem
from klineforge.spark.java import Java

# Writing 200 MB of archive takes the JVM a while after the last query.
_SECONDS_TO_WRITE = 300
# The JVM reports an archive that does not fit, and every class it leaves out, on standard output.
_QUIET = ("-Xlog:disable", "-Xlog:all=error:stderr")


def archive_file(java: Java, jars: Sequence[Path]) -> Path:
    """Where the archive for this Java, this PySpark and these jars belongs; it need not be there.

    Args:
        java: The Java that Spark will start.
        jars: Delta jars on the class path.
    """
    parts = (java.executable.resolve(), java.version, version("pyspark"), *jars)
    digest = hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()
    return Path(sys.prefix) / "var" / "klineforge" / f"classes-{digest[:12]}.jsa"


def archive_options(archive: Path) -> list[str]:
    """JVM options that use the archive; none where there is none."""
    return [f"-XX:SharedArchiveFile={archive}", *_QUIET] if archive.is_file() else []


def make_archive(archive: Path) -> None:
    """Run a small piece of everything that a run does, and have the JVM write down the classes it took.

    Args:
        archive: Where to write; the file appears complete or not at all.

    Raises:
        EnvironmentProblem: When Spark does not start, the folder is not writable, or the JVM writes no archive.
    """
    from klineforge.spark.session import configure, get_session, stop

    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".making-", dir=archive.parent))
    except OSError as reason:
        raise EnvironmentProblem(f"cannot write the class archive to {archive.parent}: {reason}") from reason
    fresh = work / archive.name
    try:
        configure({"spark.driver.extraJavaOptions": " ".join([f"-XX:ArchiveClassesAtExit={fresh}", *_QUIET])})
        get_session()
        _exercise(work / "lake")
        stop(patience=_SECONDS_TO_WRITE)
        if not fresh.is_file():
            raise EnvironmentProblem("the JVM ended without writing a class archive")
        fresh.rename(archive)
    finally:
        stop()
        configure({})
        shutil.rmtree(work, ignore_errors=True)


def _exercise(lake: Path) -> None:
    """Write, merge, read changes and compute windows: one query of each kind that a run uses."""
    from klineforge.spark.session import get_session

    spark = get_session()
    source, target = lake / "source", lake / "target"
    spark.range(2000).selectExpr(
        "id",
        "concat('C', id % 15) AS coin",
        "timestamp_seconds(1600000000 + 3600 * (id DIV 15)) AS opened",
        "rand(1) AS price",
        "year(timestamp_seconds(1600000000 + 3600 * (id DIV 15))) AS year",
    ).write.format("delta").partitionBy("year").option("delta.enableChangeDataFeed", "true").save(str(source))
    spark.sql(
        f"MERGE INTO delta.`{source}` t USING (SELECT id + 1990 AS id, coin, opened, price, year "  # noqa: S608 - own path
        f"FROM delta.`{source}` LIMIT 30) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    ).collect()
    changes = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 0).load(str(source))
    changes.groupBy("_change_type").count().collect()
    spark.sql(
        "SELECT *, avg(price) OVER day AS mean, stddev_samp(price) OVER day AS deviation, "  # noqa: S608
        "lag(price) OVER (PARTITION BY coin ORDER BY opened) AS previous "
        f"FROM delta.`{source}` WINDOW day AS "
        "(PARTITION BY coin ORDER BY CAST(opened AS BIGINT) RANGE BETWEEN 86399 PRECEDING AND CURRENT ROW)"
    ).write.format("delta").partitionBy("year").save(str(target))
    left, right = (spark.read.format("delta").load(str(folder)) for folder in (source, target))
    left.join(right, ["coin", "opened"], how="left_anti").toPandas()
    right.where("mean IS NOT NULL").groupBy("coin").count().toArrow()
    # What increments do: rows handed over in memory, and no code generated for so few.
    spark.conf.set("spark.sql.codegen.wholeStage", "false")
    few = spark.createDataFrame(right.limit(200).toArrow()).coalesce(1)
    few.selectExpr(
        "*",
        "avg(price) OVER (PARTITION BY coin ORDER BY CAST(opened AS BIGINT) "
        "RANGE BETWEEN 86399 PRECEDING AND CURRENT ROW) AS again",
        "row_number() OVER (PARTITION BY coin, opened ORDER BY price DESC) AS place",
    ).where("place = 1").toArrow()
