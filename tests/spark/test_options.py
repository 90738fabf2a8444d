"""Defaults of a local Spark and what may override them."""

from __future__ import annotations

from pathlib import Path

from klineforge.spark.options import SparkOptions, machine_memory, usable_cores


def settings(**overrides: str) -> dict[str, str]:
    jars = (Path("/cache/a.jar"), Path("/cache/b.jar"))
    options = SparkOptions({name.replace("__", "."): value for name, value in overrides.items()})
    return options.local_settings(jars, Path("/cache"), Path("/package/log4j2.properties"))


def test_local_settings_default_keeps_to_loopback_and_utc() -> None:
    chosen = settings()
    assert chosen["spark.driver.bindAddress"] == chosen["spark.driver.host"] == "127.0.0.1"
    assert chosen["spark.sql.session.timeZone"] == "UTC"
    assert "-Duser.timezone=UTC" in chosen["spark.driver.defaultJavaOptions"]
    assert chosen["spark.driver.extraClassPath"] == "/cache/a.jar:/cache/b.jar"


def test_local_settings_nothing_is_written_to_the_current_folder() -> None:
    chosen = settings()
    assert chosen["spark.sql.warehouse.dir"].startswith("/cache/")
    assert "-Dderby.system.home=/cache/" in chosen["spark.driver.defaultJavaOptions"]


def test_local_settings_override_wins() -> None:
    assert settings(spark__driver__memory="9g")["spark.driver.memory"] == "9g"


def test_machine_is_measured() -> None:
    assert machine_memory() > 100 * 1024**2
    assert usable_cores() >= 1
