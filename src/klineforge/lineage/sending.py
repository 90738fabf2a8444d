"""Where OpenLineage events go: a file of the lake, or a lineage tool by OpenLineage's own client.

Neither may hold up a run or make it fail: a file is written in microseconds, the client works in a thread beside the
run, and what could not be delivered in time is one warning.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Protocol

from klineforge.lineage.events import Event
from klineforge.reporting.redaction import redacted

logger = logging.getLogger(__name__)

EVENT_FILE: Final = Path("_klineforge") / "openlineage.jsonl"
LARGEST_FILE: Final = 16_000_000
"""Bytes; weeks of hourly runs. One file of that size is kept beside the one in use."""
PATIENCE: Final = 5.0
"""Seconds for which the end of a run waits for events to be taken."""
_THREAD: Final = "klineforge-lineage"


class Sender(Protocol):
    """Takes events one by one, from several threads."""

    def send(self, event: Event) -> None:
        """Take an event; never raises and never waits."""

    def close(self) -> None:
        """The run has ended: deliver what is left, or say what was lost."""


class Nowhere:
    """Lineage is off."""

    def send(self, event: Event) -> None:
        """Forget the event."""

    def close(self) -> None:
        """Nothing is left."""


class FileSender:
    """Appends events to a file, one JSON object per line, as OpenLineage's file transport does.

    Args:
        path: The file; one that has grown too large becomes ``openlineage.1.jsonl`` first.
        largest: Bytes at which that happens.
    """

    def __init__(self, path: Path, largest: int = LARGEST_FILE) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._problem: OSError | None = None
        try:
            if path.is_file() and path.stat().st_size > largest:
                path.replace(path.with_suffix(".1.jsonl"))
        except OSError as error:
            self._problem = error

    def send(self, event: Event) -> None:
        """Append the event."""
        line = json.dumps(event, default=str) + "\n"
        with self._lock:
            if self._problem is None:
                try:
                    with self._path.open("a", encoding="utf-8") as file:
                        file.write(line)
                except OSError as error:
                    self._problem = error

    def close(self) -> None:
        """Say what could not be written."""
        if self._problem is not None:
            logger.warning(
                "OpenLineage events of this run are lost, %s cannot be written: %s", self._path, self._problem
            )


class ClientSender:
    """Hands events to OpenLineage's client in a thread of its own, which dies with the process.

    Args:
        config: For the client; without it, the client looks at its own variables and files.
        patience: Seconds that the end of the run waits; ``PATIENCE`` when not given.
    """

    def __init__(self, config: Mapping[str, Any] | None, patience: float | None = None) -> None:
        self._config = None if config is None else copy.deepcopy(dict(config))
        self._patience = PATIENCE if patience is None else patience
        self._waiting: SimpleQueue[Event | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._taken = self._given = 0
        self._problem: Exception | None = None
        self._thread = threading.Thread(target=self._work, name=_THREAD, daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Put the event in the queue."""
        with self._lock:
            self._given += 1
        self._waiting.put(event)

    def close(self) -> None:
        """Wait a little; say how many events were not taken, and why."""
        self._waiting.put(None)
        self._thread.join(self._patience)
        if self._problem is None and not self._thread.is_alive():
            return
        why = self._problem or f"no answer within {self._patience:g} s"
        lost = self._given - self._taken
        # A problem is told by its type and first line: a library's text may be long.
        said = redacted((str(why).splitlines() or [type(why).__name__])[0])
        logger.warning("%d of %d OpenLineage events of this run were not delivered: %s", lost, self._given, said)

    def _work(self) -> None:
        try:
            emit = _client_of(self._config)
            while (event := self._waiting.get()) is not None:
                emit(event)
                self._taken += 1
        except Exception as error:  # noqa: BLE001 - whatever a transport raises is said once, at the end of the run
            self._problem = error


def sender_for(lake: Path | None, config: Mapping[str, Any], *, wanted: bool) -> Sender:
    """Where the events of a run go.

    Args:
        lake: Root of a lake on this machine; None for one elsewhere.
        config: ``conf/*/openlineage.yml``; empty where there is none.
        wanted: False where the parameter ``openlineage`` is ``off``.
    """
    if not wanted or os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return Nowhere()
    if config.get("transport"):
        return ClientSender(config)
    if _is_configured_elsewhere():
        return ClientSender(None)
    return Nowhere() if lake is None else FileSender(lake / EVENT_FILE)


def _is_configured_elsewhere() -> bool:
    """Whether OpenLineage's own variables and files name a transport."""
    variables = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")
    files = (Path("openlineage.yml"), Path("~/.openlineage/openlineage.yml").expanduser())
    named = any(name in variables[:2] or name.startswith(variables[2]) for name in os.environ)
    return named or any(file.is_file() for file in files)


def _client_of(config: dict[str, Any] | None) -> Any:
    """The client's way to emit one of our events.

    Raises:
        ImportError: When the package is not installed; says how to install it.
    """
    try:
        from openlineage.client import OpenLineageClient, event_v2
    except ImportError as error:
        raise ImportError("the package openlineage-python is missing: pip install 'klineforge[lineage]'") from error
    logging.getLogger("openlineage").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3.connectionpool").addFilter(_from_another_thread)
    client = OpenLineageClient(config=config)

    def emit(event: Event) -> None:
        client.emit(
            event_v2.RunEvent(
                eventType=event_v2.RunState(event["eventType"]),
                eventTime=event["eventTime"],
                producer=event["producer"],
                run=event_v2.Run(**event["run"]),
                job=event_v2.Job(**event["job"]),
                inputs=[event_v2.InputDataset(**told) for told in event["inputs"]],
                outputs=[event_v2.OutputDataset(**told) for told in event["outputs"]],
            )
        )

    return emit


def _from_another_thread(record: logging.LogRecord) -> bool:
    """Only the exchanges' requests: the client's own remarks about every attempt would be many for one problem."""
    return record.threadName != _THREAD
