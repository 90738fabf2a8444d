"""Start Spark's JVM without its chatter, and keep what it says for the case that it does not come up."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from typing import IO, Any

from klineforge.errors import EnvironmentProblem

_NOISE = ("WARNING: Using incubator modules", "Picked up JAVA_TOOL_OPTIONS", "Picked up _JAVA_OPTIONS")
_LINES_OF_REASON = 6
_SECONDS_TO_EXIT = 10.0


class StandardError:
    """What the JVM writes to its standard error: passed on line by line without the known noise, the end kept.

    Args:
        target: File descriptor to pass lines on to.
    """

    def __init__(self, target: int = 2) -> None:
        self._target = target
        self._tail: deque[str] = deque(maxlen=_LINES_OF_REASON)
        self._muted = True

    def follow(self, stream: IO[bytes]) -> None:
        """Read to the end of the stream, holding lines back until :meth:`pass_on`: a failed start is told once."""
        for raw in stream:
            line = raw.decode(errors="replace")
            if line.startswith(_NOISE):
                continue
            if not line.startswith("\tat "):
                self._tail.append(line.rstrip())
            if not self._muted:
                os.write(self._target, raw)

    def pass_on(self) -> None:
        """From now on let the lines through: the JVM is up and what it says is for the user."""
        self._muted = False

    def tail(self) -> str:
        """The last lines, for a message."""
        return "\n  ".join(self._tail) or "it said nothing"


def launch_jvm(settings: Mapping[str, str]) -> StandardError:
    """Start a JVM for PySpark and make it the one that a new session uses.

    Args:
        settings: Spark settings; those of the JVM itself (memory, class path, options) only take effect here.

    Returns:
        What the JVM writes, held back until the caller lets it through.

    Raises:
        EnvironmentProblem: When the JVM does not start; with its own last words.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False).setAll(list(settings.items()))
    read_end, write_end = os.pipe()
    said = StandardError()
    reader = threading.Thread(target=_follow, args=(said, read_end), name="spark-stderr", daemon=True)
    reader.start()
    try:
        gateway = launch_gateway(conf, {"stderr": write_end})  # type: ignore[no-untyped-call]
    except Exception as reason:
        os.close(write_end)
        reader.join(_SECONDS_TO_EXIT)
        raise EnvironmentProblem(
            f"Spark's Java process did not start ({_first_line(reason)}); it said:\n  {said.tail()}\n"
            "  what to do: check the memory and the Java options in conf/*/spark.yml"
        ) from reason
    os.close(write_end)
    # PySpark offers no public way to hand over a JVM that was started with its standard error redirected.
    SparkContext._ensure_initialized(gateway=gateway)  # noqa: SLF001
    return said


def _first_line(reason: Exception) -> str:
    return str(reason).partition("\n")[0]


def _follow(said: StandardError, descriptor: int) -> None:
    with os.fdopen(descriptor, "rb") as stream:
        said.follow(stream)


def end_jvm(patience: float = _SECONDS_TO_EXIT) -> None:
    """End the JVM that :func:`launch_jvm` started, if any, so that the next session gets a new one.

    Args:
        patience: Seconds it may take to end by itself.
    """
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway  # noqa: SLF001 - see launch_jvm
    if gateway is None:
        return
    process: subprocess.Popen[bytes] | None = gateway.proc
    gateway.shutdown()
    if process is not None and process.stdin is not None:
        # The JVM exits when its standard input ends.
        process.stdin.close()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    SparkContext._gateway = None  # noqa: SLF001
    SparkContext._jvm = None  # noqa: SLF001
