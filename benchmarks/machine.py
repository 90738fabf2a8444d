"""What a measurement was made on: machine and versions."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from klineforge.spark.java import require_java
from klineforge.spark.options import driver_memory, machine_memory, usable_cores

_PACKAGES = {
    "Spark": "pyspark",
    "Delta": "delta-spark",
    "delta-rs": "deltalake",
    "polars": "polars",
    "DuckDB": "duckdb",
}


def machine() -> str:
    """Cores, processor, memory and system, in one sentence."""
    memory = machine_memory()
    return (
        f"{usable_cores()} cores of {processor()}, {memory / 2**30:.0f} GiB memory "
        f"(Spark's heap {driver_memory(memory).removesuffix('m')} MiB), {platform.system()}"
    )


def processor() -> str:
    """The processor's model, as far as the system names it."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.is_file() else None
    return found.group(1).strip() if found else platform.machine()


def versions() -> str:
    """Versions of what the figures depend on, in one sentence."""
    found = [f"Python {platform.python_version()}", f"Java {require_java().version}"]
    for name, package in _PACKAGES.items():
        try:
            found.append(f"{name} {version(package)}")
        except PackageNotFoundError:  # a peer that is not installed is not measured either
            continue
    return ", ".join(found)
