"""Catalog entry for the channels that alerts are delivered through."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from klineforge.alerting.channels import AppriseChannel, Channel, FileChannel, LogChannel
from klineforge.errors import ConfigurationError

URL_PREFIX = "KLINEFORGE_ALERT_URL_"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OWN = ("log", "file")


class AlertChannelsDataset(AbstractDataset[Never, tuple[Channel, ...]]):
    """The log, a file of JSON lines, and one channel for every address that is given.

    Addresses are those of apprise and are secrets: they come from a Kedro credentials entry, a mapping of names and
    addresses, or from environment variables ``KLINEFORGE_ALERT_URL_<NAME>``, and are kept out of logs and tables.

    Example in ``catalog.yml``::

        alert_channels:
          type: klineforge.datasets.alert_channels.AlertChannelsDataset
          path: ${globals:lake}/_klineforge/alerts.jsonl
          credentials: alert_urls

    Example in Python::

        channels = AlertChannelsDataset(path="/some/lake/_klineforge/alerts.jsonl").load()
    """

    def __init__(
        self,
        *,
        path: str | None = None,
        credentials: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe the channels.

        Args:
            path: The file of JSON lines; None for none, as on volumes, which files cannot be appended to.
            credentials: Addresses by name of the channel.
            timeout_seconds: How long a message may take.
            metadata: For Kedro plugins; not used here.
        """
        self._path = path
        self._urls = dict(credentials or {})
        self._timeout_seconds = timeout_seconds
        self.metadata = metadata

    def load(self) -> tuple[Channel, ...]:
        """The channels, the log and the file first, the others in order of their names.

        Raises:
            ConfigurationError: When a name or an address cannot be used, or apprise is missing; no address is shown.
        """
        urls = {str(name): url for name, url in self._urls.items()}
        for variable, url in os.environ.items():
            if variable.startswith(URL_PREFIX) and url.strip():
                urls.setdefault(variable.removeprefix(URL_PREFIX).lower(), url)
        others = [
            AppriseChannel.at(_name(name), _url(name, urls[name]), self._timeout_seconds) for name in sorted(urls)
        ]
        file = () if self._path is None else (FileChannel(Path(self._path)),)
        return (LogChannel(), *file, *others)

    def save(self, data: Never) -> None:
        """Refuse: channels send, they do not store.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"channels cannot be saved to, got {type(data).__name__}")

    def _describe(self) -> dict[str, Any]:
        return {"path": self._path, "channels": (*_OWN, *sorted(self._urls))}


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or name in _OWN:
        raise ConfigurationError(
            f"{name!r} cannot name an alert channel: expected lower-case letters, digits, _ and -, and neither "
            f"{' nor '.join(_OWN)}, which are there already"
        )
    return name


def _url(name: str, url: object) -> str:
    if not isinstance(url, str) or not url.strip():
        raise ConfigurationError(
            f"the address of the alert channel {name!r} must be text such as json://host/path, found "
            f"{type(url).__name__}"
        )
    return url.strip()
