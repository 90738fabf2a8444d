"""Programs that tests start: they end with the block, and are waited for by what they say or by their port."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE_TO_END = 20
_SHOWN = 3000


@contextmanager
def running(command: Sequence[str], said: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives no longer than the block.

    Args:
        command: Its command line.
        said: File that takes what it says.
        options: More of ``subprocess.Popen``.
    """
    with said.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_words(pattern: str, process: subprocess.Popen[bytes], said: Path, seconds: float = 90.0) -> re.Match[str]:
    """Wait until a process has said something.

    Args:
        pattern: Regular expression.
        process: The process.
        said: File with what it says.
        seconds: When to give up.

    Raises:
        AssertionError: It has ended without a word of it, or it takes too long.
    """
    ends = time.monotonic() + seconds
    while True:
        # Asked before the file is read, so that last words count.
        is_over = process.poll() is not None or time.monotonic() > ends
        if found := re.search(pattern, _text(said)):
            return found
        if is_over:
            raise AssertionError(f"no {pattern!r} within {seconds:.0f} s:\n{_text(said)[-_SHOWN:]}")
        time.sleep(0.1)


def wait_for_port(port: int, process: subprocess.Popen[bytes], said: Path, seconds: float = 30.0) -> None:
    """Wait until a process listens on a port of loopback.

    Args:
        port: The port.
        process: The process.
        said: File with what it says.
        seconds: When to give up.

    Raises:
        AssertionError: It has ended, or it takes too long.
    """
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"nothing listens on port {port} within {seconds:.0f} s:\n{_text(said)[-_SHOWN:]}")


def _text(said: Path) -> str:
    return said.read_text("utf-8", "replace")
