"""What the JVM says on its standard error: silent on success, told on failure."""

from __future__ import annotations

import io
import os

from klineforge.spark.launch import StandardError

NOISE = b"WARNING: Using incubator modules: jdk.incubator.vector\n"


def passed_on(said: StandardError, read_end: int, write_end: int, text: bytes) -> bytes:
    said.follow(io.BytesIO(text))
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        return stream.read()


def test_standard_error_known_noise_is_dropped_and_the_rest_passed_on() -> None:
    read_end, write_end = os.pipe()
    said = StandardError(write_end)
    said.pass_on()
    assert (
        passed_on(said, read_end, write_end, NOISE + b"12:00:00 ERROR Disk: full\n") == b"12:00:00 ERROR Disk: full\n"
    )


def test_standard_error_before_the_start_is_kept_for_the_message() -> None:
    read_end, write_end = os.pipe()
    said = StandardError(write_end)
    assert passed_on(said, read_end, write_end, NOISE + b"Invalid maximum heap size: -Xmx1x\n") == b""
    assert said.tail() == "Invalid maximum heap size: -Xmx1x"


def test_standard_error_long_output_keeps_the_end() -> None:
    said = StandardError()
    said.follow(io.BytesIO(b"".join(b"line %d\n" % number for number in range(100))))
    assert "line 99" in said.tail()
    assert "line 1\n" not in said.tail()
