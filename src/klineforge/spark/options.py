"""The settings a local Spark starts with when nobody says otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GIB = 1024**3
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

_COMPILE_THRESHOLDS = {
    "Tier4InvocationThreshold": 5_000,
    "Tier4MinInvocationThreshold": 600,
    "Tier4CompileThreshold": 15_000,
    "Tier4BackEdgeThreshold": 40_000,
}

# A session of small queries spends its time on planning and on compiling, not on rows (docs/benchmarks.md).
_BRIEF_JAVA = ("-XX:TieredStopAtLevel=1",)
_BRIEF = {"spark.sql.codegen.wholeStage": "false"}

# What a session on somebody else's Spark (Databricks, Connect) is told too; anything else there is not ours to set.
RUNTIME_SETTINGS: Mapping[str, str] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}


@dataclass(frozen=True)
class SparkOptions:
    """What the user wants of Spark beyond the defaults of this module.

    Args:
        overrides: Spark settings by their full name (``spark.driver.memory``); they win over the defaults.
    """

    overrides: Mapping[str, str] = field(default_factory=dict)

    def local_settings(
        self,
        jars: Sequence[Path],
        home: Path,
        log_settings: Path,
        java_options: Sequence[str] = (),
        *,
        brief: bool = False,
    ) -> dict[str, str]:
        """Every setting of a session on this machine.

        Args:
            jars: Delta jars to put on the class path.
            home: Cache folder, for what Spark insists on writing somewhere.
            log_settings: Log4j 2 configuration file.
            java_options: More options for the JVM, before those of the user.
            brief: The session has only small queries to run.
        """
        defaults = _defaults(jars, home, log_settings, [*java_options, *(_BRIEF_JAVA if brief else ())])
        return {**defaults, **(_BRIEF if brief else {}), **RUNTIME_SETTINGS, **self.overrides}


def as_settings(options: Mapping[str, object]) -> dict[str, str]:
    """Spark settings out of YAML values: ``true`` rather than ``True``, numbers as they are written.

    Examples:
        >>> as_settings({"spark.ui.enabled": False, "spark.sql.shuffle.partitions": 4})
        {'spark.ui.enabled': 'false', 'spark.sql.shuffle.partitions': '4'}
    """
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in options.items()}


def driver_memory(machine_bytes: int) -> str:
    """Heap for Spark's JVM: a quarter of the machine, at least 1 GiB, at most 4 GiB.

    Args:
        machine_bytes: Memory this process may use.

    Returns:
        The size in Spark's notation, in MiB.

    Examples:
        >>> driver_memory(8 * 1024**3), driver_memory(64 * 1024**3), driver_memory(2 * 1024**3)
        ('2048m', '4096m', '1024m')
    """
    return f"{min(4 * _GIB, max(_GIB, machine_bytes // 4)) // 1024**2}m"


def machine_memory() -> int:
    """Bytes of memory this process may use: the machine's, or less where a container limits it."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in _CGROUP_LIMITS:
        text = limit.read_text(encoding="ascii").strip() if limit.is_file() else ""
        if text.isdigit():
            sizes.append(int(text))
    return min(sizes)


def usable_cores() -> int:
    """Processors this process may use, at least 1."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _defaults(jars: Sequence[Path], home: Path, log_settings: Path, java_options: Sequence[str]) -> dict[str, str]:
    scratch = home / "spark"
    return {
        "spark.app.name": "klineforge",
        "spark.master": "local[*]",
        "spark.driver.memory": driver_memory(machine_memory()),
        "spark.driver.defaultJavaOptions": " ".join([*_jvm_options(scratch, log_settings), *java_options]),
        # Not spark.jars, which copies the jars for each session and loads them with a class loader of their own.
        "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in jars),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # Otherwise PySpark asks the JVM five times per Column who called it, a third of all calls of a small run.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # The rows a run takes into memory are bounded by KlineForge; Spark's own bound counts them serialised.
        "spark.driver.maxResultSize": "0",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # No .crc file beside every file: other writers do not keep them up to date, and a stale one reads as damage.
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": str(max(2, usable_cores())),
        # Delta's default of 50 tasks to read the log of a table dominates everything on small tables.
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        # Lets a write keep this many year partitions open instead of sorting its rows by partition first.
        "spark.sql.maxConcurrentOutputFileWriters": "16",
    }


def _jvm_options(scratch: Path, log_settings: Path) -> list[str]:
    return [
        "-Duser.timezone=UTC",
        f"-Dlog4j2.configurationFile=file:{log_settings}",
        f"-Dderby.system.home={scratch}",
        f"-XX:ErrorFile={scratch}/hs_err_pid%p.log",
        # A run is short for a JVM and its heap is small: parallel collectors cost more than they bring, and so does
        # optimising what runs a few thousand times. Hot loops of a full build still reach the optimising compiler, at
        # 40 times the JVM's own thresholds (docs/benchmarks.md).
        "-XX:+UseSerialGC",
        *(f"-XX:{name}={40 * default}" for name, default in _COMPILE_THRESHOLDS.items()),
    ]
