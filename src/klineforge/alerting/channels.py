"""Where alerts are delivered to: the log, a file beside the lake, and any service apprise knows."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from klineforge.alerting.outbox import Message
from klineforge.errors import ConfigurationError

if TYPE_CHECKING:
    from apprise import Apprise

logger = logging.getLogger(__name__)

_STATUS: Final = re.compile(r"error=(\d{3})\b")
_SCHEMA: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class NotDeliveredError(Exception):
    """A message was not accepted; says why without the channel's address."""


class Channel(Protocol):
    """Something that takes messages."""

    @property
    def name(self) -> str:
        """Its name in the table of deliveries and in ``alerts.routes``."""

    @property
    def takes_digests(self) -> bool:
        """Whether many alerts of a rule are one message."""

    def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            NotDeliveredError: When it was not accepted.
        """


@dataclass(frozen=True)
class LogChannel:
    """Warnings in the log of the run."""

    name: str = "log"
    takes_digests: bool = True

    def send(self, message: Message) -> None:
        """Write a line for an alert, several for a digest."""
        logger.warning("%s\n%s", message.title, message.body)


@dataclass(frozen=True)
class FileChannel:
    """One JSON object per alert and line.

    Args:
        path: The file; made when the first alert is written.
        name: Name of the channel.
        takes_digests: No: programs read it.
    """

    path: Path
    name: str = "file"
    takes_digests: bool = False

    def send(self, message: Message) -> None:
        """Append the alerts of a message.

        Raises:
            NotDeliveredError: When the file cannot be written.
        """
        lines = "".join(json.dumps(_as_json(alert), ensure_ascii=False) + "\n" for alert in message.alerts)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise NotDeliveredError(f"{self.path.name} cannot be written: {error.strerror}") from error


@dataclass(frozen=True)
class AppriseChannel:
    """A service that apprise knows, by an address that is a secret.

    Args:
        name: Name of the channel.
        service: What apprise made of the address.
        timeout_seconds: How long a message may take.
        takes_digests: Yes.
    """

    name: str
    service: Apprise = field(repr=False)
    timeout_seconds: float = 10.0
    takes_digests: bool = True

    @classmethod
    def at(cls, name: str, url: str, timeout_seconds: float) -> AppriseChannel:
        """Make the channel for an address.

        Raises:
            ConfigurationError: When apprise is not installed or does not know such an address.
        """
        try:
            import apprise
        except ImportError as error:
            raise ConfigurationError(
                f"the alert channel {name!r} needs apprise, which is not installed; install it with: "
                'pip install "klineforge[alerts]"'
            ) from error
        _keep_addresses_out_of_logs()
        service = apprise.Apprise()
        if not service.add(url):
            schema = _SCHEMA.match(url)
            found = f"it begins with {schema.group(1)}://" if schema else "it does not begin with a schema and ://"
            raise ConfigurationError(
                f"the address of the alert channel {name!r} is none that apprise can use ({found}; the rest is a "
                "secret and not shown); see its documentation for the form, for example json://host/path for a webhook"
            )
        return cls(name, service, timeout_seconds)

    def send(self, message: Message) -> None:
        """Hand a message to the service.

        Raises:
            NotDeliveredError: When the service refused it, could not be reached or took too long.
        """
        from apprise import NotifyType

        kinds = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "error": NotifyType.FAILURE}
        result = self.service.notify(
            body=message.body,
            title=message.title,
            notify_type=kinds[message.severity],
            body_format="text",
            timeout=self.timeout_seconds,
        )
        if result:
            return
        # What the service said may hold its address: only the status is taken over.
        codes = [code.group(1) for entry in result.logs() if (code := _STATUS.search(str(entry)))]
        if result.timeout_count:
            raise NotDeliveredError(f"no answer within {self.timeout_seconds:g} s")
        raise NotDeliveredError(f"refused with HTTP status {codes[-1]}" if codes else "not reachable, or refused")


def _as_json(alert: Mapping[str, Any]) -> dict[str, Any]:
    left_out = {"channel", "attempts", "last_error"}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in alert.items()
        if name not in left_out
    }


def _keep_addresses_out_of_logs() -> None:
    """Libraries log the addresses they use, even late, from a thread that was given up: for the rest of the process."""
    own = logging.getLogger("apprise")
    own.propagate, own.handlers = False, [logging.NullHandler()]
    for name in ("urllib3", "requests"):
        library = logging.getLogger(name)
        library.setLevel(max(library.level, logging.INFO))
