"""The Spark session of this process: started on first use, with Delta, in UTC, quietly."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from klineforge.errors import EnvironmentProblem
from klineforge.interruption import INTERRUPTION
from klineforge.spark.archive import archive_file, archive_options
from klineforge.spark.home import klineforge_home
from klineforge.spark.jars import delta_jars, platform_brings_delta
from klineforge.spark.java import require_java
from klineforge.spark.options import RUNTIME_SETTINGS, SparkOptions, as_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_logger = logging.getLogger(__name__)
_lock = threading.RLock()


@dataclass
class _Process:
    """What this process was told about Spark and what it has started."""

    options: SparkOptions = field(default_factory=SparkOptions)
    session: SparkSession | None = None


_process = _Process()


def configure(options: Mapping[str, object]) -> None:
    """Set what the next session starts with; a session that already runs keeps what it has.

    Args:
        options: Spark settings by full name, as in ``conf/base/spark.yml``; they replace those of an earlier call.
    """
    with _lock:
        _process.options = SparkOptions(as_settings(options))
        if active_session() is not None:
            _logger.debug("Spark runs already: new settings take effect in the next session")


def get_session(*, brief: bool = False) -> SparkSession:
    """The session of this process, started now if there is none.

    Args:
        brief: The caller has only small queries for it: a session that is started now is tuned for that.

    On Databricks, with Spark Connect (``SPARK_REMOTE``) and below ``spark-submit`` it is the platform's own session.
    Everywhere else a local Spark is started. The process's own time zone is set to UTC, because PySpark converts
    collected timestamps with it.

    Raises:
        EnvironmentProblem: When Java or the Delta jars are missing, or Spark does not start.
    """
    with _lock:
        session = active_session()
        if session is None:
            INTERRUPTION.raise_if_requested()
            session = _process.session = _attach() if platform_brings_delta(os.environ) else _start_local(brief=brief)
        return session


def active_session() -> SparkSession | None:
    """The running session, or None; never starts one and does not even import PySpark to find out."""
    if "pyspark.sql" not in sys.modules:
        return None
    from pyspark.sql import SparkSession

    if _process.session is not None and not _is_stopped(_process.session):
        return _process.session
    return SparkSession.getActiveSession()


def stop(patience: float = 10) -> None:
    """Stop the session and its Java process; the next :func:`get_session` starts anew, with the settings of then.

    Args:
        patience: Seconds the Java process may take to end by itself.
    """
    with _lock:
        session = active_session()
        _process.session = None
        if session is None or platform_brings_delta(os.environ):
            return
        from klineforge.spark.launch import end_jvm

        session.stop()
        end_jvm(patience)


def interrupt() -> None:
    """End the queries that run now, in whatever thread; those threads get an error. Starts nothing."""
    session = active_session()
    if session is not None:
        session.interruptAll()


def _attach() -> SparkSession:
    from pyspark.sql import SparkSession

    _use_utc()
    session = SparkSession.builder.getOrCreate()
    for name, value in RUNTIME_SETTINGS.items():
        session.conf.set(name, value)
    return session


def _start_local(*, brief: bool) -> SparkSession:
    java = require_java()
    home = klineforge_home()
    jars = delta_jars()
    _use_utc_and_this_python()
    from klineforge.spark.launch import end_jvm, launch_jvm

    log_settings = resources.files("klineforge.spark").joinpath("log4j2.properties")
    with resources.as_file(log_settings) as log_file:
        settings = _process.options.local_settings(
            jars, home, Path(log_file), archive_options(archive_file(java, jars)), brief=brief
        )
        said = launch_jvm(settings)
        try:
            session = _create(settings)
        except Exception as reason:  # noqa: BLE001 - told to the user as the cause
            # The reason is an object of the JVM: read it before the JVM ends.
            problem = EnvironmentProblem(
                f"Spark did not start: {_first_cause(reason)}\n"
                f"  what to do: check the settings of conf/*/spark.yml: {dict(_process.options.overrides) or 'none'}"
            )
            end_jvm()
            raise problem from None
    said.pass_on()
    return session


def _create(settings: Mapping[str, str]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _use_utc() -> None:
    os.environ["TZ"] = "UTC"
    if hasattr(time, "tzset"):
        time.tzset()


def _use_utc_and_this_python() -> None:
    import pyspark

    _use_utc()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # A Spark installed elsewhere on the machine would be started with our PySpark otherwise.
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)


def _is_stopped(session: SparkSession) -> bool:
    context = getattr(session, "_sc", None)
    return context is not None and context._jsc is None  # noqa: SLF001 - what PySpark itself looks at


def _first_cause(reason: BaseException) -> str:
    lines = [line for line in str(reason).splitlines() if line.strip()]
    caused = [line.removeprefix(": ") for line in lines if line.startswith((": ", "Caused by:"))]
    return (caused or lines or [type(reason).__name__])[-1].strip()
