"""A standalone Spark cluster on this machine: a master and two workers out of PySpark's own jars, on free ports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark
from processes import running, wait_for_words

SPARK = Path(pyspark.__file__).parent
_DEPLOY = "org.apache.spark.deploy"


@contextmanager
def _daemon(folder: Path, name: str, pattern: str, *arguments: str) -> Iterator[str]:
    """A process of the cluster that lives as long as the block; what it says first that matches the pattern."""
    said = folder / f"{name}.log"
    environment = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_IP": "127.0.0.1"}
    environment["SPARK_DAEMON_JAVA_OPTS"] = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    command = [str(SPARK / "bin" / "spark-class"), *arguments]
    with running(command, said, env=environment, cwd=folder) as process:
        yield wait_for_words(pattern, process, said)[1]


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Address of a master with two registered workers of one core each."""
    where = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with ExitStack() as daemons:
        says = r"Starting Spark master at (spark://\S+)"
        address = daemons.enter_context(_daemon(folder, "master", says, f"{_DEPLOY}.master.Master", *where))
        for name in ("worker-1", "worker-2"):
            command = (f"{_DEPLOY}.worker.Worker", *where, "--cores", "1", "--memory", "1g", "--work-dir", name)
            says = "(Successfully registered with master)"
            daemons.enter_context(_daemon(folder, name, says, *command, address))
        yield address
