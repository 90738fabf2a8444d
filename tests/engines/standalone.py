"""A standalone Spark cluster on this machine: a master and two workers out of PySpark's own jars, on free ports."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark

SPARK = Path(pyspark.__file__).parent
_DEPLOY = "org.apache.spark.deploy"
_SECONDS_TO_START = 90.0


@contextmanager
def _daemon(folder: Path, name: str, *arguments: str) -> Iterator[Path]:
    """A process of the cluster that lives as long as the block, and the file of what it says."""
    said = folder / f"{name}.log"
    environment = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_IP": "127.0.0.1"}
    environment["SPARK_DAEMON_JAVA_OPTS"] = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    with said.open("wb") as log:
        command = [str(SPARK / "bin" / "spark-class"), *arguments]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        yield said
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(said: Path, pattern: str) -> str:
    ends = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < ends:
        if found := re.search(pattern, said.read_text("utf-8", "replace")):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(
        f"no {pattern} within {_SECONDS_TO_START:.0f} s:\n{said.read_text('utf-8', 'replace')[-2000:]}"
    )


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Address of a master with two registered workers of one core each."""
    where = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with ExitStack() as running:
        master = running.enter_context(_daemon(folder, "master", f"{_DEPLOY}.master.Master", *where))
        address = _wait_for(master, r"Starting Spark master at (spark://\S+)")
        for name in ("worker-1", "worker-2"):
            command = (f"{_DEPLOY}.worker.Worker", *where, "--cores", "1", "--memory", "1g", "--work-dir", name)
            said = running.enter_context(_daemon(folder, name, *command, address))
            _wait_for(said, r"(Successfully registered with master)")
        yield address
