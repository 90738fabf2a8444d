"""Catalog entry for an exchange that candles are downloaded from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from klineforge.domain.parameters import parse_source_url, parse_source_urls
from klineforge.errors import ConfigurationError
from klineforge.exchanges.binance.market import DIALECT, BinanceMarket
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.retry import RetryPolicy
from klineforge.exchanges.transport import Limits

MOST_RETRIES = 20


class BinanceMarketDataset(AbstractDataset[Never, BinanceMarket]):
    """Hands out Binance's archive and REST interface; loading it asks nothing yet.

    All loads of one entry give the same client, so that what it learns about a host holds for the whole run.

    Example in ``catalog.yml``::

        binance_market:
          type: klineforge.datasets.exchange.BinanceMarketDataset
          archive_url: https://data.binance.vision
          rest_url:
            - https://data-api.binance.vision
            - https://api.binance.com
          retries: 4

    Example in Python::

        market = BinanceMarketDataset(archive_url="https://data.binance.vision", rest_url="off").load()
    """

    def __init__(
        self,
        *,
        archive_url: str | bool,
        rest_url: str | bool | Sequence[str],
        retries: object = 4,
        total_seconds: float = 120.0,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Describe the exchange.

        Args:
            archive_url: Root of the archive, or the word ``off``.
            rest_url: Roots of the REST interface, a list or one text with spaces between them; or the word ``off``.
            retries: How often a failed request is tried again, 0 to 20.
            total_seconds: Longest time one attempt may take.
            metadata: For Kedro plugins; not used here.

        Raises:
            ConfigurationError: When ``retries`` is no such number.
        """
        if not isinstance(retries, int) or isinstance(retries, bool) or not 0 <= retries <= MOST_RETRIES:
            raise ConfigurationError(f"'retries' must be a whole number from 0 to {MOST_RETRIES}, found {retries!r}")
        self._archive_url = archive_url
        self._rest_url = rest_url
        self._retries = retries
        self._total_seconds = total_seconds
        self.metadata = metadata
        self._market: BinanceMarket | None = None

    def load(self) -> BinanceMarket:
        """The client.

        Raises:
            ConfigurationError: When a URL cannot be one.
        """
        if self._market is None:
            http = HttpClient(
                DIALECT, policy=RetryPolicy(attempts=self._retries + 1), limits=Limits(total=self._total_seconds)
            )
            self._market = BinanceMarket(
                http,
                parse_source_url(self._archive_url, "archive_url"),
                parse_source_urls(self._rest_url, "rest_url"),
            )
        return self._market

    def save(self, data: Never) -> None:  # noqa: ARG002 - the name is Kedro's
        """Refuse: nobody writes to an exchange.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("an exchange can only be read")

    def _describe(self) -> dict[str, Any]:
        return {"archive_url": self._archive_url, "rest_url": self._rest_url}

    def _exists(self) -> bool:
        return True

    def _release(self) -> None:
        if self._market is not None:
            self._market.close()
            self._market = None
