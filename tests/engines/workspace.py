"""What stands in for a workspace: a Connect server with named tables, a deployed bundle, the wheel's environment."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
import yaml
from processes import running, wait_for_port

from klineforge.spark.jars import delta_jars

ROOT = Path(__file__).resolve().parents[2]
SPARK = Path(pyspark.__file__).parent
CATALOG = "spark_catalog"
_VARIABLE = re.compile(r"\$\{([a-z_.]+)\}")
_SECONDS_TO_START = 120.0
_SETTINGS = {
    "spark.master": "local[2]",
    "spark.driver.extraClassPath": os.pathsep.join(str(jar) for jar in delta_jars()),
    "spark.driver.defaultJavaOptions": "-Duser.timezone=UTC -XX:+UseSerialGC",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Lives as long as the server: every task finds by name what the one before has written.
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
}


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """Address of a Spark Connect server with Delta, whose tables by name lie in ``<folder>/warehouse``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        **_SETTINGS,
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    said = folder / "server.log"
    command = [str(SPARK / "bin" / "spark-submit")]
    command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
    environment = {**os.environ, "SPARK_HOME": str(SPARK), "PYSPARK_PYTHON": sys.executable, "TZ": "UTC"}
    with running(command, said, env=environment, cwd=folder) as process:
        wait_for_port(port, process, said, _SECONDS_TO_START)
        yield f"sc://127.0.0.1:{port}"


def environment_with_wheel(folder: Path, wheel: Path) -> Path:
    """Programs of a fresh virtual environment that has the wheel installed, and its requirements by a ``.pth`` file.

    The requirements are not installed again, which would only prove the package index. The editable package of the
    checkout stays out of sight: ``.pth`` files of folders that a ``.pth`` file names are not read.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "requirements.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(folder)]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--ignore-installed", str(wheel)], check=True)
    return folder / "bin"


class DeployedBundle:
    """A bundle as ``databricks bundle deploy`` leaves it for the jobs: files in a folder, variables replaced."""

    def __init__(self, bundle: Path, folder: Path, target: str, given: Mapping[str, str]) -> None:
        """Copy the files and find out what every variable stands for.

        Args:
            bundle: What ``make databricks-bundle`` wrote.
            folder: Takes the part of the workspace's files, and ``Volumes`` below it that of the volumes.
            target: A target of the bundle.
            given: Variables as after ``--var``.
        """
        self.files = folder / "files"
        shutil.copytree(bundle / "conf", self.files / "conf")
        self._bundle = bundle
        root = _read(bundle / "databricks.yml")
        declared = {name: entry["default"] for name, entry in root["variables"].items() if "default" in entry}
        variables = {**declared, **root["targets"][target]["variables"], **given}
        self._values = {"workspace.file_path": str(self.files), "bundle.target": target}
        self._values |= {f"var.{name}": value for name, value in variables.items() if isinstance(value, str)}
        for kind, entries in _read(bundle / "resources" / "storage.yml")["resources"].items():
            for key, entry in entries.items():
                self._values[f"resources.{kind}.{key}.name"] = self.replaced(entry["name"])
        for file in (self.files / "conf" / "databricks").glob("catalog_*.yml"):
            text = file.read_text("utf-8").replace("/Volumes/", f"{folder}/Volumes/")
            # Primary keys are SQL of Databricks, which no other Spark reads.
            text = re.sub(r"(?m)^(  declares_keys): true$", r"\1: false", text)
            file.write_text(text, encoding="utf-8")

    @property
    def schema(self) -> str:
        """Name of the schema that the bundle makes."""
        return self._values["resources.schemas.warehouse.name"]

    def replaced(self, text: str) -> str:
        """A text with what its variables stand for; a variable that nothing says is a KeyError."""
        return _VARIABLE.sub(lambda found: self._values[found[1]], text)

    def tasks(self, job: str) -> list[tuple[str, list[str], list[str]]]:
        """Key, parameters, and keys of the tasks it waits for, of every task of a job in the order of the file."""
        tasks = _read(self._bundle / "resources" / f"{job}.yml")["resources"]["jobs"][f"klineforge_{job}"]["tasks"]
        return [
            (
                task["task_key"],
                [self.replaced(part) for part in task["python_wheel_task"]["parameters"]],
                [before["task_key"] for before in task.get("depends_on", [])],
            )
            for task in tasks
        ]

    def use_demo_exchange(self) -> None:
        """Give the deployed configuration the market of ``conf/demo`` in place of Binance."""
        demo, mine = ROOT / "conf" / "demo", self.files / "conf" / "databricks"
        shutil.copy(demo / "catalog.yml", mine / "catalog_demo.yml")
        settings = {name: value for name, value in _read(demo / "globals.yml").items() if name != "lake"}
        _write(mine / "globals.yml", {**_read(mine / "globals.yml"), **settings})

    def set_parameters(self, changes: Mapping[str, Any]) -> None:
        """Parameters of every run from now on, above those of ``conf/demo``."""
        demo = _read(ROOT / "conf" / "demo" / "parameters.yml")
        _write(self.files / "conf" / "databricks" / "parameters.yml", {**demo, **changes})


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return document


def _write(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")
